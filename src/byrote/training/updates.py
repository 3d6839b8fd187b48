"""Optimizer steps: torch's fused kernels, without torch.optim's objects.

Making the first of those imports torch's compiler, which costs every process seconds and 70 MB; the arithmetic is the same.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from byrote.task.recipe import Recipe

Update = Callable[[float, float], None]
"""Changes the weights by their gradients, with this learning rate and weight decay, and drops the gradients."""


def optimizer(weights: Sequence[Tensor], recipe: Recipe) -> Update:
    """Return the recipe's optimizer over these weights; those without a gradient are left as they are."""
    step = _adamw(weights) if recipe.optimizer == "adamw" else _sgd(weights, recipe.momentum)

    def update(learning_rate: float, weight_decay: float) -> None:
        with torch.no_grad():
            step(learning_rate, weight_decay)
        for weight in weights:
            weight.grad = None

    return update


def _sgd(weights: Sequence[Tensor], momentum: float) -> Update:
    velocities = [torch.zeros_like(weight) if momentum else None for weight in weights]

    def step(learning_rate: float, weight_decay: float) -> None:
        moved, velocity = _moved(weights, weights, velocities)
        sgd(
            moved,
            _gradients(weights),
            velocity,
            fused=True,
            foreach=False,
            lr=learning_rate,
            weight_decay=weight_decay,
            momentum=momentum,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )

    return step


def _adamw(weights: Sequence[Tensor]) -> Update:
    means, squares = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
    steps = [torch.zeros((), dtype=torch.float32, device=weight.device) for weight in weights]

    def step(learning_rate: float, weight_decay: float) -> None:
        moved, mean, square, number = _moved(weights, weights, means, squares, steps)
        adamw(
            moved,
            _gradients(weights),
            mean,
            square,
            [],
            number,
            fused=True,
            foreach=False,
            lr=learning_rate,
            weight_decay=weight_decay,
            beta1=0.9,
            beta2=0.999,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )

    return step


def _moved(weights: Sequence[Tensor], *states: Sequence[Any]) -> list[list[Any]]:
    moves = [weight.grad is not None for weight in weights]
    return [[value for value, moved in zip(state, moves, strict=True) if moved] for state in states]


def _gradients(weights: Sequence[Tensor]) -> list[Tensor]:
    return [weight.grad for weight in weights if weight.grad is not None]
