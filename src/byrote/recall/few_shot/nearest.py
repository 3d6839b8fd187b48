"""Nearest neighbour: the class of the nearest example of the support (Cover & Hart 1967). It needs no training."""

import torch
from jaxtyping import Float
from torch import Tensor


def nearest_scores(
    support: Float[Tensor, "*episode way shot width"], queries: Float[Tensor, "*episode query width"]
) -> Float[Tensor, "*episode query way"]:
    """Minus the squared distance of a query to the nearest example of each class: 0 is a copy, low is far."""
    way, shot, width = support.shape[-3:]
    distances = torch.cdist(queries, support.reshape(*support.shape[:-3], way * shot, width)).square()
    return -distances.unflatten(-1, (way, shot)).amin(-1)
