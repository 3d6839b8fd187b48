"""Gradients of each example by itself, with respect to the weights, a block of examples at a time."""

from collections.abc import Callable, Iterator, Mapping

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.func import grad, vmap  # pyright: ignore[reportPrivateImportUsage]

from byrote.errors import InvalidData
from byrote.probes._frozen import Frozen, check_inputs, check_targets

BLOCK_BYTES = 1 << 28
"""Most memory for the gradients of a block, 256 MiB; those of one example are held even where they are more."""

Outcome = Callable[[Tensor, Tensor], Tensor]
"""A number from the outputs `[1, output]` and the target `[1, ...]` of one example."""


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
    labels: Shaped[Tensor, "example *target"],
    outcome: Outcome | None = None,
    *,
    most: int = BLOCK_BYTES,
) -> Iterator[dict[str, Tensor]]:
    """Yield the gradients of `outcome` (None: the loss) by each of `weights`, `[example, *weight]`, in blocks of `most` bytes."""
    check_inputs(asker, inputs)
    if len(inputs) != len(labels):
        raise InvalidData(f"{asker} was given {len(inputs)} inputs and {len(labels)} labels. Give one label per input.")
    own = {name: run.weights[name] for name in weights}
    others = {name: weight for name, weight in run.weights.items() if name not in own}

    def value(free: dict[str, Tensor], one: Tensor, label: Tensor) -> Tensor:
        outputs = run(one[None], {**others, **free})
        return run.losses(outputs, label[None]).sum() if outcome is None else outcome(outputs, label[None])

    if not len(inputs):
        yield {name: weight.new_zeros(0, *weight.shape) for name, weight in own.items()}
        return
    size = max(1, most // max(bytes_each(own), 1))
    for some, targets in zip(inputs.detach().split(size), labels.split(size), strict=True):
        with torch.no_grad():
            check_targets(asker, targets, run(some), run.objective)
        yield vmap(grad(value), in_dims=(None, 0, 0))(own, some, targets)
