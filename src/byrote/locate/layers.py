"""Layers of a model: which weights and buffers are changed together when memorization is located layer by layer."""

import copy
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from byrote.errors import InvalidData, unknown


def layers(model: nn.Module, names: Sequence[str] | None = None) -> dict[str, tuple[str, ...]]:
    """Return the names in `model.state_dict()` of each layer: its weights, and the buffers that go with them.

    By default every module that has weights of its own is a layer, in the order of `model.named_modules()`; a weight
    that several modules share belongs to the first. With `names` (of modules) each of them is one layer together with
    all that lies beneath it, such as the blocks of a residual network. Raises ByroteError for a name that does not exist,
    InvalidData for a layer without weights and for layers that overlap.
    """
    modules, kept, seen = dict(model.named_modules()), model.state_dict(), set[int]()
    found: dict[str, tuple[str, ...]] = {}
    for name in modules if names is None else names:
        if name not in modules:
            raise unknown("layer", name, modules)
        module, prefix, deep = modules[name], f"{name}." if name else "", names is not None
        weights = [key for key, weight in module.named_parameters(prefix=name, recurse=deep) if id(weight) not in seen]
        seen.update(id(weight) for weight in module.parameters(recurse=deep))
        buffers = [f"{prefix}{key}" for key, _ in module.named_buffers(recurse=deep)]
        if weights:
            found[name or "model"] = (*weights, *(key for key in buffers if key in kept))
        elif deep:
            raise InvalidData(
                f"The layer {name!r} has no weights, or those of a layer before it. Name modules that have weights and do not overlap."
            )
    if not found:
        raise InvalidData("This model has no weights. Give a network that was trained.")
    named = [key for keys in found.values() for key in keys]
    if len(named) > len(set(named)):
        raise InvalidData(f"The layers {', '.join(found)} overlap. Name modules of which none lies in another.")
    return found


def with_layer(model: nn.Module, source: Mapping[str, Tensor], keys: Sequence[str]) -> nn.Module:
    """Return a copy of the model that has these weights and buffers of `source`; raise InvalidData when they do not fit."""
    changed = copy.deepcopy(model)
    state = changed.state_dict()
    for key in keys:
        if key not in source or source[key].shape != state[key].shape:
            other = tuple(source[key].shape) if key in source else "missing"
            raise InvalidData(
                f"{key!r} has shape {tuple(state[key].shape)} in the model and is {other} in the earlier one. Give two states of one model."
            )
    changed.load_state_dict({**state, **{key: source[key] for key in keys}})
    return changed
