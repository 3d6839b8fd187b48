"""The noise floor: how many labels contradict the models because inputs do not determine them, and which lie beyond that.

The method is our own: a calibration of the log-odds (Platt, 1999) with a share of altered labels, fitted by maximum likelihood.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from byrote.arrays import checked
from byrote.explain.confident_learning import check_probabilities

CRITICAL = 2.706
"""Twice the gain in log-likelihood that altered labels must bring. Chance exceeds it in 5 %: their share cannot be negative."""

LEAST = 1.642
"""Twice the loss in log-likelihood down to the least share of altered labels: one-sided, at 90 %."""

MOST_NOISE = 0.3
"""No label is called altered where noise makes a larger share of the labels differ: models are then too often wrong."""

FLATTEST = 0.5
"""The smallest power of the log-odds: calibrations are at least so steep."""

GROUPS = 200
"""Examples are put into at most so many groups of nearly equal log-odds before the fit."""

SURE = 1e-6
"""Probabilities are kept this far from 0 and 1."""

Parameters = NDArray[np.float64]


@dataclass(frozen=True)
class NoiseFloor:
    """How often labels differ from the most probable class, and how often they would if no label had been altered.

    `disagreements` of `examples` labels differ. `expected` is how many would, if no label had been altered and the models'
    probabilities, once calibrated, were right: the rest of the data is noise. `altered` is the least share of altered labels
    that the data allow (one-sided, at 90 %); 0 where they do not show any (a likelihood-ratio test at 5 %), and where noise
    makes more than MOST_NOISE of the labels differ. `slope`, `power` and `offset` calibrate: the odds of a disagreement are
    exp(-(slope * s ^ power + offset)), where s is the log-odds of the most probable class above those of a guess.
    """

    examples: int
    disagreements: int
    expected: float
    altered: float
    slope: float
    power: float
    offset: float

    @checked
    def probability_altered(
        self, probabilities: Float[ndarray, "example class"], labels: Int[ndarray, " example"]
    ) -> Float[ndarray, " example"]:
        """Return the probability that each label was altered: 0 is surely not, 1 surely; 0 for all where `altered` is."""
        check_probabilities("probability_altered", probabilities, labels)
        score, differs = _read(probabilities, labels)
        by_noise = expit(-(self.slope * score**self.power + self.offset))
        by_alteration = 1 - by_noise / (probabilities.shape[1] - 1)
        likely = np.where(differs, by_noise, 1 - by_noise), np.where(differs, by_alteration, 1 - by_alteration)
        return self.altered * likely[1] / ((1 - self.altered) * likely[0] + self.altered * likely[1])


@checked
def noise_floor(probabilities: Float[ndarray, "example class"], labels: Int[ndarray, " example"]) -> NoiseFloor:
    """Return the noise floor of labels under out-of-sample probabilities.

    A label may contradict the models because its input does not determine it. Such noise is found where the models are
    unsure, and becomes rarer the surer they are; altered labels stay where they are as sure as can be. That is the only
    difference, so noise that strikes sure and unsure examples alike is counted as altered labels, and alterations among unsure
    examples are not seen. Labels are taken to be altered to each other class alike. Raises InvalidData where rows are no
    probabilities or a label is none of the columns.

    In simulations of 2,000 examples (20 of each kind; records/calibration/lists.py) a list at a false-discovery rate of .1 held
    .00 to .11 unaltered labels, also where models are surer of some examples than of others for no reason, and where the best
    possible accuracy is .77; with ten trained models, .00 to .16 (5 records each, standard error .04). It is short: at .77 it
    names .00 to .10 of the altered labels, at .94 .05 to .21 of them where 5 % are altered, and .35 to .48 where 20 % are.
    """
    check_probabilities("noise_floor", probabilities, labels)
    score, differs = _read(probabilities, labels)
    groups, classes = _groups(score, differs), probabilities.shape[1]
    starts = [(0.0, 0.0, -0.1), (0.0, 0.0, -0.6)]
    without = min((_fit(np.array(start), groups, classes) for start in starts), key=_minus_likelihood)
    shares = (-4.0, -1.5)
    starts = [(*start, share) for start in (tuple(without[0]), (0.0, 0.0, -0.05)) for share in shares]
    with_some = min((_fit(np.array(start), groups, classes) for start in starts), key=_minus_likelihood)
    at, altered = without[0], 0.0
    if 2 * (without[1] - with_some[1]) > CRITICAL:
        least = _least(with_some, groups, classes)
        if _differ_by_noise(least, score).mean() <= MOST_NOISE:
            at, altered = least, float(expit(least[3]))
    expected = float(_differ_by_noise(at, score).sum())
    slope, power = float(np.exp(at[0])), float(np.exp(at[2]))
    return NoiseFloor(len(labels), int(differs.sum()), expected, altered, slope, power, float(at[1]))


@checked
def beyond_noise(
    probability_altered: Float[ndarray, " example"], candidates: Bool[ndarray, " example"], *, fdr: float = 0.1
) -> Bool[ndarray, " example"]:
    """Return which of the candidates form the longest list of which a share of at most `fdr` is expected to be unaltered.

    The list begins with the most probable. The expected share is the mean of 1 - `probability_altered` over the list.
    """
    order = np.argsort(-probability_altered, kind="stable")
    order = order[candidates[order]]
    false_share = np.cumsum(1 - probability_altered[order]) / np.arange(1, len(order) + 1)
    fits = np.flatnonzero(false_share <= fdr)
    listed = np.zeros(len(candidates), np.bool_)
    listed[order[: fits[-1] + 1 if len(fits) else 0]] = True
    return listed


@dataclass(frozen=True)
class _Groups:
    """Groups of examples of nearly equal `score`: how many there are, and of how many the label differs."""

    score: Float[ndarray, " group"]
    differing: Float[ndarray, " group"]
    alike: Float[ndarray, " group"]


def _read(
    probabilities: Float[ndarray, "example class"], labels: Int[ndarray, " example"]
) -> tuple[Float[ndarray, " example"], Bool[ndarray, " example"]]:
    """Return the log-odds of the most probable class, 0 for a guess, and which labels are another one."""
    best = np.clip(probabilities.max(axis=1), SURE, 1 - SURE).astype(np.float64)
    above_guess = logit(best) + np.log(max(probabilities.shape[1] - 1, 1))
    return np.maximum(above_guess, SURE), probabilities.argmax(axis=1) != labels


def _groups(score: Float[ndarray, " example"], differs: Bool[ndarray, " example"]) -> _Groups:
    order = np.argsort(score, kind="stable")
    of = np.arange(len(order)) * min(GROUPS, len(order)) // len(order)
    count = np.bincount(of).astype(np.float64)
    differing = np.bincount(of, differs[order])
    return _Groups(np.bincount(of, score[order]) / count, differing, count - differing)


def _differ_by_noise(at: Parameters, score: Float[ndarray, " group"]) -> Float[ndarray, " group"]:
    return expit(-(np.exp(at[0]) * score ** np.exp(at[2]) + at[1]))


def _minus_likelihood(fit: tuple[Parameters, float]) -> float:
    return fit[1]


def _fit(start: Parameters, groups: _Groups, classes: int, share: float | None = None) -> tuple[Parameters, float]:
    """Return the parameters, as many as `start` has, and minus the log-likelihood; with `share`, that one is held fixed.

    They are the log slope, the offset, the log power, and the log-odds of the share of altered labels.
    """

    def loss(at: Parameters) -> float:
        by_noise = _differ_by_noise(at, groups.score)
        altered = expit(at[3]) if len(at) > 3 else 0.0
        chance = (1 - altered) * by_noise + altered * (1 - by_noise / (classes - 1))
        chance = np.clip(chance, 1e-12, 1 - 1e-12)
        return float(-(groups.differing @ np.log(chance) + groups.alike @ np.log(1 - chance)))

    of_share = (-12.0, 0.0) if share is None else (share, share)
    bounds = [(-5.0, 3.0), (-10.0, 10.0), (float(np.log(FLATTEST)), 0.0), of_share][: len(start)]
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    return found.x, float(found.fun)


def _least(best: tuple[Parameters, float], groups: _Groups, classes: int) -> Parameters:
    """Return the parameters at the least share of altered labels whose profile likelihood is high enough, by bisection."""
    at, low, high = best[0], -12.0, float(best[0][3])
    for _ in range(9):
        middle = (low + high) / 2
        found, minus = _fit(np.array([*at[:3], middle]), groups, classes, share=middle)
        if 2 * (minus - best[1]) > LEAST:
            low = middle
        else:
            at, high = found, middle
    return at
