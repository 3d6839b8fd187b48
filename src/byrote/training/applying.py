"""Applying: where the methods of a recipe act within an update of a pack, kind by kind."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from byrote.errors import InvalidData
from byrote.record.inputs import each
from byrote.task.methods import (
    Batch,
    ExampleRule,
    GradientRule,
    LossMethod,
    Method,
    Mixing,
    ModuleKnob,
    Penalty,
    StoppingRule,
    Transform,
)
from byrote.task.recipe import Recipe
from byrote.training.clipping import add_clipped, add_clipped_dense, only_dense
from byrote.training.tensors import copied, first

METHOD_STREAM = 4
"""Separates the random numbers of methods from those of designs (1), canaries (2) and runs (3)."""

Kind = TypeVar("Kind", bound=Method)
Knobs = Sequence[Mapping[str, float]]


class Methods:
    """The methods of a recipe by the place where they act, for a pack of runs with these seeds."""

    def __init__(self, recipe: Recipe, seeds: Sequence[int]) -> None:
        self.all, self.seeds = recipe.methods, seeds
        self.transforms, self.mixings = self._of(Transform), self._of(Mixing)
        self.loss_methods, self.penalties = self._of(LossMethod), self._of(Penalty)
        self.rules, self.stops = self._of(GradientRule), self._of(StoppingRule)
        self.modules, self.example_rules = self._of(ModuleKnob), self._of(ExampleRule)
        self.states: dict[str, dict[str, Any]] = {method.name: {} for method in self.loss_methods}

    def transform(self, inputs: Any, runs: slice, knobs: Knobs, update: int) -> "tuple[Any, Mixed | None]":
        """Return the inputs `[run, example, ...]` as the models get them, and how they were mixed, if they were."""
        if not self.transforms and not self.mixings:
            return inputs, None
        mixed: list[tuple[Any, Tensor, Tensor]] = []
        for place, run in enumerate(range(runs.start, runs.stop)):
            own = each(lambda part, place=place: part[place], inputs)
            for method in self.transforms:
                strength = knobs[run][method.name]
                own = method.transform(own, strength, self._seed(run, update, method)) if strength else own
            size = len(first(own))
            partner, share = torch.arange(size), torch.ones(size)
            for method in self.mixings:
                if strength := knobs[run][method.name]:
                    own, partner, share = method.mix(own, strength, self._seed(run, update, method))
            mixed.append((own, partner, share))
        stacked = each(lambda *same: torch.stack(same), *(own for own, _, _ in mixed))
        if not self.mixings:
            return stacked, None
        device = first(stacked).device
        partners, shares = (torch.stack([one[i].to(device) for one in mixed]) for i in (1, 2))
        return stacked, Mixed(partners, shares)

    def losses(self, losses: Tensor, batch: Callable[[dict[str, Any]], Batch], knobs: Knobs, runs: slice) -> Tensor:
        """Return losses `[run, example]` as the methods of the loss change them, one after the other."""
        for method in self.loss_methods:
            strength = self._strengths(method, knobs[runs], losses).unsqueeze(1)
            losses = method.losses(losses, batch(self.states[method.name]), strength)
        return losses

    def penalty(self, weights: Sequence[Tensor], knobs: Knobs) -> Tensor:
        """Return the sum of all penalties of all runs, whose trained weights are `[run, ...]`."""
        found = [method.penalty(weights, self._strengths(method, knobs, weights[0])) for method in self.penalties]
        return torch.stack(found).sum()

    def change(self, gradients: "Gradients", knobs: Knobs, update: int) -> None:
        """Let the rules change the gradients."""
        for method in self.rules:
            strengths = [each[method.name] for each in knobs]
            if any(strengths):
                seeds = [self._seed(run, update, method) for run in range(len(knobs))]
                method.apply(gradients, strengths, seeds)

    def _of(self, kind: type[Kind]) -> list[Kind]:
        return [method for method in self.all if isinstance(method, kind)]

    def _seed(self, run: int, update: int, method: Method) -> int:
        place = self.all.index(method)
        return int(np.random.SeedSequence([self.seeds[run], METHOD_STREAM, update, place]).generate_state(1)[0])

    def _strengths(self, method: Method, knobs: Knobs, like: Tensor) -> Tensor:
        return torch.tensor([each[method.name] for each in knobs], device=like.device, dtype=torch.float32)


@dataclass(frozen=True, eq=False)
class Mixed:
    """Which example of the batch each was mixed with, and the share of its own target: both `[run, example]`."""

    partner: Tensor
    share: Tensor


class Gradients:
    """The gradients of one update of a pack, as `byrote.task.methods.Gradients` says."""

    def __init__(
        self,
        weights: Sequence[Tensor],
        runs: int | None,
        examples: int,
        again: Callable[[], None],
        network: nn.Module | None,
        batches: Sequence[tuple[Any, Tensor, Tensor | None]],
        loss: Callable[[Tensor, Tensor], Tensor],
    ) -> None:
        self.weights, self.runs, self.examples, self._again = weights, runs, examples, again
        self._network, self._batches, self._loss = network, batches, loss

    def again(self) -> None:
        """Compute the gradients anew at the weights as they are now, for the same examples and random draws."""
        for weight in self.weights:
            weight.grad = None
        self._again()

    def per_example(self, at_once: int = 64) -> Iterator[list[Tensor]]:
        """Yield the gradient of each example's loss, `[example, ...]` per weight, some at a time.

        An example with a weight has that much of its gradient.
        """
        for inputs, targets, weights in self._batches:
            yield from self._of_batch(inputs, targets, weights, at_once)

    def clipped(self, norm: float, at_once: int = 64) -> list[Tensor]:
        """Return the sum over examples of their gradients, each scaled to `norm` where it is longer; one per weight."""
        total = [torch.zeros_like(weight) for weight in self.weights]
        dense = only_dense(self._one())
        for inputs, targets, weights in self._batches:

            def losses(output: Tensor, targets: Tensor = targets, weights: Tensor | None = weights) -> Tensor:
                plain = self._loss(output, targets)
                return plain if weights is None else plain * weights

            if not dense or not add_clipped_dense(total, self._one(), losses, copied(inputs), len(targets), norm):
                for part in self._of_batch(inputs, targets, weights, at_once):
                    add_clipped(total, part, norm)
        return total

    def _one(self) -> nn.Module:
        """Return the network of the run; raise InvalidData when several are trained side by side."""
        if self._network is None:
            raise InvalidData("Gradients of single examples are computed of runs that are trained one by one.")
        return self._network

    def _of_batch(self, inputs: Any, targets: Tensor, weights: Tensor | None, at_once: int) -> Iterator[list[Tensor]]:
        network = self._one()
        names = [name for name, weight in network.named_parameters() if weight.requires_grad]
        trained = {name: weight.detach() for name, weight in network.named_parameters() if weight.requires_grad}
        rest = {name: weight.detach() for name, weight in network.named_parameters() if not weight.requires_grad}
        rest |= dict(network.named_buffers())

        def loss(weights: dict[str, Tensor], inputs: Any, target: Tensor) -> Tensor:
            one = each(lambda part: part.unsqueeze(0), inputs)
            output = functional_call(network, ({**weights, **rest}, {}), (one,))
            return self._loss(output.float(), target.unsqueeze(0))[0]

        gradient = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0), randomness="different")
        for start in range(0, len(targets), at_once):
            part = slice(start, start + at_once)
            found = gradient(trained, copied(each(lambda x, part=part: x[part], inputs)), targets[part])
            scale = 1.0 if weights is None else weights[part]
            yield [_times(found[name], scale) for name in names]


def _times(gradient: Tensor, scale: Tensor | float) -> Tensor:
    return gradient * scale.view(-1, *[1] * (gradient.ndim - 1)) if isinstance(scale, Tensor) else gradient
