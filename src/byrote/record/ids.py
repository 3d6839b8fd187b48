"""Ids of a record: `split/` and the id that the user gave. Canaries are `canary/kind/...`."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from byrote.errors import InvalidData

SPLITS = ("train", "test", "canary")


def check_text(what: str, texts: Iterable[str]) -> None:
    """Raise InvalidData for text that no file can hold: half of a surrogate pair, or a zero, which NumPy drops at the end."""
    every = list(texts)
    together = "".join(every)
    if together.isascii() and "\0" not in together:
        return
    for each in every:
        try:
            each.encode()
        except UnicodeEncodeError:
            raise InvalidData(
                f"{what} {each!r} is no valid Unicode, so it cannot be written down. Give another."
            ) from None
        if "\0" in each:
            raise InvalidData(f"{what} {each!r} holds a zero character. Give another.")


def make_id(split: str, name: object) -> str:
    """Return the id in a record of what the user calls `name` in this split."""
    return f"{split}/{name}"


def make_ids(split: str, names: Iterable[object]) -> NDArray[np.str_]:
    """Return the ids in a record of all these."""
    made = [make_id(split, name) for name in names]
    check_text("The id", made)
    return np.array(made, np.str_)


def split_of(identifier: str) -> str:
    """Return the split that an id of a record is of; nothing when it is no such id."""
    split = identifier.partition("/")[0]
    return split if split in SPLITS else ""


def name_of(identifier: str) -> str:
    """Return what the user calls the example with this id of a record."""
    return identifier.partition("/")[2]
