"""The noise floor: how many labels contradict the models because inputs do not determine them, and which lie beyond that.

The method is our own: a logistic calibration (Platt, 1999) with a share of altered labels, fitted by maximum likelihood.
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

CRITICAL = 5.412
"""Twice the gain in log-likelihood that altered labels must bring. Chance exceeds it in 1 %: their share cannot be negative."""

SURE = 1e-6
"""Probabilities are kept this far from 0 and 1."""

Parameters = NDArray[np.float64]


@dataclass(frozen=True)
class NoiseFloor:
    """How often labels differ from the most probable class, and how often they would if no label had been altered.

    `disagreements` of `examples` labels differ. `expected` is how many would, if no label had been altered and the models'
    probabilities, once calibrated, were right: the rest of the data is noise. `altered` is the estimated share of altered
    labels; 0 where the data do not show any (a likelihood-ratio test at 1 %). `slope` and `offset` calibrate: the odds of
    a disagreement are exp(-(slope * s + offset)), where s is the log-odds of the most probable class.
    """

    examples: int
    disagreements: int
    expected: float
    altered: float
    slope: float
    offset: float

    @checked
    def probability_altered(
        self, probabilities: Float[ndarray, "example class"], labels: Int[ndarray, " example"]
    ) -> Float[ndarray, " example"]:
        """Return the probability that each label was altered: 0 is surely not, 1 surely; 0 for all where `altered` is."""
        check_probabilities("probability_altered", probabilities, labels)
        score, differs = _read(probabilities, labels)
        by_noise = expit(-(self.slope * score + self.offset))
        by_alteration = 1 - by_noise / (probabilities.shape[1] - 1)
        likely = np.where(differs, by_noise, 1 - by_noise), np.where(differs, by_alteration, 1 - by_alteration)
        return self.altered * likely[1] / ((1 - self.altered) * likely[0] + self.altered * likely[1])


@checked
def noise_floor(probabilities: Float[ndarray, "example class"], labels: Int[ndarray, " example"]) -> NoiseFloor:
    """Return the noise floor of labels under out-of-sample probabilities.

    A label may contradict the models because its input does not determine it. Such noise is found where the models are
    unsure; altered labels are found where they are sure too. That is the only difference, so noise that strikes sure and
    unsure examples alike is counted as altered labels, and alterations among unsure examples are not seen. Where models
    are right in less than about 80 %, their errors are counted as alterations too: .10 and .08 were found for .05, and a
    list at a false-discovery rate of .1 held 13 unaltered labels of 37. Labels are taken to be altered to each other class
    alike. Raises InvalidData where rows are no probabilities or a label is
    none of the columns.
    """
    check_probabilities("noise_floor", probabilities, labels)
    score, differs = _read(probabilities, labels)
    classes = probabilities.shape[1]
    starts = [(0.0, 0.0), (-1.0, 0.0), (0.5, -1.0)]
    without = min((_fit(np.array(start), score, differs, classes) for start in starts), key=lambda each: each[1])
    with_some = min(
        (_fit(np.array([*without[0], share]), score, differs, classes) for share in (-5.0, -3.0, -1.5)),
        key=lambda each: each[1],
    )
    found = 2 * (without[1] - with_some[1]) > CRITICAL
    slope, offset = with_some[0][:2] if found else without[0]
    altered = float(expit(with_some[0][2])) if found else 0.0
    expected = float(expit(-(np.exp(slope) * score + offset)).sum())
    return NoiseFloor(len(labels), int(differs.sum()), expected, altered, float(np.exp(slope)), float(offset))


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


def _read(
    probabilities: Float[ndarray, "example class"], labels: Int[ndarray, " example"]
) -> tuple[Float[ndarray, " example"], Bool[ndarray, " example"]]:
    """Return the log-odds of the most probable class, and which labels are another one."""
    best = np.clip(probabilities.max(axis=1), SURE, 1 - SURE).astype(np.float64)
    return logit(best), probabilities.argmax(axis=1) != labels


def _fit(
    start: Parameters, score: Float[ndarray, " example"], differs: Bool[ndarray, " example"], classes: int
) -> tuple[Parameters, float]:
    """Return the parameters, as many as `start` has: log slope, offset, log-odds of alteration; and minus the log-likelihood."""

    def loss(at: Parameters) -> float:
        by_noise = expit(-(np.exp(at[0]) * score + at[1]))
        altered = expit(at[2]) if len(at) > 2 else 0.0
        chance = (1 - altered) * by_noise + altered * (1 - by_noise / (classes - 1))
        chance = np.clip(chance, 1e-12, 1 - 1e-12)
        return float(-np.log(np.where(differs, chance, 1 - chance)).sum())

    bounds = [(-3.0, 3.0), (-10.0, 10.0), (-12.0, 0.0)][: len(start)]
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    return found.x, float(found.fun)
