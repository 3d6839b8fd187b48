"""Label memorization, Feldman & Zhang, 2020, arXiv:2008.03703."""

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray

from byrote.scores._contrast import difference, welch
from byrote.signature import score
from byrote.stats.intervals import newcombe


def _interval(
    outcome: Shaped[ndarray, "run example"], member: Bool[ndarray, "run example"], *, level: float
) -> tuple[Float[ndarray, " example"], Float[ndarray, " example"]]:
    if outcome.dtype == np.bool_:
        return newcombe(*_counts(outcome, member), level=level)
    return welch(np.asarray(outcome, np.float64), member, level=level)


@score(high="memorized", interval=_interval)
def memorization(
    outcome: Shaped[ndarray, "run example"], member: Bool[ndarray, "run example"]
) -> Float[ndarray, " example"]:
    """P(correct | trained on it) - P(correct | not): 0 is learned from the others, 1 is known by rote.

    mean of the outcome over the runs with the example minus mean over the runs without it (Feldman & Zhang 2020: the
    subset estimator). NaN where an example was in every run, or in none. The outcome is the one of the record's
    objective: right or wrong (`correct`) for classes, and the value is in [-1, 1]; the share of labels right for several
    labels; `r2`, 1 - squared error / variance of the targets, for regression, where the value is the rise of the
    squared error without the example, in units of the variance, and has no upper end. The mean over all examples, each in
    as many runs, is the gap between the accuracy (or R2) on the examples that were trained on and on the others.

    It misleads when the subsets are small: a model trained on 70 % of the data is right less often about a left-out
    example than one trained on all other examples, so hard classes look more memorized. Two copies of one example hide
    each other unless they are left out together. A value below 0 is noise or harm, and is not clipped. The interval is
    Newcombe's (1998, method 10) for right or wrong, and Welch's (1947) for numbers: both treat runs as independent and
    the design as given. Welch's is too short for skewed outcomes and few runs: of squared normal errors, with 14 IN and 6
    OUT runs, 90 % intervals hold 79 to 89 %, and what they miss lies above; with 70 and 30, 86 %. It is NaN where no
    outcome varies. The largest estimates of a list are too large on average, whatever their intervals.

    For right or wrong, nominal 90 % intervals hold .97 to .99 of the examples of a simulated record with 6 runs (70 % IN), .96 to
    .99 with 10 and 20, .94 to .97 with 80, since most are always right. Of those estimated at .05 or more they hold
    .93 or more with 6 runs, .83 or more with 10, .81 or more with 20 and 80 (docs/calibration.md).
    """
    if outcome.dtype == np.bool_:
        in_correct, in_runs, out_correct, out_runs = _counts(outcome, member)
        with np.errstate(invalid="ignore"):
            return in_correct / in_runs - out_correct / out_runs
    return difference(np.asarray(outcome, np.float64), member)


def _counts(
    correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"]
) -> tuple[Int[ndarray, " example"], ...]:
    """Return, per example: correct IN runs, IN runs, correct OUT runs, OUT runs."""
    in_runs, in_correct = np.count_nonzero(member, axis=0), np.count_nonzero(correct & member, axis=0)
    return in_correct, in_runs, np.count_nonzero(correct, axis=0) - in_correct, len(member) - in_runs
