"""Equal counts once: examples that were right in as many runs with them, and in as many without, tell the same."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray


@dataclass(frozen=True)
class Cells:
    """Distinct counts, how many examples have each (`examples`), and which cell each example is in (`index`)."""

    right_in: Int[ndarray, " cell"]
    inside: Int[ndarray, " cell"]
    right_out: Int[ndarray, " cell"]
    outside: Int[ndarray, " cell"]
    examples: Int[ndarray, " cell"]
    index: Int[ndarray, " example"]


def cells(correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"]) -> Cells:
    """Return the distinct counts of correct runs with an example and without it, and of the runs."""
    runs = len(member)
    inside, right = np.count_nonzero(member, axis=0), np.count_nonzero(correct, axis=0)
    right_in = np.count_nonzero(correct & member, axis=0)
    key = (inside * (runs + 1) + right_in) * (runs + 1) + right - right_in
    _, first, index, examples = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    return Cells(
        right_in[first], inside[first], (right - right_in)[first], runs - inside[first], examples, index.ravel()
    )
