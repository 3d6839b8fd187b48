"""The verb that compares: a task with and without remedies, or two audits that exist."""

from collections.abc import Sequence

import click

from byrote.cli.options import given_task, machine_options, seed_option, task_options
from byrote.cli.output import data_options, message, print_data, print_rows, short, training_bar


@click.command(short_help="Compare remedies against memorization, or two audits.")
@click.argument("task")
@click.argument("others", nargs=-1, metavar="[AUDIT]")
@click.option(
    "--controls",
    multiple=True,
    help="What to compare: 'dropout(0.5)', 'dropout' (at all its strengths), or 'dropout(0.5) + flooding(0.1)' for two at once. Several may follow one --controls. [default: about a dozen usual remedies]",
)
@click.option(
    "--runs",
    type=click.IntRange(1),
    help="Number of models in all. [default: 108, or 10 of each where few are compared]",
)
@click.option(
    "--canaries",
    help="Number of canaries to plant of each usual kind, or of the kinds you name: mislabeled=50,ambiguous=20. [default: of each usual kind, 1 % of the training examples, 30 at least]",
)
@task_options
@seed_option
@click.option("--out", metavar="DIRECTORY", help="Directory of the records and the page. [default: comparisons/NAME]")
@machine_options
@data_options
def compare(
    task: str,
    others: Sequence[str],
    controls: Sequence[str],
    runs: int | None,
    canaries: str | None,
    seed: int,
    out: str | None,
    workers: int | None,
    device: str,
    form: str | None,
) -> None:
    """Train TASK unchanged and with remedies, and compare memorization, leakage, accuracy and cost; or compare two AUDITs.

    Trains within a number of runs that is stated before it begins, prints what is shown and what is not, and writes
    comparison.html. If TASK is a file, it is executed. Stop it at any time: finished models are kept, and the same command goes
    on where it stopped. With the directories of two audits it trains nothing: it prints what changed from the first to the
    second, and which examples are no longer memorized, or newly.
    """
    if len(others) == 1 and not controls:
        _compare_audits(task, others[0], form)
        return
    if others and not controls:
        raise click.UsageError("Give one task, or the directories of two audits. Controls follow --controls.")
    from byrote.experiments.compare import Stated
    from byrote.experiments.compare import compare as run_comparison
    from byrote.findings.comparison import comparison_rows
    from byrote.report import comparison_sentences, stated_sentences, write_comparison
    from byrote.task.canaries import parse_canaries
    from byrote.training.compute import Compute

    message(f"reading {task} ...")

    def announce(stated: Stated) -> None:
        message("\n".join(stated_sentences(stated)))

    given = given_task(task)
    with training_bar() as (update, _):
        found = run_comparison(
            given, [*controls, *others] or None, out, runs=runs, canaries=None if canaries is None else parse_canaries(canaries),
            seed=seed, compute=Compute(workers=workers, device=device), progress=update, on_plan=announce,
        )  # fmt: skip
    if form:
        print_data(comparison_rows(found), form)
    else:
        click.echo("\n".join(comparison_sentences(found)))
    page = write_comparison(found)
    message(f"\nreport: {page}")


def _compare_audits(before: str, after: str, form: str | None) -> None:
    from byrote.experiments.compare_audits import compare_audits
    from byrote.findings.comparison import change_rows, example_rows
    from byrote.report import audit_sentences

    message("reading both audits ...")
    found = compare_audits(before, after)
    if form:
        print_data(example_rows(found), form)
        return
    rows = [{**row, "before": short(row["before"]), "after": short(row["after"])} for row in change_rows(found)]
    print_rows(rows, ["change"])
    click.echo("\n" + "\n".join(audit_sentences(found)))
