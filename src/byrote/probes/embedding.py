"""Embedding: the input of a layer of a model for each example, by default of its last linear layer."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from byrote.arrays import checked
from byrote.errors import InvalidData, unknown
from byrote.probes._frozen import check_inputs, frozen


@checked
def embedding(
    model: nn.Module,
    inputs: Float[Tensor, "example *shape"],
    *,
    layer: str | None = None,
    batch_size: int = 256,
) -> Float[Tensor, "example feature"]:
    """Return the input of `layer` (a name of `model.named_modules()`) for each example, flattened.

    None is the linear layer that is called last: its input is the model's representation of the example. The model is
    evaluated in evaluation mode, batch by batch, and not changed; the result is on the model's device and holds
    examples x features. For the nearest neighbours in it, give it as an array to `byrote.explain.neighbours.nearest`.
    Raises ByroteError for a name that does not exist, InvalidData where no such layer is called.

    It misleads as a general similarity: two examples are close if this model has learned to treat them alike. So a
    memorized mislabeled example is close to the class of its wrong label.
    """
    check_inputs("embedding", inputs)
    named = dict(model.named_modules())
    if layer is not None and layer not in named:
        raise unknown("layer", layer, named)
    modules = [named[layer]] if layer else [module for module in named.values() if isinstance(module, nn.Linear)]
    recorded: list[Tensor] = []

    def hear(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        recorded[:] = [first.detach().clone() for first in given[:1]]

    parts: list[Tensor] = []
    hooks = [module.register_forward_pre_hook(hear) for module in modules]
    try:
        with frozen(model) as run, torch.no_grad():
            for some in inputs.split(batch_size):
                recorded.clear()
                run(some)
                if not recorded or len(recorded[0]) != len(some):
                    raise InvalidData(
                        f"No input [example, ...] of {f'the layer {layer!r}' if layer else 'a torch.nn.Linear'} was seen. "
                        f"Name the layer to read, one of: {', '.join(name for name in named if name)}."
                    )
                parts.append(recorded[0].flatten(1))
    finally:
        for hook in hooks:
            hook.remove()
    return torch.cat(parts) if parts else inputs.new_zeros(0, 0)
