"""Paired differences to the unchanged task, run by run, and what they show when many arms were looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import NDArray

from byrote.evidence.evaluate import LEVEL
from byrote.experiments.halving import MARGIN
from byrote.stats.estimate import Estimate

Verdict = Literal["better", "less", "trade", "worse", "open"]

DRAWS = 2_000
"""Draws for how often an arm is on the front."""


@dataclass(frozen=True)
class Judged:
    """What is shown about one arm, with intervals that hold for all judged arms at once.

    `memorization` and `accuracy` are paired differences to the unchanged task (below 0: less), over runs that no choice of
    arms depended on. Their level is 1 - .1 / (2 x arms) (Bonferroni), so that with 90 % probability all of them hold.
    `verdict`: "better" is less memorization at an accuracy that is at most MARGIN lower, or more accuracy without more
    memorization; "less" is less memorization, at a cost of accuracy that is not known well enough; "trade" gives one for the
    other; "worse" has more memorization or less accuracy, for nothing; "open" shows neither.
    """

    memorization: Estimate
    accuracy: Estimate
    verdict: Verdict


ROUNDING = 1e-12
"""Differences of numbers up to 1 that vary by less than this are equal but for rounding."""


def change(values: Float[ndarray, " run"], unchanged: Float[ndarray, " other"], *, level: float = LEVEL) -> Estimate:
    """Return the mean difference of the runs that both have, with Student's interval over runs. NaN are left out.

    Where all differences are equal, the ends are NaN: a few runs that agree by chance are no evidence.
    """
    n = min(len(values), len(unchanged))
    difference = values[:n] - unchanged[:n]
    found = Estimate.of_mean(difference, "run", level=level)
    if not found.high - found.low > ROUNDING:
        return Estimate(found.value, np.nan, np.nan, found.n, "run", level)
    return found


def ratio(values: Float[ndarray, " run"], unchanged: Float[ndarray, " other"], *, level: float = LEVEL) -> Estimate:
    """Return how many times as large the values are, paired by run: the geometric mean of the ratios, 1 is as large."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(values), np.log(unchanged)
    return change(*(np.where(np.isfinite(each), each, np.nan) for each in logs), level=level).transformed(
        lambda x: float(np.exp(x))
    )


def judge(memorization: Float[ndarray, "arm run"], accuracy: Float[ndarray, "arm run"]) -> list[Judged]:
    """Return what is shown about each arm but the first, which is the unchanged task."""
    arms = len(memorization) - 1
    level = 1 - (1 - LEVEL) / max(2 * arms, 1)
    pairs = [
        (change(less, memorization[0], level=level), change(right, accuracy[0], level=level))
        for less, right in zip(memorization[1:], accuracy[1:], strict=True)
    ]
    return [Judged(less, right, _verdict(less, right)) for less, right in pairs]


def front(memorization: Sequence[float], accuracy: Sequence[float]) -> NDArray[np.bool_]:
    """Return which arms no other one beats in both memorization (low) and accuracy (high). NaN is never on the front."""
    return _fronts(np.array([memorization], np.float64), np.array([accuracy], np.float64))[0]


def front_shares(
    memorization: Sequence[Float[ndarray, " run"]], accuracy: Sequence[Float[ndarray, " run"]], *, seed: int = 0
) -> Float[ndarray, " arm"]:
    """Return how often each arm is on the front when all are measured again: 1 is sure to be on it.

    The arms are given as paired differences to the unchanged task. Their means are drawn anew, normally, DRAWS times, with the
    covariance of one run that all arms have together (so an arm of few runs is not thought too certain).
    """
    counts = np.array([len(each) for each in memorization], np.float64)
    rest = [
        np.stack([less - less.mean(), right - right.mean()])
        for less, right in zip(memorization, accuracy, strict=True)
        if len(less) > 1
    ]
    freedom = sum(each.shape[1] - 1 for each in rest)
    covariance = sum((each @ each.T for each in rest), np.zeros((2, 2))) / max(freedom, 1)
    noise = np.random.default_rng(seed).multivariate_normal(np.zeros(2), covariance, (DRAWS, len(counts)))
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = np.nan_to_num(noise / np.sqrt(counts)[:, None])
    noise[:, 0] = 0.0  # the unchanged task, which all others are compared with
    means = np.array([[each.mean() if len(each) else np.nan for each in part] for part in (memorization, accuracy)])
    return _fronts(means[0] + noise[..., 0], means[1] + noise[..., 1]).mean(axis=0)


def _verdict(memorization: Estimate, accuracy: Estimate) -> Verdict:
    less, more = memorization.high < 0, memorization.low > 0
    gained, lost = accuracy.low > 0, accuracy.high < 0
    if (less and accuracy.low >= -MARGIN) or (gained and not more):
        return "better"
    if (less and lost) or (gained and more):
        return "trade"
    if less:
        return "less"
    return "worse" if more or lost else "open"


def _fronts(memorization: Float[ndarray, "draw arm"], accuracy: Float[ndarray, "draw arm"]) -> NDArray[np.bool_]:
    m, a = memorization[:, None, :], accuracy[:, None, :]  # draw, of whom, by whom
    own_m, own_a = memorization[:, :, None], accuracy[:, :, None]
    beaten = ((m <= own_m) & (a >= own_a) & ((m < own_m) | (a > own_a))).any(axis=2)
    return ~beaten & np.isfinite(memorization) & np.isfinite(accuracy)
