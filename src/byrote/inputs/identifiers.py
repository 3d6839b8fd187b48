"""Identifiers: columns that name a row, from which a model would learn each row by rote; and columns that say the label."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byrote.inputs.columns import Column

UNIQUE = 0.95
"""Share of the values that have to be different for a column to be nearly unique."""

MANY = 0.5
"""The same for a column whose name says that it is an id, or whose words are those of one: a customer with several rows."""

FEWEST = 10
"""Below so many rows, no column is taken for an id by its values alone."""

DIGITS = 7
"""Whole numbers of equally many digits, this many or more, all different, are numbers of things (customers, invoices)."""

NAMED = re.compile(
    r"(?:^|[\s_.\-])(?:id|ids|uuid|guid|key|hash|ssn|iban|rowid|row|index|idx)$|[a-z](?:Id|ID|Key|Uuid)$|^unnamed|^column \d+$",
    re.IGNORECASE,
)
NUMBERED = re.compile(
    r"(?:^|[\s_.\-])(?:no|nr|num|number|code|account|email|e-mail|phone|name)$|[a-z](?:No|Nr|Number|Code)$",
    re.IGNORECASE,
)
"""Names of columns that are an id; and of those that are one if their values are all different."""

HASH = re.compile(
    r"^\{?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\}?$|^(?:0x)?[0-9a-f]{16,}$|^[^\s@]+@[^\s@]+\.\w+$", re.IGNORECASE
)
"""A uuid, a hash in hexadecimal digits, or an address of mail."""

LEAKS = 50
"""Values that a column may have, at most, to be looked at for whether it says the label."""


@dataclass(frozen=True)
class Judged:
    """Why a column is dropped (empty: it is not), and what is odd about it."""

    dropped: str = ""
    notes: tuple[str, ...] = ()


def judge(column: Column) -> Judged:
    """Return whether the model gets a column, from its values and its name; nothing is asked of what the user said it is.

    Constant columns tell nothing. Of whole numbers and words that are (nearly) all different, a model learns each row by rote.
    """
    if column.kind == "empty":
        return Judged("no cell holds a value")
    if column.kind == "other":
        return Judged("its cells are lists, objects or bytes")
    there = ~column.missing
    known, distinct = int(there.sum()), column.distinct
    if distinct == 1:
        return Judged("the same value everywhere") if known == len(there) else Judged()
    if column.kind == "text":
        return Judged("free text; a model of it is trained with --text")
    share = distinct / known
    if column.kind == "date":
        unique = share == 1 and known >= FEWEST
        return Judged(notes=("every value is different, so it tells each row from all others",) if unique else ())
    if column.kind == "boolean":
        return Judged()
    return _of_numbers(column, share, known) if column.kind == "number" else _of_words(column, share, known)


def says_label(column: Column, labels: NDArray[np.int64]) -> bool:
    """Return whether each of the few values of a column (or: whether there is a value) stands with one label only."""
    missing = column.missing
    if missing.any() and not set(labels[missing].tolist()) & set(labels[~missing].tolist()):
        return True
    if not 1 < column.distinct <= min(LEAKS, len(labels) / 5):
        return False
    values = np.unique(column.bits, return_inverse=True)[1].astype(np.int64)
    pairs = np.unique(values * (int(labels.max()) + 1) + labels)
    return len(pairs) == int(values.max()) + 1 and len(np.unique(labels)) > 1


def same_as_target(column: Column, targets: NDArray[np.float64]) -> bool:
    """Return whether a number is the target of a regression, up to a straight line."""
    if column.kind != "number" or column.missing.any() or column.distinct < 3:
        return False
    spread = column.values.std() * targets.std()
    return bool(
        spread > 0
        and abs(np.mean((column.values - column.values.mean()) * (targets - targets.mean()))) > 0.999999 * spread
    )


def _of_numbers(column: Column, share: float, known: int) -> Judged:
    if not column.whole:
        return Judged()
    named, numbered = NAMED.search(column.name), NUMBERED.search(column.name)
    values = column.values[~column.missing]
    if named and share >= MANY:
        return Judged(_nearly(column, "ids", share))
    if share < UNIQUE or known < FEWEST:
        return Judged(notes=_maybe(column) if named and share > 0.05 else ())
    low, high = float(values.min()), float(values.max())
    steps = np.diff(values)
    counts = bool((steps > 0).all()) and high - low < 2 * len(values)
    digits = low >= 10 ** (DIGITS - 1) and len(f"{low:.0f}") == len(f"{high:.0f}")
    if numbered or counts or digits or high - low + 1 == known:
        return Judged(_nearly(column, "whole numbers that count or name rows", share))
    return Judged(notes=("its whole numbers are nearly all different: if they name rows, leave it out with --drop",))


def _of_words(column: Column, share: float, known: int) -> Judged:
    named = NAMED.search(column.name) or NUMBERED.search(column.name)
    hashes = all(HASH.match(word) for word in column.words[:20])
    if (known >= FEWEST and share >= (MANY if named or hashes else UNIQUE)) or (named and share == 1):
        return Judged(_nearly(column, "uuids, hashes or addresses" if hashes else "words", share))
    return Judged(notes=_maybe(column) if (named or hashes) and share > 0.05 else ())


def _nearly(column: Column, what: str, share: float) -> str:
    most = "all" if share == 1 else "nearly all" if share >= UNIQUE else f"{100 * share:.0f} % of them"
    names = f" (--id {column.name} names the rows by it)" if share == 1 and not column.missing.any() else ""
    return f"{what}, {most} different: a model would learn each row by rote{names}"


def _maybe(column: Column) -> tuple[str, ...]:
    return (f"its name is that of an id: if several rows are of one, --group {column.name} keeps them together",)
