"""Modules: the places in a network where units can be changed, found by the kinds of its modules and their order."""

from collections.abc import Iterator

from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

ACTIVATIONS = (
    nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.ELU, nn.Hardswish, nn.Mish, nn.ReLU6, nn.SELU, nn.PReLU,
    nn.CELU, nn.Softplus, nn.Hardtanh, nn.Hardsigmoid, nn.RReLU,
)  # fmt: skip
NORMS = (nn.LayerNorm, nn.BatchNorm1d, nn.GroupNorm)
DENSE = nn.Linear

Named = tuple[str, nn.Module]


def leaves(network: nn.Module) -> list[Named]:
    """Return the modules without submodules, once each, in the order in which the network holds them, with their names."""
    return [(name, module) for name, module in network.named_modules() if not list(module.children())]


def after_activations(network: nn.Module) -> list[nn.Module]:
    """Return the activations that follow a dense layer; where there is none, all of them; never the one at the end."""
    found = leaves(network)
    if found and _ends_in_activation(network, found[-1]):
        found = found[:-1]
    return list(_behind_dense(found)) or [module for _, module in found if isinstance(module, ACTIVATIONS)]


def before_last_dense(network: nn.Module) -> list[nn.Module]:
    """Return the last dense layer that is called as one: that of nn.MultiheadAttention, whose weights it reads, is not."""
    dense = [module for _, module in leaves(network) if is_dense(module)]
    return dense[-1:]


def unit_axis(network: nn.Module, activation: nn.Module) -> int:
    """Return the axis of the units that an activation gets: the last one behind a dense layer, else that of channels."""
    axis = -1
    for _, module in leaves(network):
        if module is activation:
            return axis
        if is_dense(module):
            axis = -1
        elif any(True for _ in module.parameters()) and not isinstance(module, NORMS):
            axis = 1
    return axis


def is_dense(module: nn.Module) -> bool:
    """Return whether it is a dense layer that is called as one."""
    return isinstance(module, DENSE) and not isinstance(module, NonDynamicallyQuantizableLinear)


def _behind_dense(found: list[Named]) -> Iterator[nn.Module]:
    last = ""
    for _, module in found:
        if isinstance(module, ACTIVATIONS):
            if last == "dense":
                yield module
        elif is_dense(module):
            last = "dense"
        elif any(True for _ in module.parameters()) and not isinstance(module, NORMS):
            last = "other"


def _ends_in_activation(network: nn.Module, last: Named) -> bool:
    """Return whether an activation is what the network ends in: only a Sequential says in which order it calls its modules."""
    parent = network.get_submodule(last[0].rpartition(".")[0])
    return isinstance(last[1], ACTIVATIONS) and isinstance(parent, nn.Sequential)
