"""Evaluate a probe on a model for many examples, batch by batch."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray
from torch import Tensor, nn

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.objectives import Classification, Objective
from byrote.signature import Probe

BATCH = 256


@dataclass(frozen=True)
class Questions:
    """Which probes are evaluated on all examples: after the last epoch, and every `every` epochs if that is not 0."""

    probes: tuple[Probe, ...] = ()
    every: int = 0

    def at(self, step: int, last: int) -> tuple[Probe, ...]:
        """Return the probes to evaluate after this epoch."""
        return self.probes if step == last or (self.every and step % self.every == 0) else ()

    def values(self) -> dict[str, object]:
        """Return the probes as they are written in the manifest."""
        return {"names": [str(probe) for probe in self.probes], "every": self.every}


NO_QUESTIONS = Questions()
"""No probe is evaluated while models are trained."""


def check_asked(probe: Probe, objective: Objective) -> None:
    """Raise InvalidData when the probe reads logits of classes, and the objective is another."""
    if not probe.objectives and objective.name != "classification":
        raise InvalidData(
            f"The probe {probe} reads logits of classes, and this model learns {objective.name}. Ask for one that follows the loss."
        )


@checked
def ask(
    probe: Probe,
    model: nn.Module,
    inputs: Shaped[Tensor, "example *shape"],
    labels: Shaped[Tensor, "example *target"],
    *,
    batch_size: int = BATCH,
    objective: Objective | None = None,
) -> Float[ndarray, " example"]:
    """Return the probe's value for each example, with the model in evaluation mode.

    `inputs` and `labels` are tensors on the model's device, `objective` what it has learned (default: classification).
    The model is not changed, and its mode is restored. Raises InvalidData when the numbers of inputs and labels differ,
    when the probe does not support the objective, and when the model's outputs for a few examples depend on the rest of the
    batch or on chance (batch norm without running statistics, dropout in evaluation): then no example has a value of its own.
    """
    check_asked(probe, objective or Classification())
    from byrote.probes._frozen import evaluating, frozen
    from byrote.probes._same_answers import check_same_answers

    with frozen(model, objective) as outputs:
        check_same_answers(outputs, inputs)
    with evaluating(model):
        parts = [
            probe(model, some, targets, objective=objective).detach().double().cpu().numpy()
            for some, targets in zip(inputs.split(batch_size), labels.split(batch_size), strict=True)
        ]
    return np.concatenate([np.zeros(0), *parts])
