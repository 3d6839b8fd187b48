"""Attributions that are kept beside a record: how they were made, and how well they agree with influence."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from byrote.attribution.kept import About, kept_methods, read_about
from byrote.errors import ByroteError
from byrote.record import Record
from byrote.record.inputs import are_one_real
from byrote.stats.not_measured import NotMeasured


@dataclass(frozen=True)
class Attributed:
    """What is kept, by method; NotMeasured where a file cannot be used. `command` makes one; None where byrote cannot."""

    kept: tuple[tuple[str, About | NotMeasured], ...]
    command: str | None


def read_attributed(record: Record) -> Attributed:
    """Return what is kept beside the record; nothing is computed."""
    source, unit = source_words(record.manifest), record.manifest["steps"].get("unit")
    possible = (
        are_one_real(record.inputs)
        and record.objective.name == "classification"
        and source
        and unit == "epoch"
        and record.manifest.get("seed") is not None
    )
    command = f"byrote attribute {source} RECORD" if possible else None
    return Attributed(tuple((method, _about(record, method)) for method in kept_methods(record)), command)


def source_words(manifest: Mapping[str, Any]) -> str:
    """Return what one types for the task of a record, quoted for a shell, with what was said of a table; empty if not known."""
    task = manifest.get("task", {})
    source, options = task.get("source"), task.get("options", ())
    return shlex.join([str(source), *map(str, options)]) if source else ""


def _about(record: Record, method: str) -> About | NotMeasured:
    try:
        return read_about(record, method)
    except ByroteError as error:
        return NotMeasured.because(error)
