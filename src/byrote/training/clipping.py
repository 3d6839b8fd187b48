"""Clipping: the sum of gradients of single examples, each scaled to a norm, without holding them where layers allow it.

In a dense layer the gradient of an example is the product of what goes in and of the gradient of what comes out, so its norm and
the clipped sum follow from these two (Goodfellow, 2015, arXiv:1510.01799; Li et al., 2022, arXiv:2110.05679).
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

TINY = 1e-12


def scales(squares: Tensor, norm: float) -> Tensor:
    """Return the factor of each example that brings its gradient, of this squared norm, to `norm` where it is longer."""
    return (norm / squares.sqrt().clamp_min(TINY)).clamp_max(1.0)


def add_clipped(total: Sequence[Tensor], gradients: Sequence[Tensor], norm: float) -> None:
    """Add the gradients `[example, ...]` of some examples to the sums, each clipped."""
    squares = torch.stack([gradient.flatten(1).square().sum(1) for gradient in gradients]).sum(0)
    scale = scales(squares, norm)
    for sums, gradient in zip(total, gradients, strict=True):
        sums += (scale @ gradient.flatten(1)).view_as(sums)


def only_dense(network: nn.Module) -> bool:
    """Return whether all that is trained lies in dense layers, each weight in one."""
    layers = [module for module in network.modules() if type(module) is nn.Linear]
    own = [id(weight) for layer in layers for weight in layer.parameters(recurse=False)]
    trained = {id(weight) for weight in network.parameters() if weight.requires_grad}
    return len(set(own)) == len(own) and trained <= set(own)


def add_clipped_dense(
    total: Sequence[Tensor], network: nn.Module, losses: Callable[[Tensor], Tensor], inputs: Any, size: int, norm: float
) -> bool:
    """Add the clipped gradients of these examples to the sums, of a network of dense layers; False when that cannot be done.

    `losses` gives the loss of each example from the outputs. It can be done when each trained layer is called once, and sees the
    examples along its first axis.
    """
    with _watched(network) as calls:
        found = losses(network(inputs).float())
    layers = [m for m in network.modules() if type(m) is nn.Linear and any(w.requires_grad for w in m.parameters())]
    if any(len(calls.get(layer, ())) != 1 or not _fits(calls[layer][0][0], size) for layer in layers):
        return False
    given = [
        calls[layer][0][0].flatten(1, -2) if calls[layer][0][0].ndim > 2 else calls[layer][0][0] for layer in layers
    ]
    slopes = torch.autograd.grad(found.sum(), [calls[layer][0][1] for layer in layers])
    slopes = [slope.flatten(1, -2) if slope.ndim > 2 else slope for slope in slopes]
    with torch.no_grad():
        parts = [_squares(layer, *each) for layer, *each in zip(layers, given, slopes, strict=True)]
        scale = scales(torch.stack(parts).sum(0), norm)
        sums = dict(zip([id(w) for w in network.parameters() if w.requires_grad], total, strict=True))
        for layer, came, slope in zip(layers, given, slopes, strict=True):
            clipped = (slope * scale.view(-1, *[1] * (slope.ndim - 1))).flatten(0, -2)
            if id(layer.weight) in sums:
                sums[id(layer.weight)] += clipped.t() @ came.flatten(0, -2)
            if id(layer.bias) in sums:
                sums[id(layer.bias)] += clipped.sum(0)
    return True


def _fits(given: Tensor, size: int) -> bool:
    """Return whether the first axis is that of the examples, beyond doubt."""
    return given.ndim > 1 and given.shape[0] == size and size not in given.shape[1:-1]


def _squares(layer: nn.Linear, given: Tensor, slope: Tensor) -> Tensor:
    """Return the squared norm of each example's gradient in one layer, `[example]`."""
    trained = {name for name, weight in layer.named_parameters() if weight.requires_grad}
    of_weight, of_bias = float("weight" in trained), float("bias" in trained)
    if given.ndim == 2:
        return slope.square().sum(1) * (of_weight * given.square().sum(1) + of_bias)
    alike = of_weight * (given @ given.mT) + of_bias  # over pairs of places
    return ((slope @ slope.mT) * alike).sum((1, 2)).clamp_min(0.0)


@contextmanager
def _watched(network: nn.Module) -> Generator[dict[nn.Module, list[tuple[Tensor, Tensor]]]]:
    """Note what goes in and comes out of each dense layer; what comes out is handed on as a copy, which may change in place."""
    calls: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {}

    def note(layer: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
        calls.setdefault(layer, []).append((given[0].detach(), output))
        return output.clone()

    hooks = [module.register_forward_hook(note) for module in network.modules() if type(module) is nn.Linear]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()
