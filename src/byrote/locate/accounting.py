"""Gradient accounting, Maini et al., 2023, arXiv:2307.09542."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy.special import expit, logit
from torch import nn

from byrote.locate.examples import Labelled
from byrote.locate.layers import layers
from byrote.probes._frozen import frozen
from byrote.probes._gradients import gradients, trained
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import student


@dataclass(frozen=True)
class Accounted:
    """How much of their gradient memorized and clean examples have in one layer.

    `memorized` and `clean` are the mean, over examples, of the share of an example's squared gradient norm that lies in this
    layer: 0 to 1, and 1 in sum over the layers. `by_memorized` compares the two on this layer: the mean squared gradient norm of
    a memorized example over the sum of both sets' means, 1/2 where the two are equal and 1 where only memorized ones have any.
    """

    layer: str
    memorized: Estimate
    clean: Estimate
    by_memorized: Estimate


def gradient_accounting(
    model: nn.Module,
    memorized: Labelled,
    clean: Labelled,
    *,
    modules: Sequence[str] | None = None,
    level: float = 0.9,
) -> tuple[Accounted, ...]:
    """Account for the squared norm of each example's loss gradient, layer by layer, for memorized and clean examples.

    Gradients are of the cross-entropy of one example, by the weights that require them, in evaluation mode; the paper
    takes those of batches in training. Shares have t intervals over examples, `by_memorized` that of the ratio of two means
    on the log scale (delta method). Undefined is NaN: a share of no gradient at all, an interval of one example. Gradients
    are held for a block of examples at a time (256 MiB).

    It misleads at the end of training, where all gradients are small and what is left of them says where the model is still
    changing, not where anything is kept: look at checkpoints from the middle too. Layers with more weights tend to have more
    of the norm, for clean examples as well: compare the two sets, not the layers.
    """
    groups = layers(model, modules)
    one, other = (_squares(model, groups, examples) for examples in (memorized, clean))
    rows: list[Accounted] = []
    for place, name in enumerate(groups):
        known, ordinary = (_mean_share(squares, place, level) for squares in (one, other))
        rows.append(Accounted(name, known, ordinary, _ratio(one[:, place], other[:, place], level)))
    return tuple(rows)


def _squares(
    model: nn.Module, groups: dict[str, tuple[str, ...]], examples: Labelled
) -> Float[ndarray, "example layer"]:
    weights = trained(model)
    parts = [np.zeros((0, len(groups)))]
    with frozen(model) as run:
        for block in gradients("gradient_accounting", run, weights, *examples):
            squares = {key: value.flatten(1).double().square().sum(1) for key, value in block.items()}
            nothing = torch.zeros_like(next(iter(squares.values())))
            layer = [sum((squares[key] for key in keys if key in squares), nothing) for keys in groups.values()]
            parts.append(torch.stack(layer, 1).cpu().numpy())
    return np.concatenate(parts)


def _mean_share(squares: Float[ndarray, "example layer"], place: int, level: float) -> Estimate:
    with np.errstate(invalid="ignore"):
        return Estimate.of_mean(squares[:, place] / squares.sum(axis=1), "example", level=level)


def _ratio(one: Float[ndarray, " example"], other: Float[ndarray, " other"], level: float) -> Estimate:
    """Return mean(one) / (mean(one) + mean(other)); its logit is the difference of the logs of the means."""
    n, fewest = len(one) + len(other), min(len(one), len(other))
    if not fewest:
        return Estimate.undefined("example", n=n, level=level)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = one.mean() / (one.mean() + other.mean())
        spread = sum(
            (each.var(ddof=1) / (len(each) * each.mean() ** 2) if len(each) > 1 else np.nan) for each in (one, other)
        )
        low, high = expit(np.array(student(logit(value), spread * fewest, fewest, level=level)))
    return Estimate(float(value), float(low), float(high), n, "example", level)
