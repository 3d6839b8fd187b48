"""The gradient of each example's loss with respect to its own input."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from byrote.probes._frozen import Frozen, check_inputs, check_labels


def loss_slope(
    asker: str, run: Frozen, inputs: Float[Tensor, "example *shape"], labels: Int[Tensor, " example"]
) -> Float[Tensor, "example *shape"]:
    """Return d cross-entropy / d input of every example. In evaluation mode no example reads another's input."""
    check_inputs(asker, inputs)
    start = inputs.detach().clone().requires_grad_()
    logits = run(start)
    check_labels(asker, labels, logits)
    return torch.autograd.grad(functional.cross_entropy(logits, labels.clone(), reduction="sum"), start)[0]
