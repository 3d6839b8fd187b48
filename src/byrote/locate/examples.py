"""The two sets of examples that localization compares, and how many of each a model predicts as labelled."""

import numpy as np
import torch
from jaxtyping import Bool
from numpy import ndarray
from torch import Tensor, nn

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.objectives import Classification
from byrote.probes._frozen import check_inputs, check_labels, frozen
from byrote.record.population import Population
from byrote.stats.estimate import Estimate
from byrote.training.tensors import to_tensors

Labelled = tuple[Tensor, Tensor]
"""Inputs `[example, ...]` as in training, and labels `[example]`."""

BATCH = 256


@checked
def memorized_and_clean(
    population: Population, member: Bool[ndarray, " example"], *, device: str = "cpu"
) -> tuple[Labelled, Labelled]:
    """Return the mislabeled canaries and the real training examples that a run was trained on (`record.member(run)`).

    A wrong label that nothing in the image explains can only be known by rote, once the model predicts it. The real
    examples count as clean, though some of their labels may be wrong. Raises InvalidData when either set is empty.
    """
    mislabeled = member & (population.canary == "mislabeled")
    clean = member & population.where("train")
    for name, mask in (("mislabeled canary", mislabeled), ("real training example", clean)):
        if not mask.any():
            raise InvalidData(
                f"This run was trained on no {name}. Take a record with canaries, and a run that has some."
            )
    memorized, ordinary = (
        to_tensors(population, Classification(), device, np.flatnonzero(mask)) for mask in (mislabeled, clean)
    )
    return memorized, ordinary


def correct(caller: str, model: nn.Module, examples: Labelled) -> Bool[ndarray, " example"]:
    """Return which examples are predicted as labelled, in evaluation mode. Errors name `caller`, the user's function."""
    inputs, labels = examples
    check_inputs(caller, inputs)
    if not len(inputs) or len(inputs) != len(labels):
        raise InvalidData(
            f"{caller} was given {len(inputs)} inputs and {len(labels)} labels. Give one or more of each."
        )
    right: list[Tensor] = []
    with frozen(model) as run, torch.no_grad():
        for batch, expected in zip(inputs.split(BATCH), labels.split(BATCH), strict=True):
            logits = run(batch)
            check_labels(caller, expected, logits)
            right.append(logits.argmax(1) == expected)
    return torch.cat(right).cpu().numpy()


def share(right: Bool[ndarray, " example"], level: float) -> Estimate:
    """Return the accuracy, with Wilson's interval over examples."""
    return Estimate.of_share(right.sum(), len(right), "example", level=level)


def difference(one: Bool[ndarray, " example"], other: Bool[ndarray, " other"], level: float) -> Estimate:
    """Return the accuracy on one set minus that on another, with Newcombe's interval over the examples of both."""
    return Estimate.of_difference(one.sum(), len(one), other.sum(), len(other), "example", level=level)
