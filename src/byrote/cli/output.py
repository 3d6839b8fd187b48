"""What the verbs show: a bar while models train, tables, and messages on stderr."""

import logging
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from byrote.record import Record
    from byrote.record.storage import Place
    from byrote.task.inferred import Inferred
    from byrote.training.progress import Progress


SAID = 60
"""Columns of a table that are said on stderr, at most."""


def message(text: str) -> None:
    """Print a message on stderr."""
    click.echo(text, err=True)


@contextmanager
def saying_where(target: "Place") -> Generator[None]:
    """Say on stderr which file was written, and where a folder had to be made for it: its name may be misspelled."""
    new = isinstance(target, Path) and not target.parent.exists()
    yield
    message(f"written: {target}" + (f" (the folder {target.parent} was not there, and was made)" if new else ""))


@contextmanager
def training_bar() -> Generator[tuple[Callable[["Progress"], None], Callable[[], None]]]:
    """Show a bar while models train, and the warnings of byrote above it; yield what updates it and what ends it."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(20), TaskProgressColumn(), TextColumn("{task.fields[finished]}"),
        TimeRemainingColumn(), TextColumn("left"),
    )  # fmt: skip
    warnings = _Warnings(console)
    logging.getLogger("byrote").addHandler(warnings)
    try:
        with Bar(*columns, console=console, speed_estimate_period=120) as bar:
            shown = bar.add_task("training", total=None, finished="", visible=False)

            def update(now: "Progress") -> None:
                if now.stage:
                    bar.console.print(f"{now.stage} ...", highlight=False)
                    return
                done, whole = now.in_all
                bar.update(
                    shown,
                    completed=now.share * now.of_steps,
                    total=now.of_steps,
                    finished=f"{done}/{whole} runs{_known(now)},",
                    visible=True,
                )
                if now.runs >= now.of_runs:
                    bar.update(shown, description="trained ")

            yield update, bar.stop
    finally:
        logging.getLogger("byrote").removeHandler(warnings)


@contextmanager
def stage_bar(at_first: Callable[[], None] = lambda: None) -> Generator[Callable[[str, int, int], None]]:
    """Show a bar with the current stage of a piece of work, and the time so far; yield what updates it.

    `at_first` is called once, when the work begins: what is refused before takes no time.
    """
    columns = (
        TextColumn("{task.description}"), BarColumn(20), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("left"),
    )  # fmt: skip
    bar = Bar(*columns, console=Console(stderr=True))
    shown = bar.add_task("", total=None)

    def update(stage: str, done: int, of: int) -> None:
        if not bar.live.is_started:
            at_first()
        bar.update(shown, description=stage, completed=done, total=of or None)
        bar.start()

    try:
        yield update
        bar.update(shown, description="done", completed=1, total=1)
    finally:
        if bar.live.is_started:
            bar.stop()


def say_how_long(record: "Record", runs: int, what: str, *, side_by_side: int = 1) -> None:
    """Say on stderr about how long it takes to train so many runs, from how long those of the record took."""
    from statistics import median

    from byrote.training.progress import spell_seconds

    known = list(record.seconds().values())
    if known and runs:
        seconds = median(known) * runs / min(side_by_side, runs)
        message(
            f"{what} takes about {spell_seconds(seconds)} (a run of the record took {spell_seconds(median(known))})."
        )


def say_inferred(inferred: "Inferred") -> None:
    """Say on stderr how files were read: a line for each column, then the rest in sentences."""
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 160)
    if inferred.columns:
        table = Table(box=None, pad_edge=False)
        for name in ("column", "type", "what the model gets"):
            table.add_column(name, overflow="fold")
        for each in inferred.columns[:SAID]:
            table.add_row(
                *map(
                    Text,
                    (
                        printable(each.name),
                        each.kind,
                        printable(each.becomes) + "".join(f"\n  {printable(note)}" for note in each.notes),
                    ),
                )
            )
        console.print(table)
        if len(inferred.columns) > SAID:
            message(f"... and {len(inferred.columns) - SAID:,} more columns (Task.inferred has all).")
    for sentence in inferred.sentences:
        message(printable(sentence))


def _known(now: "Progress") -> str:
    """Return how well memorization is known: as it has to be, or else by the reliability that the verdict names."""
    found = now.certainty
    known = now.known or (f"reliability {found.reliability.value:.2f}" if found and found.reliability.value > 0 else "")
    return f", {known}" if known else ""


class _Warnings(logging.Handler):
    """Prints the warnings of the library, in one line above the bar."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        self.console.print(f"byrote: {record.getMessage()}", markup=False, highlight=False, soft_wrap=True)


def data_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Add --csv and --json to a verb that prints rows, as `form`."""
    as_json = click.option("--json", "form", flag_value="json", help="Print JSON.")
    return click.option("--csv", "form", flag_value="csv", help="Print CSV.")(as_json(verb))


def print_data(rows: Sequence[dict[str, Any]], form: str) -> None:
    """Print rows on stdout, as CSV or JSON."""
    from byrote.evidence.tables import as_csv, as_json

    click.echo(as_csv(rows) if form == "csv" else as_json(rows), nl=False)


def print_rows(rows: Sequence[dict[str, Any]], scores: Sequence[str]) -> None:
    """Print rows on stdout as a table; those named in `scores` are numbers with their interval, if they have one."""
    table = Table(box=None, pad_edge=False)
    bounds = {f"{name} {end}" for name in scores for end in ("low", "high")}
    names = [name for name in (rows[0] if rows else {}) if name not in bounds]
    for name in names:
        table.add_column(name, justify="right" if name in scores else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row, name) if name in scores else printable(str(row[name]))) for name in names))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def printable(text: str) -> str:
    """Return a text of the user's data as a terminal may show it: control characters, which could move its cursor, spelled."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _cell(row: dict[str, Any], name: str) -> str:
    value, low, high = (row.get(key) for key in (name, f"{name} low", f"{name} high"))
    if value is None:
        return "undefined" if f"{name} low" in row else ""
    return f"{value:.3f}" + ("" if low is None else f" [{low:.3f}, {high:.3f}]")


def short(value: Any) -> Any:
    """Return a number with three decimals, and anything else as it is."""
    return f"{value:.3f}" if isinstance(value, float) else value
