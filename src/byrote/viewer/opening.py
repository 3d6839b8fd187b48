"""Opening: what lies in a directory: an audit, a language audit, or a comparison with the audits of its ways of training."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from byrote.errors import WrongRecord, suggestion
from byrote.record import Record, read_manifest
from byrote.record.storage import Place, exists, names, place, read_bytes
from byrote.report.kept_verdict import KEPT, Verdict, read_verdict

Kind = Literal["audit", "language", "comparison"]

PAGES = ("report.html", "comparison.html", "memorize.html", "recall.html", "causes.html")
"""The pages that are served, if they lie in the directory of what is open; no other file is."""


@dataclass(frozen=True)
class Opened:
    """One thing that is open: what it is called, where it lies, and its page ("" where none was written).

    `parts` are the numbers of the audits that belong to a comparison, `whole` that of the comparison an audit belongs to.
    `verdict` is what a comparison found, as its page says.
    """

    number: int
    kind: Kind
    name: str
    directory: Place
    page: str
    verdict: Verdict | None = None
    parts: tuple[int, ...] = ()
    whole: int | None = None


def open_all(directories: Sequence[str | os.PathLike[str]]) -> tuple[Opened, ...]:
    """Return what lies in these directories, numbered from 1 in their order; the parts of a comparison follow it.

    Raises WrongRecord for a directory that holds nothing of byrote, naming what is near.
    """
    found: list[Opened] = []
    for each in directories:
        where = place(each)
        kind = _kind(where)
        number = len(found) + 1
        if kind == "comparison":
            parts = sorted(name for name in names(where) if exists(where / name / "record.json"))
            verdict = read_verdict(where)
            called = verdict.name if verdict else where.name
            inside = tuple(range(number + 1, number + 1 + len(parts)))
            found.append(Opened(number, kind, called, where, _page(where), verdict, inside))
            arms = _arms(where)
            found += [
                Opened(at, "audit", arms.get(part, part), where / part, _page(where / part), whole=number)
                for at, part in zip(inside, parts, strict=True)
            ]
        else:
            name = where.name if kind == "language" else _task(where)
            found.append(Opened(number, kind, name, where, _page(where)))
    return tuple(found)


def open_record(opened: Opened) -> Record:
    """Return the record of an audit as it is now. Raises WrongRecord where it is gone or damaged."""
    return Record(opened.directory)


def _kind(where: Place) -> Kind:
    if exists(where / "record.json"):
        return "audit"
    if exists(where / "audit.json"):
        return "language"
    if any(exists(where / name) for name in ("comparison.json", "recall.json", KEPT)) or _page(where):
        return "comparison"
    raise WrongRecord(_nothing(where))


def _nothing(where: Place) -> str:
    """Say that a directory holds nothing to look at, and what near it does."""
    if isinstance(where, Path) and not where.exists():
        near = suggestion(where.name, names(where.parent))
        return f"There is no directory {where}. {near or 'Give the directory of an audit, a comparison or a language audit.'}"
    inside = [name for name in sorted(names(where)) if exists(where / name / "record.json")]
    hint = f" Did you mean {where / inside[0]}?" if inside else ""
    return f"{where} holds no audit, comparison or language audit: it has no record.json, audit.json or comparison.json.{hint}"


def _task(where: Place) -> str:
    return str(read_manifest(where)["task"].get("name", where.name))


def _page(where: Place) -> str:
    there = set(names(where))
    return next((name for name in PAGES if name in there), "")


def _arms(where: Place) -> dict[str, str]:
    """Return the texts of the arms of a comparison by their directories; none where that is not known."""
    try:
        found = json.loads(read_bytes(where / "comparison.json"))["arms"]
        return {str(name): str(text) for name, text in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
