"""Influence of a training example on a target, Feldman & Zhang, 2020, arXiv:2008.03703."""

import numpy as np
from jaxtyping import Bool, Float, Real, Shaped
from numpy import ndarray

from byrote.signature import score
from byrote.stats.intervals import newcombe, t_quantile


def _interval(
    outcome: Shaped[ndarray, "run target"], member: Bool[ndarray, "run example"], *, level: float
) -> tuple[Float[ndarray, "example target"], Float[ndarray, "example target"]]:
    if outcome.dtype == np.bool_:
        return newcombe(*_counts(outcome, member), level=level)
    return _welch(np.asarray(outcome, np.float64), member, level)


@score(high="helps", interval=_interval)
def influence(
    outcome: Shaped[ndarray, "run target"], member: Bool[ndarray, "run example"]
) -> Float[ndarray, "example target"]:
    """P(target correct | trained on the example) - P(target correct | not): 1 decides the target, below 0 is harm.

    mean of the target's outcome over the runs with the example minus mean over the runs without it (Feldman & Zhang 2020).
    The outcome is the one of the record's objective, as for `memorization`: in [-1, 1] for classes, in units of the
    variance of the targets for regression. NaN where the example was in every run, or in none. An example's influence
    on itself is its memorization.

    It misleads when many pairs are compared: of a million pairs with no effect, thousands are large by
    chance, so a list needs a false-discovery rate. The memory is examples x targets; pass the targets in blocks.
    """
    exact = outcome if outcome.dtype == np.bool_ else np.asarray(outcome, np.float64)
    in_total, in_runs, out_total, out_runs = _counts(exact, member)
    with np.errstate(invalid="ignore", divide="ignore"):
        return in_total / in_runs - out_total / out_runs


def _counts(
    outcome: Shaped[ndarray, "run target"], member: Bool[ndarray, "run example"]
) -> tuple[Real[ndarray, "example #target"], ...]:
    """Return, per example and target: outcome over IN runs, IN runs, over OUT runs, OUT runs; the runs as one column."""
    kind = np.float32 if outcome.dtype == np.bool_ else np.float64  # exact for right or wrong: counts below 2^24
    in_total = member.T.astype(kind) @ outcome.astype(kind)
    in_runs = np.count_nonzero(member, axis=0)[:, None]
    out_total = outcome.sum(axis=0, dtype=kind) - in_total
    return in_total, in_runs, out_total, len(member) - in_runs


def _welch(
    outcome: Float[ndarray, "run target"], member: Bool[ndarray, "run example"], level: float
) -> tuple[Float[ndarray, "example target"], Float[ndarray, "example target"]]:
    """Return Welch's interval (1947) of every pair; NaN below two IN runs or two OUT runs."""
    centred = outcome - outcome.mean(axis=0)  # so that the sum of squares loses no digits
    in_total, in_runs, out_total, out_runs = _counts(centred, member)
    in_squares, _, out_squares, _ = _counts(centred**2, member)
    with np.errstate(invalid="ignore", divide="ignore"):
        in_error, out_error = (
            np.where(n > 1, np.maximum(squares - total**2 / n, 0) / (n - 1) / n, np.nan)
            for squares, total, n in ((in_squares, in_total, in_runs), (out_squares, out_total, out_runs))
        )
        freedom = (in_error + out_error) ** 2 / (in_error**2 / (in_runs - 1) + out_error**2 / (out_runs - 1))
        half = t_quantile(level, freedom) * np.sqrt(in_error + out_error)
        value = in_total / in_runs - out_total / out_runs
    return value - half, value + half
