"""Blind baselines for membership attacks, Das, Zhang & Tramèr, 2024, arXiv:2406.16201."""

import math

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.summaries.auroc import area, auroc

SKETCH = 64
"""Random projections of the inputs that are features."""

ROWS = 16_384
"""Examples whose inputs are made features at a time: memory."""

MANY_CLASSES = 200
"""With more classes, a label is a few random numbers of its class in place of one feature per class."""

PENALTY = 1.0
"""Ridge penalty on standardized features."""


@checked
def blind_baseline(
    member: Bool[ndarray, "run example"],
    features: Float[ndarray, "example feature"],
    *,
    seed: int = 0,
    level: float = 0.9,
) -> Estimate:
    """AUC of predicting membership from the examples alone, without any model: .5 is a random split, more is not.

    For each run, a linear discriminant (least squares with a small ridge) is fitted to one random half of the examples
    and applied to the other, and the other way round; the AUC within each half is averaged over halves and runs. The
    interval is Student's over runs, or from DeLong's variances where there is only one run. `blind_features` makes
    features. Runs that were trained on all examples or none are left out. Raises Unsupported when no run is left, and for
    features that are not finite.

    A value below .5 is chance, and means the same as .5: what separates members from others in one half of the examples does not
    separate them in the other half.

    It misleads when the members differ in a way that is not linear in the features: .5 does not prove a random split. An
    attack with an AUC no larger than this has learned nothing from the model.
    """
    if not np.isfinite(features).all() or len(features) != member.shape[1]:
        raise Unsupported(
            f"The features are {features.shape} with {(~np.isfinite(features)).sum()} values that are not finite, for {member.shape[1]} examples. Give one finite row for each."
        )
    half = np.random.default_rng(seed).permutation(len(features)) % 2 == 0
    cuts = [(half, ~half), (~half, half)]
    use = np.all([member[:, h].any(axis=1) & ~member[:, h].all(axis=1) for h, _ in cuts], axis=0)
    if not use.any():
        raise Unsupported(
            f"None of {len(member)} runs has members and others in both halves of {len(features)} examples. Give more examples, or runs on subsets."
        )
    runs = member[use].T
    predictions: list[tuple[ndarray, ndarray]] = []
    for fitted, held_out in cuts:
        x = standardized(features, fitted)
        target = runs[fitted] - runs[fitted].mean(axis=0)
        weights = np.linalg.solve(x[fitted].T @ x[fitted] + PENALTY * np.eye(x.shape[1]), x[fitted].T @ target)
        predicted = x[held_out] @ weights
        predictions.append((predicted.T, runs[held_out].T))
    if runs.shape[1] > 1:
        each = np.mean([[area(p, m) for p, m in zip(*half, strict=True)] for half in predictions], axis=0)
        return Estimate.of_mean(each, "run", level=level).within(0.0, 1.0)
    halves = [auroc(predicted[0], truth[0], level=level) for predicted, truth in predictions]
    value = float(np.mean([half.value for half in halves]))
    width = math.hypot(*((half.high - half.low) / 2 for half in halves)) / 2
    return Estimate(value, value - width, value + width, 1, "run", level).within(0.0, 1.0)


@checked
def blind_features(
    inputs: Shaped[ndarray, "example *shape"], labels: Shaped[ndarray, "example *target"], *, seed: int = 0
) -> Float[ndarray, "example feature"]:
    """Return features of examples that need no model: target, position, mean, standard deviation, ends, 64 random projections.

    A class label is one feature per class, or 64 random numbers of its class where there are more than MANY_CLASSES; numbers are
    features as they are.

    The position in the file is a feature since data sets are often sorted by date, and split by it.
    """
    flat = inputs.reshape(len(inputs), -1)
    position = np.linspace(-1, 1, len(flat))
    sketch = np.random.default_rng(seed).normal(size=(flat.shape[1], SKETCH)).astype(np.float32)
    parts = [_of_inputs(flat[start : start + ROWS].astype(np.float32), sketch) for start in range(0, len(flat), ROWS)]
    is_class = labels.ndim == 1 and labels.dtype.kind in "iu"
    targets = _of_class(labels, seed) if is_class else labels.reshape(len(labels), -1)
    return np.column_stack([targets, position, position**2, np.concatenate(parts)]).astype(np.float64)


def _of_inputs(
    flat: Float[ndarray, "example value"], sketch: Float[ndarray, "value projection"]
) -> Float[ndarray, "example feature"]:
    ends = [flat.mean(axis=1), flat.std(axis=1), flat.min(axis=1), flat.max(axis=1)]
    projected = flat if flat.shape[1] <= SKETCH else flat @ (sketch / np.sqrt(flat.shape[1]))
    return np.column_stack([*ends, projected])


def _of_class(labels: Int[ndarray, " example"], seed: int) -> Shaped[ndarray, "example feature"]:
    classes, number = np.unique(labels, return_inverse=True)
    if len(classes) <= MANY_CLASSES:
        return labels[:, None] == classes
    return np.random.default_rng([seed, 1]).normal(size=(len(classes), SKETCH))[number]


@checked
def standardized(
    features: Float[ndarray, "example feature"], fitted: Bool[ndarray, " example"] | slice = slice(None)
) -> Float[ndarray, "example feature"]:
    """Return features in standard deviations of the `fitted` examples (default: of all), from their mean; constant ones are 0."""
    deviation = features[fitted].std(axis=0)
    return (features - features[fitted].mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
