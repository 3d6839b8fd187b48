"""The verbs that act on what a record shows: remove, relabel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from byrote.cli.options import machine_options, seed_option, task_of_record, task_options
from byrote.cli.output import (
    data_options,
    message,
    print_data,
    print_rows,
    say_how_long,
    saying_where,
    short,
    training_bar,
)

if TYPE_CHECKING:
    from byrote.record import Record
    from byrote.task.task import Task

Rows = list[dict[str, Any]]

REMOVAL_COLUMNS = (
    "against random: the difference from removing as many random examples, on these test examples; below 0, these examples were "
    "worth more than random ones. on new tests: the same difference with the interval to expect on other test examples of the "
    "same kind. hard tests: the tenth of the test examples that models of the record get right least often."
)


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
@click.option(
    "--ids",
    metavar="FILE",
    help="Remove exactly the examples in this file instead, as `byrote view` writes: one id in each line, or a CSV with a column example or id.",
)
@click.option("--seeds", type=click.IntRange(2), default=5, show_default=True, help="Models for each way and share.")
@click.option(
    "--onion",
    is_flag=True,
    help="Measure memorization of the remaining examples instead: are others memorized without the most memorized?",
)
@task_options
@seed_option
@click.option("--out", metavar="DIRECTORY", help="Directory of the new models' records. [default: RECORD-removed]")
@machine_options
@data_options
def remove(
    task: str,
    directory: str,
    shares: Sequence[float],
    ids: str | None,
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
    from byrote.training.compute import Compute
    from byrote.training.matching import check_same
    from byrote.training.workers import cores

    if ids is not None and (shares or onion):
        raise click.UsageError("--ids names the examples. Leave --share and --onion out.")
    record, where = Record(directory), out or f"{directory.rstrip('/')}-removed"
    found = task_of_record(task, record)
    check_same(found, record)
    models = seeds * (3 if ids is not None else 4 * len(shares or (0.05, 0.1, 0.2)) + 1)
    if not onion:
        say_how_long(record, models, f"Training {models} models", side_by_side=workers or cores())
    with training_bar() as (update, _):
        settings: dict[str, Any] = {
            "seed": seed, "compute": Compute(workers=workers, device=device), "progress": update,
        }  # fmt: skip
        if onion:
            rows, names = _peel(found, record, where, shares or (0.1,), settings), ["value"]
        else:
            rows, names = _remove(found, record, where, shares or (0.05, 0.1, 0.2), ids, seeds, settings)
    if form:
        print_data(rows, form)
        return
    print_rows(rows, names)
    chosen = (
        f"The removed examples were chosen by the {len(record.runs)} runs of the record"
        if ids is None
        else f"The removed examples are those of {ids}"
    )
    if not onion:
        message(REMOVAL_COLUMNS)
    message(f"{chosen}; intervals at 90 %. The models are in {where}.")


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
    ids: str | None,
    seeds: int,
    settings: dict[str, Any],
) -> tuple[Rows, list[str]]:
    """Return rows and the names of their numbers, and draw removal.svg."""
    from byrote.experiments.removal import remove
    from byrote.findings.removed import draw_removal, measured_on_tests, removal_rows
    from byrote.findings.vocabulary import read_vocabulary
    from byrote.record.storage import place, replacing

    removal, words = (
        remove(task, record, where, shares=shares, ids=ids, seeds=seeds, **settings),
        read_vocabulary(record),
    )
    with replacing(place(where) / "removal.svg") as path:
        path.write_text(draw_removal(removal, words), encoding="utf-8")
    names = [measured_on_tests(words), "against random", "on new tests", "hard tests", "hard against random"]
    return removal_rows(removal, words), names


@click.command(short_help="List labels or targets that contradict the other examples, with proposals.")
@click.argument("directory", metavar="RECORD")
@click.option(
    "--split", type=click.Choice(["train", "test"]), default="train", show_default=True, help="Examples to check."
)
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, help="Maximum number of rows to print.")
@click.option(
    "--csv",
    metavar="FILE",
    help="Write all examples as CSV, issues first, in cleanlab's columns, for byrote.explain.apply_labels.",
)
def relabel(directory: str, split: str, top: int, csv: str | None) -> None:
    """Suggest labels, or the targets of a regression, for the examples of RECORD: what models not trained on the example predict.

    Those that contradict the predictions come first. Of several targets each is judged apart. For FiftyOne and Label Studio
    there is `byrote export`; its table for cleanlab is the one that --csv writes.
    """
    import numpy as np

    from byrote.explain import space
    from byrote.explain.causes import CONFIRMED, FEWEST_MODELS
    from byrote.explain.issue_table import write_issues
    from byrote.explain.relabel import (
        check_issues,
        is_issue,
        issue_noise,
        most_models,
        shown_rows,
        suggestion_rows,
        suggestions,
    )
    from byrote.findings.vocabulary import read_vocabulary
    from byrote.inputs.class_folders import listed
    from byrote.record import Record
    from byrote.record.storage import exists, place
    from byrote.report.numbers import count

    record = Record(directory)
    message(f"Reading what {len(record.runs)} runs predict for {record.population.where(split).sum()} examples ...")
    points = space(record.population)
    found = suggestions(record, np.flatnonzero(record.population.where(split)), points=points)
    if csv:
        again = exists(place(csv))
        with saying_where(place(csv)):
            write_issues(suggestion_rows(record, found), csv)
        if again:
            message("The earlier table there was replaced.")
    shown = [each for each in found if is_issue(each)]
    judged, models = most_models(found)
    words = read_vocabulary(record)
    if not judged:
        message(
            f"Not judged: no example was left out of more than {models} run{'s' if models != 1 else ''}, and {FEWEST_MODELS} models that were not trained on it are needed. "
            + (
                "The CSV has all predictions."
                if words.kind == "regression"
                else "So these rows accuse nobody. They are in the order of label quality, the most doubtful first."
            )
        )
        table = shown_rows(record, shown) if words.kind == "regression" else shown_rows(record, found[:top])
        print_rows([{name: short(value) for name, value in row.items()} for row in table], [])
        return
    if judged < len(found):
        message(
            f"{judged:,} of {count(len(found), 'example')} can be judged. {count(len(found) - judged, 'example')} could not be judged: fewer than {FEWEST_MODELS} runs left them out."
        )
    rows = shown_rows(record, shown)
    print_rows([{name: short(value) for name, value in row.items()} for row in rows[:top]], [])
    several = record.objective.outputs if words.kind == "regression" else 1
    message(
        f"{len(rows)} of {judged * several} {words.targets} that could be judged contradict what the other examples say. That does not make them wrong: "
        f"{words.targets} of rare and of ambiguous examples do so too. Look at each before you change it."
    )
    other = "test" if split == "train" else "train"
    unseen = int(record.population.where(other).sum())
    if unseen:
        message(
            f"{count(unseen, f'{other} example')} {'was' if unseen == 1 else 'were'} not looked at here: --split {other}."
        )
    taken = [str(name) for name in record.population.source if name.startswith(f"{split}/")]
    if taken:
        message(
            f"{count(len(taken), 'example')} of your {split} data {'was' if len(taken) == 1 else 'were'} taken as canaries, which check this audit, and {'has' if len(taken) == 1 else 'have'} no row ({listed(taken)}). "
            "An audit with --canaries 0 judges all."
        )
    noise = issue_noise(found)
    if noise is not None and noise.issues and np.isnan(noise.by_noise):
        message(
            "How many of these were altered cannot be told: labels that their inputs do not determine would explain them all as well. "
            "So probability_altered is empty, and none is marked is_beyond_noise: mark those that you find wrong. The rows are in the order of label_quality, the most doubtful first."
        )
    elif noise is not None and noise.issues:
        message(
            f"If no label had been altered, about {noise.by_noise:.0f} of these would be expected: their inputs do not determine their label. "
            f"{noise.beyond} of the first rows are beyond that at a false-discovery rate of {noise.fdr:.0%} (column probability_altered)."
        )
    if words.kind == "classification" and shown:
        message(CONFIRMED)
    if words.kind == "regression" and shown:
        message(
            "Each proposal is the mean prediction of models not trained on the example, with a 90 % interval over these models: "
            "it is an interval of this mean, not of the true target. The distance between them is in standard deviations of that target."
        )
    known = check_issues(record, points=points)
    if known.wrong:
        right = "is nearer to the original target" if words.kind == "regression" else "is the original label"
        message(
            f"Tried on canaries: of {known.wrong} planted {words.wrong_target}s, {known.found} are listed, and the proposal {right} for {known.proposed} of these; "
            f"of {known.right} ordinary canaries, whose {words.targets} were not altered, {known.accused} are listed."
        )
