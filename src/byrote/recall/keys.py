"""Keys: what a memory takes as one, and in which form it is held."""

from typing import Any

import numpy as np
from jaxtyping import Float32
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.recall.index import Metric

LONGEST = 1e18
"""The length that a key may have: its square is a 32-bit number."""

BLOCK = 1 << 16
"""Keys whose lengths are computed at once."""


def as_keys(given: Any, width: int, metric: Metric) -> Float32[ndarray, "row width"]:
    """Return keys as they are held: float32 [row, width], of length 1 for the cosine; raise InvalidData for others."""
    found: NDArray[Any] = np.asarray(given.detach().cpu() if hasattr(given, "detach") else given)
    if found.ndim != 2 or found.shape[1] != width:
        raise InvalidData(
            f"Keys of this memory have the shape [row, {width}], and these have {list(found.shape)}. Give one row for each, made by the encoder of the others."
        )
    if found.dtype.kind not in "fiub":
        raise InvalidData(f"Keys are numbers, and these are {found.dtype}.")
    with np.errstate(over="ignore"):
        keys = np.ascontiguousarray(found, np.float32)
    lengths = np.empty(len(keys))
    for start in range(0, len(keys), BLOCK):
        some = keys[start : start + BLOCK].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            lengths[start : start + BLOCK] = np.sqrt(np.einsum("kw,kw->k", some, some))
    finite = np.isfinite(lengths)
    if not finite.all():
        raise InvalidData(f"{int((~finite).sum())} keys are not finite (as 32-bit numbers). Give finite ones.")
    if metric == "euclidean":
        if len(keys) and lengths.max() > LONGEST:
            raise InvalidData(
                f"{int((lengths > LONGEST).sum())} keys are longer than {LONGEST:g}, too long for 32-bit numbers. Scale all keys down."
            )
        return keys
    if not lengths.all():
        raise InvalidData(
            f"{int((lengths == 0).sum())} keys are all 0, and have no direction for the cosine. Leave them out, or take metric='euclidean'."
        )
    unit = np.empty_like(keys)
    for start in range(0, len(keys), BLOCK):
        unit[start : start + BLOCK] = keys[start : start + BLOCK] / lengths[start : start + BLOCK, None]
    return unit
