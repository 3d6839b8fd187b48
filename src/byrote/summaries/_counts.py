"""Distinct counts: examples with equal counts of runs and of right answers, IN and OUT, are worked on once."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray


@dataclass(frozen=True)
class Cells:
    """Distinct counts, how many examples have each (`examples`), and which cell each example is in (`index`).

    `in_runs` were trained on the example and `out_runs` were not; `in_correct` and `out_correct` of them are right about it.
    """

    in_correct: Int[ndarray, " cell"]
    in_runs: Int[ndarray, " cell"]
    out_correct: Int[ndarray, " cell"]
    out_runs: Int[ndarray, " cell"]
    examples: Int[ndarray, " cell"]
    index: Int[ndarray, " example"]


def cells(correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"]) -> Cells:
    """Return the distinct counts of IN and OUT runs and of those that are right."""
    runs = len(member)
    in_runs, in_correct = np.count_nonzero(member, axis=0), np.count_nonzero(correct & member, axis=0)
    out_correct = np.count_nonzero(correct, axis=0) - in_correct
    key = (in_runs * (runs + 1) + in_correct) * (runs + 1) + out_correct
    _, first, index, examples = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    return Cells(in_correct[first], in_runs[first], out_correct[first], runs - in_runs[first], examples, index.ravel())
