"""The verbs that read a record, and train nothing: score, attack, report, catalogue."""

import shlex
from collections.abc import Sequence

import click

from byrote.cli.model_verbs import print_attribution
from byrote.cli.output import data_options, print_data, print_rows, say
from byrote.errors import ByroteError


@click.command(short_help="Print scores, example by example.")
@click.argument("runs", metavar="RUNS")
@click.argument("scores", nargs=-1, required=True)
@click.option(
    "--top",
    type=click.IntRange(1),
    help="Only the first N rows. [default: 20 in a table, all in CSV and JSON]",
)
@click.option(
    "--split",
    type=click.Choice(["train", "test", "canary", "all"]),
    help="Whose values to print; of influence: on whom. Canaries are only in the last two. [default: train; test for influence]",
)
@data_options
def score(runs: str, scores: Sequence[str], top: int | None, split: str | None, form: str | None) -> None:
    """Print SCORES of the record in RUNS, most memorized (by the first score) first.

    A score is a name of `byrote catalogue`, with options as in 'el2n(step=5)', or your own: my_file.py:name. After
    `byrote attribute`, tracin and trak are scores too.
    """
    from byrote.attribution import METHODS, read_attribution
    from byrote.evidence.catalogue import find_score
    from byrote.evidence.evaluate import evaluate
    from byrote.evidence.tables import pair_rows, score_rows
    from byrote.record import Record

    record = Record(runs)
    if len(scores) == 1 and scores[0] in METHODS:
        print_attribution(record, read_attribution(record, scores[0]), top or 20, form)
        return
    asked = [find_score(text) for text in scores]
    limit = top if top is not None or form else 20
    across = [s for s in asked if "target" in s.key]
    of_runs = next((s for s in asked if "run" in s.key), None)
    if of_runs:
        raise ByroteError(
            f"{of_runs} is a membership attack: it has a value for each run and example, and none that ranks the examples. "
            f"See what attacks find with `byrote attack {shlex.quote(runs)}`, or take its values in Python with byrote.guess."
        )
    if across and len(asked) > 1:
        raise ByroteError(
            f"{across[0]} has a value per pair of examples, so it makes a table of its own. Ask for it alone."
        )
    if across:
        rows = pair_rows(record, across[0], targets=split or "test", top=top or 20)
    else:
        scored = [evaluate(s, record) for s in asked]
        rows = score_rows(record, scored, split=split or "train", top=limit)
    if form:
        print_data(rows, form)
        return
    print_rows(rows, [str(s) for s in asked])
    say(f"{len(record.runs)} runs; intervals at 90 %. Four times as many runs would halve them.")
    if across:
        say(
            "These are the largest of very many pairs: with few runs, most of them are chance. The report says how many to expect."
        )


@click.command(short_help="Who can be told to have been trained on?")
@click.argument("runs", metavar="RUNS")
@data_options
def attack(runs: str, form: str | None) -> None:
    """Run membership attacks on the record in RUNS: who can be told to have been trained on?

    Each run is the target once, the others are the attacker's own models. Intervals are over runs.
    """
    from byrote.membership.attacks import attack_table, read_membership
    from byrote.record import Record
    from byrote.stats.not_measured import NotMeasured

    record = Record(runs)
    found = read_membership(record)
    if isinstance(found, NotMeasured):
        raise ByroteError(f"{found.reason} Collect runs on subsets with `byrote audit`.")
    rows = attack_table(found)
    if form:
        print_data(rows, form)
        return
    print_rows(rows, [name for name in rows[0] if name != "attack"])
    say(
        f"{found.members:,} pairs of a run and a member, {found.others:,} of a run and another example. With membership shuffled, "
        f"{found.strongest.name} finds {100 * found.shuffled:.1f} % at 1 % (p = {found.p_value:.2f})."
    )
    if found.epsilons:
        bounds = sorted(each.value for each in found.epsilons)
        say(
            f"One-run audits of the wrong labels that were planted: epsilon is above {bounds[0]:.2f} to {bounds[-1]:.2f}, by run."
        )


@click.command(short_help="Write the report again, without training.")
@click.argument("runs", metavar="RUNS")
@click.option("--out", metavar="FILE", help="The file to write. [default: RUNS/report.html]")
def report(runs: str, out: str | None) -> None:
    """Write the report of the record in RUNS again, without training."""
    from byrote.record import Record
    from byrote.report import write_report

    click.echo(write_report(Record(runs), out))


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
