"""The log odds of every class, without the rounding of probabilities near 0 and 1."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def log_odds(logits: Float[Tensor, "example class"]) -> Float[Tensor, "example class"]:
    """Return log(p / (1 - p)) of each class: half precision is widened, one class alone has infinity."""
    z = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    top = z.argmax(1, keepdim=True)
    below = z - z.gather(1, top)
    others = below.scatter(1, top, -torch.inf)
    weight = others.exp()
    rest = (1 + (weight.sum(1, keepdim=True) - weight)).log()
    rest = rest.scatter(1, top, others.logsumexp(1, keepdim=True))
    return below - rest


def surprise(odds: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Return -log p from log odds. That of not being the class is `surprise(-odds)`."""
    return -functional.logsigmoid(odds)


def weighted(probability: Float[Tensor, "..."], value: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Return the product, 0 where the probability is, whatever the value."""
    return torch.where(probability == 0, 0, probability * value)
