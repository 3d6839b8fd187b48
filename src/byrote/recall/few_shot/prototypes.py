"""Prototypical networks: the class of the nearest mean of a support (Snell, Swersky & Zemel 2017, arXiv:1703.05175)."""

import torch
from jaxtyping import Float
from torch import Tensor


def prototype_scores(
    support: Float[Tensor, "*episode way shot width"], queries: Float[Tensor, "*episode query width"]
) -> Float[Tensor, "*episode query way"]:
    """Minus the squared distance of a query to the mean of each class: high is likely, and a softmax gives equation 2."""
    return -torch.cdist(queries, support.mean(-2)).square()
