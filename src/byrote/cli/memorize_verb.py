"""The verb for wanted memorization: memorize."""

import click

from byrote.cli.options import given_task, machine_options, seed_option, task_options
from byrote.cli.output import data_options, message, print_data, training_bar


@click.command(short_help="Train so that a list of examples is recalled, and see what that costs.")
@click.argument("task")
@click.option(
    "--wanted",
    required=True,
    metavar="FILE|NUMBER",
    help="The examples that must be recalled: a file of ids (one in each line, or a CSV with a column example or id), or a number of random ones.",
)
@click.option("--recall", type=float, default=0.99, show_default=True, help="The share of them that must be recalled.")
@click.option(
    "--tolerance", type=click.FloatRange(0), help="How far a predicted number may be off. [regression only; required]"
)
@click.option("--runs", type=click.IntRange(3), default=6, show_default=True, help="Models of each of five ways.")
@click.option(
    "--longer",
    type=click.FloatRange(0, min_open=True),
    default=2.0,
    show_default=True,
    help="Without brakes: times the epochs.",
)
@click.option(
    "--wider", type=click.FloatRange(0, min_open=True), default=1.5, show_default=True,
    help="Without brakes: times the width.",
)  # fmt: skip
@task_options
@seed_option
@click.option("--out", metavar="DIRECTORY", help="Directory of the records and the page. [default: memorized/NAME]")
@machine_options
@data_options
def memorize(
    task: str,
    wanted: str,
    recall: float,
    tolerance: float | None,
    runs: int,
    longer: float,
    wider: float,
    seed: int,
    out: str | None,
    workers: int | None,
    device: str,
    form: str | None,
) -> None:
    """Train TASK so that the wanted examples are recalled, in several ways, and say what each costs the others.

    As it is; with the wanted examples weighted until the floor holds; without brakes; both; and without the wanted examples.
    Says beforehand how many models are trained, about how long that takes, and whether the list fits into the model. Writes
    memorize.html. If TASK is a file, it is executed. Stop it at any time: finished models are kept, and the same command goes
    on where it stopped.
    """
    from byrote.experiments.memorize import Announced
    from byrote.experiments.memorize import memorize as run_memorize
    from byrote.findings.wanted_rows import memorize_rows
    from byrote.report import announced_sentences, memorize_sentences, write_memorized
    from byrote.training.compute import Compute

    message(f"reading {task} ...")

    def announce(announced: Announced) -> None:
        message("\n".join(announced_sentences(announced)))

    given = given_task(task)
    with training_bar() as (update, _):
        found = run_memorize(
            given, int(wanted) if wanted.isdecimal() else wanted, recall, out, runs=runs, tolerance=tolerance, longer=longer,
            wider=wider, seed=seed, compute=Compute(workers=workers, device=device), progress=update, on_plan=announce,
        )  # fmt: skip
    if form:
        print_data(memorize_rows(found), form)
    else:
        click.echo("\n".join(memorize_sentences(found)))
    message(f"\nreport: {write_memorized(found)}")
