"""Own loop: the losses and penalties of the controls, for a training loop of the user's own."""

from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor

from byrote.errors import InvalidData
from byrote.objectives import Classification, Objective, parse_objective
from byrote.task.methods import Batch, LossMethod, Method, Penalty
from byrote.task.schedule import Schedule


class Loss:
    """The mean loss of a batch as methods of the loss change it, one after the other.

    `Loss(label_smoothing(0.1))(logits, labels)` is that of label smoothing. `number` is how many examples there are,
    for methods that keep something of each: those need `positions` too. Texts weigh as many tokens as they have
    (`Loss(goldfish(4), objective="tokens")`), and classes as the objective says. One `Loss` belongs to one training.
    Raises InvalidData for what is no method of a loss.
    """

    def __init__(self, *methods: LossMethod, objective: Objective | str = Classification(), number: int = 0) -> None:
        for method in methods:
            if not isinstance(cast("object", method), LossMethod):
                raise InvalidData(
                    f"{method} does not change the loss of a batch. Give it to the recipe, or to `penalty`."
                )
        self.methods, self.number = methods, number
        self.objective = parse_objective(objective) if isinstance(objective, str) else objective
        self.states: list[dict[str, Any]] = [{} for _ in methods]

    def __call__(
        self, outputs: Tensor, targets: Tensor, positions: Tensor | None = None, progress: float = 0.0, epoch: int = 1
    ) -> Tensor:
        """Return the mean loss. `positions` say which examples these are, from 0; `progress`, from 0 to 1, is for schedules."""
        if positions is None:
            positions = torch.zeros(len(targets), dtype=torch.long)
            if self.number:
                raise InvalidData(
                    "This loss keeps something of each example. Give `positions`, which say which these are."
                )
        losses = self.objective.losses(outputs, targets)[None]
        for method, state in zip(self.methods, self.states, strict=True):
            given = (outputs[None], targets[None], positions[None].to(outputs.device), slice(0, 1), self.number)
            batch = Batch(*given, self.objective, epoch, state)
            losses = method.losses(losses, batch, _strength(method, progress, outputs).view(1, 1))
        weights = self.objective.weights(targets)
        return losses.mean() if weights is None else (losses * weights).sum() / weights.sum()


def penalty(weights: Iterable[Tensor], *methods: Penalty, progress: float = 0.0) -> Tensor:
    """Return the sum of penalties on the weights of a model that ask for a gradient: `penalty(model.parameters(), l2(1e-4))`."""
    stacked = [weight[None] for weight in weights if weight.requires_grad]
    return torch.stack([each.penalty(stacked, _strength(each, progress, stacked[0])) for each in methods]).sum()


def _strength(method: Method, progress: float, like: Tensor) -> Tensor:
    knob = method.strength
    value = knob(progress) if isinstance(knob, Schedule) else knob
    if not isinstance(value, int | float):
        raise InvalidData(f"{method} reads signals of a run that byrote trains. Give a number or a schedule.")
    return torch.tensor([float(value)], device=like.device)
