"""Membership attacks one target at a time, in plain loops, and simulated losses on which it is known what they can see."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from byrote.scores import bavaria, calibrated_loss, lira, rmia
from byrote.scores._shadows import Shadows
from byrote.signature import Score

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SETTINGS: Sequence[Score] = (
    *(lira.bind(variance=v, online=o) for v in ("pooled", "own", "bayes") for o in (True, False)),
    *(rmia.bind(online=o) for o in (True, False)),
    *(bavaria.bind(online=o) for o in (True, False)),
    calibrated_loss,
)
"""Every attack in every setting that changes its formula."""


def balanced(rng: np.random.Generator, runs: int, examples: int, inside: int) -> Bools:
    """Everyone in exactly `inside` of the runs."""
    return rng.random((runs, examples)).argsort(axis=0) < inside


def to_loss(logits: Floats) -> Floats:
    """Return -log(1 / (1 + exp(-logit)))."""
    return np.logaddexp(0, -logits)


def area(value: Floats, member: Bools) -> float:
    """AUC over all targets, NaN left out."""
    found = ~np.isnan(value)
    order = np.argsort(np.argsort(value[found])) + 1.0
    inside = member[found]
    m, n = inside.sum(), (~inside).sum()
    return float((order[inside].sum() - m * (m + 1) / 2) / (m * n))


def caught(value: Floats, member: Bools, fpr: float = 0.01) -> float:
    """True-positive rate at a false-positive rate, over all targets."""
    inside, outside = value[member & ~np.isnan(value)], value[~member & ~np.isnan(value)]
    return float((inside > np.quantile(outside, 1 - fpr)).mean())


def chance(member: Bools) -> float:
    """Standard deviation of the AUC of an attack that sees nothing."""
    m, n = int(member.sum()), int((~member).sum())
    return math.sqrt((m + n + 1) / (12 * m * n))


def draws(value: Floats) -> list[list[int]]:
    """Return what each run draws at each example; of a kind, the run with the smallest draw is left out.

    These are the package's own pseudorandom numbers. That they are fair is tested in test_shadows, not here.
    """
    shadows = Shadows(value, np.zeros(value.shape, np.bool_))
    return (shadows._run_key[:, None] * shadows._example_key).tolist()


def others(
    value: Floats, member: Bools, drawn: list[list[int]], run: int, example: int
) -> tuple[list[float], list[float]]:
    """Return the values of IN runs and of OUT runs that one target of a balanced design is compared with."""
    kinds: list[list[float]] = []
    counts = sorted(int(k) for k in member.sum(axis=0) if 0 < k < len(member))
    low, high = (counts[len(counts) // 20], counts[-1 - len(counts) // 20]) if counts else (0, 0)
    for inside in (True, False):
        own = [r for r in range(len(value)) if member[r, example] == inside and np.isfinite(value[r, example])]
        one_more = high == low + 1 and (low > 1 if inside else len(member) - high > 1)
        if one_more and own and member[:, example].sum() == (high if inside else low):
            own.remove(min(own, key=lambda r: drawn[r][example]))
        if run in own:
            own.remove(run)
        elif own:
            own.remove(min(own, key=lambda r: drawn[r][example]))
        kinds.append([float(value[r, example]) for r in own])
    return kinds[0], kinds[1]


def pooled(judges: Sequence[Sequence[float]]) -> float:
    """Return one variance for the values of all examples, each around its own mean."""
    squares = sum(float(np.sum((np.array(v) - np.mean(v)) ** 2)) for v in judges if v)
    return squares / sum(max(len(v) - 1, 0) for v in judges)


def prior(judges: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Return Smyth's prior of the variances, (s0^2, d0), by root finding on the trigamma function."""
    usable = [v for v in judges if len(v) > 1]
    half = np.array([(len(v) - 1) / 2 for v in usable])
    e = np.log([np.var(v, ddof=1) for v in usable]) - special.digamma(half) + np.log(half)
    extra = e.var(ddof=1) - special.polygamma(1, half).mean()
    if extra <= 0:
        return pooled(judges), math.inf
    d0 = 2 * optimize.brentq(lambda x: special.polygamma(1, x) - extra, 1e-6, 1e8, xtol=1e-14, rtol=1e-14)
    return float(np.exp(e.mean() + special.digamma(d0 / 2) - np.log(d0 / 2))), d0
