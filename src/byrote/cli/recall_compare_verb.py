"""The verb that compares ways of keeping a wanted list: in the weights, and in memories."""

import click

from byrote.cli.options import given_task, machine_options, seed_option, task_options
from byrote.cli.output import data_options, message, print_data, training_bar


@click.command(name="compare", short_help="Compare a wanted list in the weights and in memories.")
@click.argument("task", required=False)
@click.option(
    "--wanted",
    metavar="IDS",
    help="File of ids of training examples, or a number: so many random ones, half with an arbitrary answer. [default: 200]",
)
@click.option(
    "--recall",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.99,
    show_default=True,
    help="Floor that is held in the weights.",
)
@click.option(
    "--only",
    "problems",
    multiple=True,
    metavar="PROBLEM",
    help="classification, verification, few-shot or language; may be given several times. [default: all]",
)
@click.option("--runs", type=click.IntRange(2), default=4, show_default=True, help="Number of models of each way.")
@task_options
@seed_option
@click.option("--out", metavar="DIRECTORY", help="Directory of models, numbers and page. [default: recalls/NAME]")
@machine_options
@data_options
def compare(
    task: str | None, wanted: str | None, recall: float, problems: tuple[str, ...], runs: int, seed: int,
    out: str | None, workers: int | None, device: str, form: str | None,
) -> None:  # fmt: skip
    """Compare ways of keeping a wanted list: trained into the weights, or stored in memories beside a network.

    Without a TASK, on data that ship with byrote: classification, verification, few-shot learning, and facts in a language
    model. With a TASK that learns classes, its own wanted list. Prints which way to take and why, and writes recall.html.
    Models are kept, and the same command goes on where it stopped.
    """
    from byrote.experiments.recalling.compare import WANTED, compare_recall
    from byrote.findings.recalling import recall_rows
    from byrote.report.recalling_page import write_recall_comparison
    from byrote.report.recalling_sentences import recalling_sentences
    from byrote.training.compute import Compute

    given = WANTED if wanted is None else int(wanted) if wanted.isdigit() else wanted
    with training_bar() as (update, _):
        found = compare_recall(
            None if task is None else given_task(task), out, wanted=given, recall=recall, problems=problems, runs=runs, seed=seed,
            compute=Compute(workers=workers, device=device), progress=update,
        )  # fmt: skip
    if form:
        print_data(recall_rows(found), form)
    else:
        click.echo("\n".join(recalling_sentences(found)))
    message(f"\nreport: {write_recall_comparison(found)}")
