"""Membership attacks one target at a time, in plain loops, and simulated losses on which it is known what they can see."""

import math
import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from byrote.scores import bavaria, calibrated_loss, lira, rmia
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


def _scrambled(bits: int) -> int:
    for shift, times in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = ((bits ^ bits >> shift) * times) % 2**64
    return (bits ^ bits >> 31) | 1


def lots(value: Floats) -> list[list[int]]:
    """Return the number that each run draws at each example; the smallest of a side is left out."""
    bits = [[struct.unpack("<Q", struct.pack("<d", v if np.isfinite(v) else 0.0))[0] for v in row] for row in value]
    runs = [_scrambled(sum(row) % 2**64) for row in bits]
    examples = [_scrambled(sum(b * r for b, r in zip(column, runs, strict=True)) % 2**64) for column in zip(*bits)]  # noqa: B905
    return [[r * e % 2**64 for e in examples] for r in runs]


def others(
    value: Floats, member: Bools, drawn: list[list[int]], run: int, example: int
) -> tuple[list[float], list[float]]:
    """Return the values with the example and without it that may judge one target of a balanced design."""
    sides: list[list[float]] = []
    counts = sorted(int(k) for k in member.sum(axis=0) if 0 < k < len(member))
    low, high = (counts[len(counts) // 20], counts[-1 - len(counts) // 20]) if counts else (0, 0)
    spare = high == low + 1 and min(low, len(member) - high) > 2
    for inside in (True, False):
        own = [r for r in range(len(value)) if member[r, example] == inside and np.isfinite(value[r, example])]
        if spare and own and member[:, example].sum() == (high if inside else low):
            own.remove(min(own, key=lambda r: drawn[r][example]))
        if run in own:
            own.remove(run)
        elif own:
            own.remove(min(own, key=lambda r: drawn[r][example]))
        sides.append([float(value[r, example]) for r in own])
    return sides[0], sides[1]


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
