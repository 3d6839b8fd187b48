"""The gradient of each example's loss with respect to its own input."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from byrote.probes._frozen import Frozen, check_inputs, check_targets


def loss_slope(
    asker: str, run: Frozen, inputs: Float[Tensor, "example *shape"], labels: Shaped[Tensor, "example *target"]
) -> Float[Tensor, "example *shape"]:
    """Return d loss / d input of every example. In evaluation mode no example reads another's input."""
    check_inputs(asker, inputs)
    start = inputs.detach().clone().requires_grad_()
    outputs = run(start)
    check_targets(asker, labels, outputs, run.objective)
    return torch.autograd.grad(run.losses(outputs, labels.clone()).sum(), start)[0]
