"""C-score at one size of the training set, Jiang, Zhang, Talwar & Mozer, 2021, arXiv:2002.03206."""

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy import ndarray

from byrote.scores._contrast import sums
from byrote.signature import score
from byrote.stats.intervals import student, wilson


def _interval(
    outcome: Shaped[ndarray, "run example"], member: Bool[ndarray, "run example"], *, level: float
) -> tuple[Float[ndarray, " example"], Float[ndarray, " example"]]:
    out_runs = np.count_nonzero(~member, axis=0)
    if outcome.dtype == np.bool_:
        return wilson(np.count_nonzero(outcome & ~member, axis=0), out_runs, level=level)
    total, n = sums(np.asarray(outcome, np.float64), ~member)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / n
        squares, _ = sums((outcome - mean) ** 2, ~member)
        return student(mean, squares / (n - 1), n, level=level)


@score(high="easy", interval=_interval)
def c_score(
    outcome: Shaped[ndarray, "run example"], member: Bool[ndarray, "run example"]
) -> Float[ndarray, " example"]:
    """P(correct | not trained on it): 1 is predicted from the other examples, 0 contradicts them.

    mean of the outcome over the runs without the example (Jiang et al. 2021), in [0, 1] for right or wrong. For regression
    the outcome is `r2`: 1 is predicted exactly, 0 as well as the mean of the targets would, below 0 worse. NaN where it
    was in every run.

    It misleads when compared across records: the paper averages over subset sizes of 10 % to 90 %, and this has the one
    size of the record's design. The interval is Wilson's (1927) for right or wrong, and Student's for numbers. Wilson's, at 90 %,
    holds .92 to .96 of the examples of a simulated record with 6 runs (70 % IN), .91 to .96 with 10 to 80 (docs/calibration.md).
    """
    out_runs = np.count_nonzero(~member, axis=0)
    if outcome.dtype == np.bool_:
        with np.errstate(invalid="ignore"):
            return np.count_nonzero(outcome & ~member, axis=0) / out_runs
    total, n = sums(np.asarray(outcome, np.float64), ~member)
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / n
