"""Matching networks: each example of a support votes with its attention (Vinyals et al. 2016, arXiv:1606.04080).

Without the full-context embeddings of section 2.1.2.
"""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def matching_scores(
    support: Float[Tensor, "*episode way shot width"],
    queries: Float[Tensor, "*episode query width"],
    *,
    sharpness: float = 10.0,
) -> Float[Tensor, "*episode query way"]:
    """Log of the attention on the examples of each class: 0 is all of it, low is little (equation 1).

    Attention is the softmax over the support of the cosine with each example. The paper's `sharpness` is 1: attention is
    then nearly even, since cosines are at most 1, and training is slow; 10 is usual in later work.
    """
    way, shot, width = support.shape[-3:]
    keys = functional.normalize(support.reshape(*support.shape[:-3], way * shot, width), dim=-1)
    cosine = functional.normalize(queries, dim=-1) @ keys.transpose(-1, -2)
    return (sharpness * cosine).log_softmax(-1).unflatten(-1, (way, shot)).logsumexp(-1)
