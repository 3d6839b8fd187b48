"""Attributions that are kept beside a record: how they were made, and how well they agree with influence."""

import shlex
from dataclasses import dataclass

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
    source, unit = record.manifest.get("task", {}).get("source"), record.manifest["steps"].get("unit")
    possible = (
        are_one_real(record.inputs)
        and record.objective.name == "classification"
        and source
        and unit == "epoch"
        and record.manifest.get("seed") is not None
    )
    command = f"byrote attribute {shlex.quote(str(source))} RECORD" if possible else None
    return Attributed(tuple((method, _about(record, method)) for method in kept_methods(record)), command)


def _about(record: Record, method: str) -> About | NotMeasured:
    try:
        return read_about(record, method)
    except ByroteError as error:
        return NotMeasured.because(error)
