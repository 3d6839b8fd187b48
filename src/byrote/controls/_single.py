"""What rules that take the gradient of each example have in common."""

from torch import Tensor, nn
from torch.random import fork_rng

from byrote.controls.control import Control
from byrote.errors import InvalidData
from byrote.task.methods import Gradients
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


def norms(gradients: list[Tensor]) -> Tensor:
    """Return the norm of each example's gradient over all weights together, `[example]`."""
    squares = [gradient.flatten(1).square().sum(1) for gradient in gradients]
    return sum(squares[1:], squares[0]).sqrt()


def clipped_sum(gradients: Gradients, norm: float) -> list[Tensor]:
    """Return the sum of the gradients of examples, each scaled to `norm` where it is longer, one tensor per weight."""
    total = [weight.new_zeros(weight.shape) for weight in gradients.weights]
    for part in gradients.per_example():
        scale = (norm / norms(part).clamp_min(1e-12)).clamp_max(1.0)
        for sums, gradient in zip(total, part, strict=True):
            sums += (scale @ gradient.flatten(1)).view_as(sums)
    return total
