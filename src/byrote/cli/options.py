"""Options that several verbs have: each is written once, and means the same everywhere."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from byrote.cli.output import say_inferred

if TYPE_CHECKING:
    from byrote.inputs.reading import Reading
    from byrote.record import Record
    from byrote.task.task import Task

Verb = Callable[..., None]

seed_option = click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of all randomness."
)
"""Adds --seed, as `seed`."""


def machine_options(verb: Verb) -> Verb:
    """Add --workers and --device: with how much of the machine models are trained."""
    workers = click.option(
        "--workers", type=click.IntRange(1), help="Number of training processes. [default: one per core; one per GPU]"
    )
    device = click.option("--device", default="cpu", show_default=True, help="cpu, cuda, mps ...")
    return workers(device(verb))


READING = "byrote.reading"
"""The key under which a command keeps what is stated of a table until its task is opened."""


def reading_options(verb: Verb) -> Verb:
    """Add what can be stated of a table or a folder in place of TASK. `opened` takes it from there, not the verb."""
    for option in reversed(_reading_options()):
        verb = option(verb)
    return verb


TAKE = "byrote.take"
"""The key under which a command keeps how many training examples are taken."""


def task_options(verb: Verb) -> Verb:
    """Add --take and the options of `reading_options`: what can be stated of TASK. `opened` takes them from there."""
    take = click.option(
        "--take", type=click.IntRange(2), expose_value=False, callback=_keep_take,
        help="Use only so many of the training examples, drawn by the seed. [default: all; of a RECORD those it was made with]",
    )  # fmt: skip
    return take(reading_options(verb))


def opened(task: str) -> "Task":
    """Return the task that was named, with the options of `task_options`; what was inferred of files is said on stderr."""
    from byrote.inputs.reading import Reading
    from byrote.task.taking import taken

    context = click.get_current_context()
    found = _read(task, Reading(**context.meta.get(READING, {})))
    return taken(found, context.meta.get(TAKE), context.params.get("seed", 0))


def given_task(task: str) -> "Task | str":
    """Return the task of a file or folder of data, as `opened` does; another name as it is, to be opened by who is given it."""
    meta = click.get_current_context().meta
    return opened(task) if meta.get(READING) or meta.get(TAKE) or _is_data(task) else task


def task_of_record(task: str, record: "Record") -> "Task":
    """Return the task that a record was made of. Its files are read as the record says; options need not be given again.

    Raises UsageError for options that are not those of the record, and WrongRecord for files that changed since.
    """
    from byrote.inputs.reading import Reading
    from byrote.training.matching import as_recorded, check_data

    meta = click.get_current_context().meta
    words = record.manifest.get("task", {}).get("options", ()) if _is_data(task) else ()
    stated, kept = meta.get(READING, {}), Reading.from_options(words)
    asked = Reading(**stated)
    differing = [name for name in stated if getattr(asked, name) != getattr(kept, name)]
    part = record.manifest.get("take")
    if differing or meta.get(TAKE, part) != part:
        made = " ".join([*words, *(("--take", str(part)) if part else ())]) or "none of these options"
        raise click.UsageError(
            f"{record.directory} was made with {made}. Leave these options out: they are read from the record."
        )
    found = as_recorded(_read(task, kept), record)
    if _is_data(task):
        check_data(found, record)
    return found


def _read(task: str, reading: "Reading") -> "Task":
    from byrote.inputs.opening import open_task

    found = open_task(task, reading)
    if found.inferred is not None:
        say_inferred(found.inferred)
    return found


def _is_data(task: str) -> bool:
    return os.path.exists(task) and not task.endswith(".py")


def _keep_take(context: click.Context, parameter: click.Parameter, value: int | None) -> None:
    if value is not None:
        context.meta[TAKE] = value


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value not in (None, ()):
        context.meta.setdefault(READING, {})[parameter.name] = value


def _types(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> None:
    pairs = [tuple(part.strip() for part in each.rpartition("=")[::2]) for each in value]
    for each, (name, _) in zip(value, pairs, strict=True):
        if not name:
            raise click.BadParameter(f"{each!r} names no column. Write --type COLUMN=KIND, as in --type zip=category.")
    _keep(context, parameter, tuple(pairs))


def _reading_options() -> list[Callable[[Verb], Verb]]:
    def option(*names: str, **settings: Any) -> Callable[[Verb], Verb]:
        return click.option(*names, expose_value=False, callback=settings.pop("callback", _keep), **settings)

    return [
        option("--label", metavar="COLUMN", help="Of a table: the column to learn. Words are classes, numbers a regression."),
        option("--text", metavar="COLUMN", help="Of a table: read this column of free text, and no other."),
        option("--group", metavar="COLUMN", help="Of a table: rows with the same value are left out together."),
        option("--id", metavar="COLUMN", help="Of a table: the name of each row. [default: its position from 0]"),
        option("--drop", metavar="COLUMN", multiple=True, help="Of a table: not for the model. Repeatable."),
        option(
            "--type", "types", metavar="COLUMN=KIND", multiple=True, callback=_types,
            help="Of a table: what a column is: number, decimal-comma, category, boolean, date, day-first, month-first, text. Repeatable. [default: by its cells]",
        ),
        option("--test-share", type=float, help="Of files: share of the data that is the test set. [default: 0.2]"),
        option("--test-column", metavar="COLUMN", help="Of a table: says train or test for each row."),
        option("--time", metavar="COLUMN", help="Of a table: the last part by this date or number is the test set."),
        option("--encoding", help="Of text files. [default: utf-8]"),
        option(
            "--series", metavar="NAME", multiple=True,
            help="Of a table with a series in each row: a channel, by what its columns begin with (t0, t1 ...), or a column of lists. Repeatable.",
        ),
        option(
            "--size", type=click.IntRange(8),
            help="Of folders and series: longer side of pictures, or time steps of series. [default: at most 64, at most 1024]",
        ),
    ]  # fmt: skip
