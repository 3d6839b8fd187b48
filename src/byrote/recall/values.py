"""Values: what is stored with a key: a text, a number or a boolean."""

from typing import Any

import numpy as np
from numpy import ndarray

from byrote.errors import InvalidData

DTYPES = {"i": np.int64, "u": np.int64, "f": np.float64, "b": np.bool_}


def as_values(values: Any) -> ndarray:
    """Return values as int64, float64, bool or object (of texts, numbers, booleans); raise InvalidData for others."""
    given = values.detach().cpu().numpy() if hasattr(values, "detach") else values
    if isinstance(given, str) or not hasattr(given, "__len__"):
        raise InvalidData(f"Values are one for each key, and this is {type(values).__name__}. Give a list or an array.")
    kind = given.dtype.kind if isinstance(given, ndarray) and given.ndim == 1 else ""
    if kind in DTYPES and (kind != "u" or not len(given) or given.max() < 2**63):
        return given.astype(DTYPES[kind])
    found = np.empty(len(given), object)
    found[:] = [value.item() if isinstance(value, np.generic) else value for value in given]
    kinds = {type(value) for value in found}
    odd = kinds - {str, int, float, bool}
    if odd:
        raise InvalidData(
            f"Values are texts, numbers or booleans, and there is a {min(kind.__name__ for kind in odd)}. Give json.dumps(value)."
        )
    if str in kinds:
        check_texts([value for value in found if isinstance(value, str)], "values")
    return found.astype(np.int64) if kinds == {int} and all(abs(v) < 2**63 for v in found) else found


def check_texts(texts: list[str], what: str) -> None:
    """Raise InvalidData for a text that is no Unicode, or holds a zero character, which databases refuse."""
    joined = "\n".join(texts)
    try:
        joined.encode()
    except UnicodeEncodeError:
        raise InvalidData(f"There are {what} with half of a character (a lone surrogate). Repair them.") from None
    if "\0" in joined:
        raise InvalidData(f"There are {what} with a zero character. Leave it out.")
