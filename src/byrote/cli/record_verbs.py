"""The verbs that read a record, and train nothing: score, attack, report, catalogue."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from byrote.cli.model_verbs import print_attribution
from byrote.cli.output import data_options, message, print_data, print_rows, stage_bar
from byrote.errors import ByroteError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from byrote.evidence.evaluate import Values
    from byrote.signature import Score

ROWS = 20


@click.command(short_help="Print scores, example by example.")
@click.argument("directory", metavar="RECORD")
@click.argument("scores", nargs=-1, required=True)
@click.option(
    "--top", type=click.IntRange(1), help=f"Number of rows. [default: {ROWS} in a table, all in CSV and JSON]"
)
@click.option(
    "--split",
    type=click.Choice(["train", "test", "canary", "all"]),
    help="Examples to print; for influence, the targets. Canaries are only in canary and all. [default: train; test for influence]",
)
@data_options
def score(directory: str, scores: Sequence[str], top: int | None, split: str | None, form: str | None) -> None:
    """Print SCORES of the examples of RECORD, first those that are surely memorized or hard by the first score.

    The order is that of the end of the interval that is nearer to not memorized, because with few runs the largest
    values are large by luck. Scores that are shrunk, or have no interval, are ordered by value.

    A score is a name of `byrote catalogue`, with options as in 'el2n(step=5)', or one of your own: my_file.py:name. After
    `byrote attribute`, tracin and trak are scores too. A file my_file.py is executed: give only one that you trust. Nothing that
    RECORD holds is executed.
    """
    from byrote.attribution import METHODS, read_attribution
    from byrote.evidence.catalogue import find_score
    from byrote.evidence.evaluate import evaluate
    from byrote.evidence.tables import pair_rows, score_rows
    from byrote.record import Record
    from byrote.report.numbers import count

    record = Record(directory)
    if len(scores) == 1 and scores[0] in METHODS:
        print_attribution(record, read_attribution(record, scores[0]), top or ROWS, form)
        return
    chosen = [find_score(text) for text in scores]
    _check_one_table(chosen, directory)
    of_pairs = "target" in chosen[0].key
    lacking: list[str] = []
    if of_pairs:
        order = f"{chosen[0]}, largest first"
        rows = pair_rows(record, chosen[0], targets=split or "test", top=top or ROWS)
    else:
        limit = top if top is not None or form else ROWS
        scored = [evaluate(each, record) for each in chosen]
        rows = score_rows(record, scored, split=split or "train", top=limit)
        order = scored[0].sorted_by
        lacking = [said for each in scored if (said := _without_value(each, record.population.where(split or "train")))]
    if form:
        print_data(rows, form)
        return
    message(f"Sorted by {order}.")
    print_rows(rows, [str(each) for each in chosen])
    for sentence in lacking:
        message(sentence)
    for each in chosen:
        message(f"{each}: {each.summary}")
    if record.objective.name != "classification":
        message(
            f"Models of this record learn {record.objective.name}: for P(correct) read the mean of {record.objective.outcome}."
        )
    message(f"{count(len(record.runs), 'run')}; intervals at 90 %. Four times as many runs would halve them.")
    if of_pairs:
        message(
            "These are the largest of very many pairs: with few runs, most of them are chance. The report says how many to expect."
        )


def _without_value(values: "Values", mask: "NDArray[np.bool_]") -> str:
    """Return how many of these examples have no value, and why; empty where all have one."""
    import numpy as np

    missing = mask & np.isnan(values.value)
    if not missing.any():
        return ""
    one_sided = missing & ((values.runs_in == 0) | (values.runs_out == 0))
    why = f"; all runs were trained on {one_sided.sum():,} of them, or none" if one_sided.any() else ""
    return f"No {values.score} for {missing.sum():,} of {mask.sum():,} examples{why}."


def _check_one_table(scores: Sequence["Score"], directory: str) -> None:
    """Raise ByroteError for scores that do not rank examples, or that do not fit into one table."""
    attack = next((each for each in scores if "run" in each.key), None)
    if attack:
        raise ByroteError(
            f"{attack} is a membership attack: it has a value for each run and example, and none that ranks the examples. "
            f"See what attacks find with `byrote attack {shlex.quote(directory)}`, or take its values in Python with byrote.guess."
        )
    pairs = next((each for each in scores if "target" in each.key), None)
    if pairs and len(scores) > 1:
        raise ByroteError(
            f"{pairs} has a value per pair of examples, so it needs a table of its own. Give it as the only score."
        )


@click.command(short_help="Run membership attacks on the models of a record.")
@click.argument("directory", metavar="RECORD")
@data_options
def attack(directory: str, form: str | None) -> None:
    """Run membership attacks on the models of RECORD: which examples are recognizable as training data?

    Each run is the target once, and the others are the attacker's shadow models. Intervals are over runs.
    """
    from byrote.membership.attacks import attack_table, read_membership
    from byrote.record import Record
    from byrote.stats.not_measured import NotMeasured

    record = Record(directory)
    found = read_membership(record)
    if isinstance(found, NotMeasured):
        raise ByroteError(f"{found.reason} Train runs on different subsets of the examples.")
    rows = attack_table(found)
    if form:
        print_data(rows, form)
        return
    print_rows(rows, [name for name in rows[0] if name != "attack"])
    message(f"{found.members:,} pairs of a run and a member, {found.others:,} of a run and another example.")
    message(
        f"What is found with membership shuffled was not measured. {found.shuffled.reason}"
        if isinstance(found.shuffled, NotMeasured)
        else f"With membership shuffled, the strongest attack of each shuffle finds {100 * found.shuffled:.1f} % at 1 % (p = {found.p_value:.2f})."
    )
    if found.epsilons:
        bounds = sorted(each.value for each in found.epsilons)
        message(
            f"One-run audits with the planted wrong labels: epsilon is above {bounds[0]:.2f} to {bounds[-1]:.2f}, by run."
        )


@click.command(short_help="Write the report again, without training, and print the verdict.")
@click.argument("directory", metavar="RECORD")
@click.option("--out", metavar="FILE", help="The file to write. [default: RECORD/report.html]")
def report(directory: str, out: str | None) -> None:
    """Write the report of RECORD again, without training, and print the verdict.

    Executes nothing that RECORD holds.
    """
    from byrote.evidence.cached_reads import read_once
    from byrote.record import Record
    from byrote.report import estimator_sentence, findings, read_panel, sentences, write_report

    record = Record(directory)
    with stage_bar() as progress:

        def stage(name: str) -> None:
            progress(name, 0, 0)

        stage("scores")
        read = read_once(record)
        panel = read_panel(record, read)
        measured = findings(record, panel=panel, read=read, stage=stage)
        path = write_report(record, out, panel=panel, found=measured, stage=stage)
    click.echo("\n".join([*sentences(measured), *estimator_sentence(measured)]))
    click.echo(f"\nreport: {path}")


@click.command(short_help="List all scores.")
@data_options
def catalogue(form: str | None) -> None:
    """List all scores: what they need, which end is high, and the paper."""
    from byrote.evidence.catalogue import catalogue_rows

    rows = catalogue_rows()
    if form:
        print_data(rows, form)
        return
    for row in rows:
        click.echo(
            f"{row['score']}\n  {row['meaning']}\n  high: {row['high means']}; needs: {row['needs']} ({row['evidence']})\n  {row['paper']}\n"
        )
