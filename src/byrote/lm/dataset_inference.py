"""Dataset inference: was a whole set of texts trained on? Maini, Jia, Papernot & Dziedzic, 2024, arXiv:2406.06443."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.summaries.auroc import auroc

PENALTY = 1.0
CLIP = 3.0
"""Standardized features beyond this count as this."""

QUARTILES = 1.349
"""Deviations between the quartiles of a normal distribution: outliers do not count."""

FEWEST = 8
AT_ONCE = 500
"""Permutations that are drawn at a time."""


@dataclass(frozen=True)
class DatasetInference:
    """Whether the suspect set was trained on: a small `p_value` says so.

    `auroc` is how well the combined scores tell the suspect set from the comparison set in the held-out half: .5 is chance.
    `weights` are what each standardized score counts.
    """

    p_value: float
    auroc: Estimate
    weights: Float[ndarray, " score"]
    documents: int


@checked
def dataset_inference(
    scores: Float[ndarray, "document score"],
    suspect: Bool[ndarray, " document"],
    *,
    permutations: int = 9999,
    seed: int = 0,
    level: float = 0.9,
) -> DatasetInference:
    """Test whether a set of documents was trained on, against one from the same source that certainly was not.

    `scores` are membership scores, one column for each attack, high for members. A random half of the documents (of both
    sets alike) fits a linear model that tells the sets apart; the other half is judged by it. The p-value is that of the
    difference of the means there, one-sided, from `permutations` of the labels: exact, whatever the scores are, where the two
    sets are random draws of one source. A NaN score becomes the median of its column. Raises Unsupported below eight
    documents of a set, and for a column without numbers.

    Simulated with 100 documents of each set and five scores: 6.0 % [4.1, 8.8] of p-values at the null were at most .05; with
    scores .4 higher in the suspect set 80 % were.

    It misleads as soon as the sets differ in anything else, such as their date or how they were cleaned: do the same
    with features of the text alone (`blind_text`), which has to find nothing.
    """
    suspects = int(suspect.sum())
    if min(suspects, len(suspect) - suspects) < FEWEST:
        raise Unsupported(
            f"There are {suspects} suspect documents and {len(suspect) - suspects} to compare with. Give {FEWEST} of each at least."
        )
    if np.isnan(scores).all(axis=0).any():
        raise Unsupported(
            f"{np.isnan(scores).all(axis=0).sum()} of {scores.shape[1]} scores are NaN for all documents. Leave them out."
        )
    rng = np.random.default_rng([seed, 18])
    fitted = np.zeros(len(suspect), np.bool_)
    for side in (suspect, ~suspect):
        own = rng.permutation(np.flatnonzero(side))
        fitted[own[: len(own) // 2]] = True
    x = _standardized(scores, fitted)
    centred, target = x[fitted] - x[fitted].mean(axis=0), suspect[fitted] - suspect[fitted].mean()
    weights = np.linalg.solve(centred.T @ centred + PENALTY * np.eye(x.shape[1]), centred.T @ target)
    judged, truth = x[~fitted] @ weights, suspect[~fitted]
    larger = 0
    for done in range(0, permutations, AT_ONCE):
        labels = rng.permuted(np.tile(truth, (min(AT_ONCE, permutations - done), 1)), axis=1)
        larger += np.count_nonzero(
            labels @ judged >= truth @ judged - 1e-9
        )  # a larger sum is a larger difference of means
    p_value = (1 + larger) / (1 + permutations)
    return DatasetInference(float(p_value), auroc(judged, truth, level=level), weights, len(suspect))


def _standardized(
    scores: Float[ndarray, "document score"], fitted: Bool[ndarray, " document"]
) -> Float[ndarray, "document score"]:
    """Return scores in deviations of the fitted half, read off its quartiles, clipped, with the median where there is none."""
    filled = np.where(np.isfinite(scores), scores, np.nan)
    filled = np.where(np.isnan(filled), np.nanmedian(filled, axis=0), filled)
    low, middle, high = np.quantile(filled[fitted], [0.25, 0.5, 0.75], axis=0)
    deviation = (high - low) / QUARTILES
    return np.clip((filled - middle) / np.where(deviation > 0, deviation, 1.0), -CLIP, CLIP)
