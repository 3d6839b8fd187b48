"""The verb that puts records over several sizes of the training set together: c-profile."""

from collections.abc import Sequence
from typing import Any

import click

from byrote.cli.output import data_options, message, print_data, print_rows

ROWS = 20


@click.command("c-profile", short_help="Print C-scores over several sizes of the training set.")
@click.argument("directories", metavar="RECORD RECORD ...", nargs=-1, required=True)
@click.option(
    "--top", type=click.IntRange(1), help=f"Number of rows. [default: {ROWS} in a table, all in CSV and JSON]"
)
@data_options
def c_profile(directories: Sequence[str], top: int | None, form: str | None) -> None:
    """Print the C-score of each example at the size of each RECORD, and the mean over them, hardest first.

    The records are audits of one task with --design 'subsets(fraction=...)', each with a fraction of its own. Jiang et al.
    (2021) take 0.1 to 0.9. Nothing that a record holds is executed.
    """
    from byrote.evidence.c_profile import MEAN, size_name
    from byrote.evidence.c_profile import c_profile as profile_of
    from byrote.record import Record

    profile = profile_of([Record(directory) for directory in directories])
    if profile.left_out:
        there = len(profile.ids)
        message(
            f"{there:,} of up to {there + profile.left_out:,} examples are in all records. The others are left out."
        )
    limit = top if top is not None or form else ROWS
    columns = profile.columns
    rows = [{name: _plain(values[at]) for name, values in columns.items()} for at in profile.hardest_first[:limit]]
    if form:
        print_data(rows, form)
        return
    sizes = [size_name(fraction) for fraction in profile.fractions]
    shown = [{name: value for name, value in row.items() if not name.startswith("runs out")} for row in rows]
    message(f"Sorted by {MEAN}, smallest first.")
    print_rows(shown, [MEAN, *sizes])
    message(
        f"{MEAN}: the mean of P(correct | not trained on it) over training sets of {', '.join(f'{size:g}' for size in profile.fractions)} of the data; 1 is easy, 0 is hard."
    )
    counted = ", ".join(f"{out.min():,} to {out.max():,}" for out in profile.runs_out)
    message(f"Runs without an example, by size: {counted}; intervals at {100 * profile.level:g} %.")


def _plain(value: Any) -> Any:
    """Return the entry of an array as a number or text; None where it is undefined."""
    plain = value.item()
    return None if plain != plain else plain
