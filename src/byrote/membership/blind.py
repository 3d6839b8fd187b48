"""Blind baselines for membership attacks, Das, Zhang & Tramèr, 2024, arXiv:2406.16201."""

import math

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy import ndarray

from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import student
from byrote.summaries.auroc import auroc

SKETCH = 64
"""Random directions of the inputs that the classifier sees."""

PENALTY = 1.0
"""Ridge penalty on standardized features."""


def blind_baseline(
    member: Bool[ndarray, "run example"],
    features: Float[ndarray, "example feature"],
    *,
    seed: int = 0,
    level: float = 0.9,
) -> Estimate:
    """AUC of guessing membership from the examples alone, without any model: .5 is a random split, more a broken one.

    For each run, a linear discriminant (least squares with a small ridge) is fitted to one random half of the examples
    and judges the other, both ways round; the AUC is that within each half, averaged over halves and runs. The interval is
    Student's over runs, or from DeLong's variances where there is only one run. `blind_features` makes features. Runs with
    everyone or no one have nothing to guess and do not count. Raises Unsupported when no run is left, and for features
    that are not finite.

    It misleads when the members differ in a way that is not linear in the features: .5 does not prove a random split. An
    attack has found nothing that is worth the name until it beats this.
    """
    if not np.isfinite(features).all() or len(features) != member.shape[1]:
        raise Unsupported(
            f"The features are {features.shape} with {(~np.isfinite(features)).sum()} values that are not finite, for {member.shape[1]} examples. Give one finite row for each."
        )
    half = np.random.default_rng(seed).permutation(len(features)) % 2 == 0
    sides = [(half, ~half), (~half, half)]
    use = np.all([member[:, h].any(axis=1) & ~member[:, h].all(axis=1) for h, _ in sides], axis=0)
    if not use.any():
        raise Unsupported(
            f"None of {len(member)} runs has members and others in both halves of {len(features)} examples. Give more examples, or runs on subsets."
        )
    runs = member[use].T
    found: list[list[Estimate]] = []
    for fitted, judged in sides:
        spoken = _standardized(features, fitted)
        aim = runs[fitted] - runs[fitted].mean(axis=0)
        weights = np.linalg.solve(
            spoken[fitted].T @ spoken[fitted] + PENALTY * np.eye(spoken.shape[1]), spoken[fitted].T @ aim
        )
        guess = spoken[judged] @ weights
        found.append([auroc(g, m, level=level) for g, m in zip(guess.T, runs[judged].T, strict=True)])
    each = np.array([[e.value for e in side] for side in found]).mean(axis=0)
    value, n = float(each.mean()), len(each)
    if n > 1:
        low, high = (float(end) for end in student(value, each.var(ddof=1), n, level=level))
    else:
        widths = [(side[0].high - side[0].low) / 2 for side in found]
        low, high = value - math.hypot(*widths) / 2, value + math.hypot(*widths) / 2
    return Estimate(value, max(low, 0.0), min(high, 1.0), n, "run", level)


def blind_features(
    inputs: Shaped[ndarray, "example *shape"], labels: Shaped[ndarray, "example *target"], *, seed: int = 0
) -> Float[ndarray, "example feature"]:
    """Return what can be known of examples without a model: target, place in the file, mean, spread, ends, 64 random directions.

    A class label is one feature per class; numbers are features as they are.

    `place` is there since collections are often split by date, and sorted by it.
    """
    flat = inputs.reshape(len(inputs), -1).astype(np.float32)
    place = np.linspace(-1, 1, len(flat))
    ends = [flat.mean(axis=1), flat.std(axis=1), flat.min(axis=1), flat.max(axis=1)]
    sketch = np.random.default_rng(seed).normal(size=(flat.shape[1], SKETCH)).astype(np.float32)
    seen = flat if flat.shape[1] <= SKETCH else flat @ (sketch / np.sqrt(flat.shape[1]))
    is_class = labels.ndim == 1 and labels.dtype.kind in "iu"
    targets = labels[:, None] == np.unique(labels) if is_class else labels.reshape(len(labels), -1)
    return np.column_stack([targets, place, place**2, *ends, seen]).astype(np.float64)


def _standardized(
    features: Float[ndarray, "example feature"], which: Bool[ndarray, " example"]
) -> Float[ndarray, "example feature"]:
    spread = features[which].std(axis=0)
    return (features - features[which].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
