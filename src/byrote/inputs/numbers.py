"""Numbers written as text: with a decimal point or a decimal comma, decided for a whole column, never for a cell."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from byrote.inputs.arrow import compute, matches

POINT = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$"
THOUSANDS = r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$"
COMMA = r"^[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?$"
PADDED = r"^0\d+$"
"""A number that begins with a zero is a name: a zip code, an article number."""


@dataclass(frozen=True, eq=False)
class Written:
    """Which cells are numbers if read with a decimal point (or with a comma), and whether the two readings differ in any.

    `padded` says that a whole number has zeros in front.
    """

    point: NDArray[np.bool_]
    comma: NDArray[np.bool_]
    padded: bool

    @property
    def has_comma(self) -> bool:
        """Whether more cells are numbers with a decimal comma than with a point."""
        return int(self.comma.sum()) > int(self.point.sum())

    @property
    def either(self) -> bool:
        """Whether both readings take the same cells for numbers."""
        return int(self.comma.sum()) == int(self.point.sum())


def written(cells: pa.Array) -> Written:
    """Return which cells of text, without blanks around them, are numbers."""
    point = matches(cells, POINT)
    if not point.all():
        point |= matches(cells, THOUSANDS)
    return Written(point, matches(cells, COMMA), bool(matches(cells, PADDED).any()))


def parsed(cells: pa.Array, which: NDArray[np.bool_], *, comma: bool) -> NDArray[np.float64]:
    """Return the numbers of the cells in `which`, and NaN for all others. What float64 cannot hold is NaN too."""
    chosen = compute.filter(cells, pa.array(which))
    if comma:
        chosen = compute.replace_substring(compute.replace_substring(chosen, ".", ""), ",", ".")
    else:
        chosen = compute.replace_substring(chosen, ",", "")
    chosen = compute.replace_substring_regex(chosen, r"^\+", "")
    found = np.full(len(which), np.nan)
    try:
        found[which] = compute.cast(chosen, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:  # a form that Arrow does not read, such as "1."
        found[which] = [float(cell) for cell in chosen.to_pylist()]
    found[np.isinf(found)] = np.nan
    return found
