"""Count sketch: long vectors as short ones with the same inner products on average, Charikar et al., 2002."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor


class Sketch:
    """A random linear map from gradients to `size` numbers: each coordinate is added to one of them, with a random sign.

    The inner product of two sketches is that of the vectors on average over seeds, with a variance of at most
    (|a|^2 |b|^2 + (a.b)^2) / size. It costs one addition per coordinate, and 12 bytes of memory per coordinate.
    """

    def __init__(self, weights: Mapping[str, Tensor], size: int, seed: int) -> None:
        self.size = size
        generator = torch.Generator().manual_seed(seed)
        self._place: dict[str, Tensor] = {}
        self._sign: dict[str, Tensor] = {}
        for name, weight in weights.items():
            count = weight.numel()
            self._place[name] = torch.randint(size, (count,), generator=generator).to(weight.device)
            sign = torch.randint(0, 2, (count,), generator=generator).to(torch.float32) * 2 - 1
            self._sign[name] = sign.to(weight.device)

    def __call__(self, gradients: Mapping[str, Tensor]) -> Float[Tensor, "example size"]:
        """Return the sketch of each example's gradients, all weights together."""
        first = next(iter(gradients.values()))
        total = first.new_zeros(len(first), self.size)
        for name, value in gradients.items():
            total.index_add_(1, self._place[name], value.flatten(1) * self._sign[name].to(value.dtype))
        return total


def flat(gradients: Mapping[str, Tensor]) -> Float[Tensor, "example weight"]:
    """Return each example's gradients as they are, all weights in one row."""
    return torch.cat([value.flatten(1) for value in gradients.values()], 1)
