"""The verbs that act on what a record shows: remove, relabel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from byrote.cli.output import data_options, message, print_data, print_rows, say_how_long, short, training_bar

if TYPE_CHECKING:
    from byrote.record import Record
    from byrote.task.task import Task

Rows = list[dict[str, Any]]


@click.command(short_help="Retrain without the most memorized examples.")
@click.argument("task")
@click.argument("directory", metavar="RECORD")
@click.option(
    "--share",
    "shares",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    multiple=True,
    help="Share of the training examples to remove. Repeatable. [default: .05 .1 .2; with --onion .1]",
)
@click.option("--seeds", type=click.IntRange(2), default=5, show_default=True, help="Models for each way and share.")
@click.option(
    "--onion",
    is_flag=True,
    help="Measure memorization of the remaining examples instead: are others memorized without the most memorized?",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of all randomness.")
@click.option("--out", metavar="DIRECTORY", help="Directory of the new models' records. [default: RECORD-removed]")
@click.option(
    "--workers", type=click.IntRange(1), help="Number of training processes. [default: one per core; one per GPU]"
)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, mps ...")
@data_options
def remove(
    task: str,
    directory: str,
    shares: Sequence[float],
    seeds: int,
    onion: bool,
    seed: int,
    out: str | None,
    workers: int | None,
    device: str,
    form: str | None,
) -> None:
    """Retrain TASK without the most memorized, influential and suspect examples of RECORD, and without random ones.

    If TASK is a file, it is executed. Prints the change in accuracy (R² of a regression) on the test set, and draws it in
    removal.svg. Stop it at any time: finished models are kept, and the same command goes on where it stopped.
    """
    from byrote.record import Record
    from byrote.task.loading import load_task
    from byrote.training.compute import Compute
    from byrote.training.dispatch import cores
    from byrote.training.matching import as_recorded

    record, where = Record(directory), out or f"{directory.rstrip('/')}-removed"
    found = as_recorded(load_task(task), record)
    models = seeds * (4 * len(shares or (0.05, 0.1, 0.2)) + 1)
    if not onion:
        say_how_long(record, models, f"Training {models} models", side_by_side=workers or cores())
    with training_bar() as (update, _):
        settings: dict[str, Any] = {
            "seed": seed, "compute": Compute(workers=workers, device=device), "progress": update,
        }  # fmt: skip
        if onion:
            rows, names = _peel(found, record, where, shares or (0.1,), settings), ["value"]
        else:
            rows, names = _remove(found, record, where, shares or (0.05, 0.1, 0.2), seeds, settings)
    if form:
        print_data(rows, form)
        return
    print_rows(rows, names)
    message(
        f"The removed examples were chosen by the {len(record.runs)} runs of the record; intervals at 90 %. The models are in {where}."
    )


def _peel(task: "Task", record: "Record", where: str, shares: Sequence[float], settings: dict[str, Any]) -> Rows:
    from byrote.experiments.onion import peel
    from byrote.findings.removed import onion_rows

    found = [peel(task, record, where, share=share, **settings) for share in shares]
    return [row for each in found for row in onion_rows(each)]


def _remove(
    task: "Task",
    record: "Record",
    where: str,
    shares: Sequence[float],
    seeds: int,
    settings: dict[str, Any],
) -> tuple[Rows, list[str]]:
    """Return rows and the names of their numbers, and draw removal.svg."""
    from byrote.experiments.removal import remove
    from byrote.findings.removed import draw_removal, measured_on_tests, removal_rows
    from byrote.findings.vocabulary import read_vocabulary
    from byrote.record.storage import place, replacing

    removal, words = remove(task, record, where, shares=shares, seeds=seeds, **settings), read_vocabulary(record)
    with replacing(place(where) / "removal.svg") as path:
        path.write_text(draw_removal(removal, words), encoding="utf-8")
    names = [measured_on_tests(words), "against random", "on new tests", "hard tests", "hard against random"]
    return removal_rows(removal, words), names


@click.command(short_help="List labels or targets that look wrong, with proposals.")
@click.argument("directory", metavar="RECORD")
@click.option(
    "--split", type=click.Choice(["train", "test"]), default="train", show_default=True, help="Examples to check."
)
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, help="Maximum number of rows to print.")
@click.option(
    "--csv", metavar="FILE", help="Write all of them as CSV, in cleanlab's columns, for byrote.explain.apply_labels."
)
@click.option("--fiftyone", metavar="FILE", help="Write all of them as JSON, in the fields of FiftyOne.")
def relabel(directory: str, split: str, top: int, csv: str | None, fiftyone: str | None) -> None:
    """Suggest labels, or the targets of a regression, for the examples of RECORD: what models not trained on the example predict.

    Those that look wrong come first. Of several targets each is judged apart.
    """
    import numpy as np

    from byrote.evidence.tables import as_csv
    from byrote.explain import space
    from byrote.explain.relabel import as_fiftyone, check_issues, is_issue, issue_rows, suggestion_rows, suggestions
    from byrote.findings.vocabulary import read_vocabulary
    from byrote.objectives import Regression
    from byrote.record import Record
    from byrote.record.storage import place, replacing

    record = Record(directory)
    points = space(record.population)
    found = suggestions(record, np.flatnonzero(record.population.where(split)), points=points)
    rows = suggestion_rows(record, found)
    texts = [(place(csv), as_csv(rows))] if csv else []
    texts += [(place(fiftyone), as_fiftyone(record, found))] if fiftyone else []
    for target, text in texts:
        with replacing(target) as path:
            path.write_text(text, encoding="utf-8")
    issues = [each for each in found if is_issue(each)]
    words = read_vocabulary(record)
    regression = words.kind == "regression"
    shown = issue_rows(record, issues)
    print_rows([{name: short(value) for name, value in row.items()} for row in shown[:top]], [])
    judged = len(rows) * (len(record.objective.scale) if isinstance(record.objective, Regression) else 1)
    message(
        f"{len(shown)} of {judged} {words.targets} look wrong. Check each before you change it; {words.targets} of rare examples look wrong too."
    )
    if regression and issues:
        message(
            "Each proposal is the mean prediction of models not trained on the example, with a 90 % interval over these models: "
            "it is an interval of this mean, not of the true target. The distance between them is in standard deviations of that target."
        )
    known = check_issues(record, points=points)
    if known.wrong:
        right = "is nearer to the original target" if regression else "is the original label"
        message(
            f"Tried on canaries: of {known.wrong} planted {words.wrong_target}s, {known.found} look wrong, and the proposal {right} for {known.proposed} of these; "
            f"of {known.right} ordinary canaries, whose {words.targets} were not altered, {known.accused} look wrong."
        )
