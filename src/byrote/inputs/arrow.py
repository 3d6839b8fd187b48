"""What is asked of a column of Arrow text: which cells match, which are blank, what they are without blanks around them."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

compute: Any = pyarrow.compute  # its functions are made when it is imported, so their types are not known

ABSENT = r"(?i)^(?:na|n/a|n\.a\.|#n/a|nan|null|\?|<na>)?$"
"""What people write where a value is missing, in any column."""


def as_text(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Return one array of text without blanks around the cells; what is missing is empty."""
    one = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(one, pa.ChunkedArray):  # too long for one array of offsets of 32 bits
        one = pa.concat_arrays([chunk.cast(pa.large_string()) for chunk in one.chunks])
    if pa.types.is_dictionary(one.type):
        one = one.dictionary_decode()
    if not (pa.types.is_string(one.type) or pa.types.is_large_string(one.type)):
        one = one.cast(pa.string())
    return compute.utf8_trim_whitespace(compute.fill_null(one, ""))


def matches(cells: pa.Array, pattern: str) -> NDArray[np.bool_]:
    """Return which cells match a regular expression."""
    return compute.match_substring_regex(cells, pattern).to_numpy(zero_copy_only=False)


def coded(cells: pa.Array) -> tuple[pa.Array, NDArray[np.int64], NDArray[np.int64]]:
    """Return the different values in order of appearance, how often each occurs, and the number of the value of each cell."""
    found = compute.dictionary_encode(cells)
    codes = found.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return found.dictionary, np.bincount(codes, minlength=len(found.dictionary)), codes
