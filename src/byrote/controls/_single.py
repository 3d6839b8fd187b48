"""What rules that take the gradient of each example have in common."""

from torch import nn
from torch.random import fork_rng

from byrote.controls.control import Control
from byrote.errors import InvalidData
from byrote.task.task import Task


def check_no_batch_norm(control: Control, task: Task) -> None:
    """Raise InvalidData when the model has batch norm, with which an example has no gradient of its own."""
    make: object = task.model
    if not callable(make):
        return
    with fork_rng(devices=[]):
        network: nn.Module = make()
    for name, module in network.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):  # pyright: ignore[reportPrivateUsage]
            raise InvalidData(
                f"{control.name} takes the gradient of each example by itself, and {name!r} of the model is batch norm, "
                "which mixes examples. Use nn.GroupNorm or nn.LayerNorm in its place."
            )
