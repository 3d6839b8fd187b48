"""Gradients of each example by itself, with respect to the weights, a block of examples at a time."""

from collections.abc import Callable, Iterator, Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import grad, vmap  # pyright: ignore[reportPrivateImportUsage]
from torch.nn import functional

from byrote.errors import InvalidData
from byrote.probes._frozen import Frozen, check_inputs, check_labels

BLOCK_BYTES = 1 << 28
"""Most memory for the gradients of a block, 256 MiB; those of one example are held even where they are more."""

Outcome = Callable[[Tensor, Tensor], Tensor]
"""A number from the logits `[1, class]` and the label `[1]` of one example."""


def cross_entropy(logits: Float[Tensor, "one class"], label: Int[Tensor, " one"]) -> Float[Tensor, ""]:
    """Return the loss of one example: 0 is right and certain."""
    return functional.cross_entropy(logits, label)


def log_odds(logits: Float[Tensor, "one class"], label: Int[Tensor, " one"]) -> Float[Tensor, ""]:
    """Return log(p / (1 - p)) of the label of one example, from the logits."""
    own = torch.arange(logits.shape[1], device=logits.device) == label[:, None]
    return (logits.masked_fill(~own, 0).sum(1) - logits.masked_fill(own, -torch.inf).logsumexp(1)).sum()


def trained(model: nn.Module) -> dict[str, Tensor]:
    """Return the weights that training changes, by name; raise InvalidData when there are none."""
    found = {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}
    if not found:
        raise InvalidData("No weight of this model requires a gradient. Give the model as it was trained.")
    return found


def bytes_each(weights: Mapping[str, Tensor]) -> int:
    """Return the bytes of one example's gradients."""
    return sum(weight.numel() * weight.element_size() for weight in weights.values())


def gradients(
    asker: str,
    run: Frozen,
    weights: Mapping[str, Tensor],
    inputs: Float[Tensor, "example *shape"],
    labels: Int[Tensor, " example"],
    outcome: Outcome = cross_entropy,
    *,
    most: int = BLOCK_BYTES,
) -> Iterator[dict[str, Tensor]]:
    """Yield the gradients of `outcome` by each of `weights`, `[example, *weight]`, for as many examples as `most` bytes hold."""
    check_inputs(asker, inputs)
    if len(inputs) != len(labels):
        raise InvalidData(f"{asker} was given {len(inputs)} inputs and {len(labels)} labels. Give one label per input.")
    own = {name: run.weights[name] for name in weights}
    others = {name: weight for name, weight in run.weights.items() if name not in own}

    def told(mine: dict[str, Tensor], one: Tensor, label: Tensor) -> Tensor:
        return outcome(run(one[None], {**others, **mine}), label[None])

    if not len(inputs):
        yield {name: weight.new_zeros(0, *weight.shape) for name, weight in own.items()}
        return
    size = max(1, most // max(bytes_each(own), 1))
    for some, theirs in zip(inputs.detach().split(size), labels.split(size), strict=True):
        with torch.no_grad():
            check_labels(asker, theirs, run(some))
        yield vmap(grad(told), in_dims=(None, 0, 0))(own, some, theirs)
