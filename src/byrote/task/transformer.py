"""A small language model: a pre-norm GPT (Radford et al., 2019), which trains alone and in packs."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from byrote.errors import InvalidData

START = 0.02
"""Standard deviation of the first weights, as in GPT-2; of what adds to the residual stream it is divided by its depth."""


class Transformer(nn.Module):
    """Reads token ids `[example, token]`, at most `context` of them, and gives logits `[example, token, vocabulary]`.

    Positions are learned, and the last layer has the weights of the embedding. The logits at a place depend on the tokens
    up to there. Attention is two matrix products with a softmax between them, since fused attention is slower on a CPU and
    does not stack.
    """

    def __init__(self, vocabulary: int, context: int, width: int, depth: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.context = context
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                adds = name.endswith(("attention.out.weight", "shrink.weight"))
                nn.init.normal_(weight, std=START / math.sqrt(2 * depth) if adds else START)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits of the token after each place; raise InvalidData for a text longer than the context."""
        length = tokens.shape[1]
        if length > self.context:
            raise InvalidData(f"This model reads {self.context} tokens, and was given {length}. Give the last of them.")
        x = self.dropout(self.tokens(tokens) + self.places.weight[:length])
        for block in self.blocks:
            x = block(x)
        return functional.linear(self.norm(x), self.tokens.weight)


class Block(nn.Module):
    """One layer: attention and then a perceptron of four times the width, each added to what it read."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.before, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.between, self.grow, self.active = nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU()
        self.shrink, self.dropout = nn.Linear(4 * width, width), nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[example, token, width]`."""
        x = x + self.dropout(self.attention(self.before(x)))
        return x + self.dropout(self.shrink(self.active(self.grow(self.between(x)))))


class Attention(nn.Module):
    """Causal attention of several heads: each token reads those before it, and itself."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.read, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[example, token, width]`."""
        query, key, value = self.read(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        later = torch.full((x.shape[1],) * 2, -torch.inf, dtype=query.dtype, device=x.device).triu(1)
        seen = (query @ key.transpose(2, 3) / math.sqrt(query.shape[3]) + later).softmax(3)
        return self.out((seen.to(value.dtype) @ value).transpose(1, 2).flatten(2))


def transformer(
    vocabulary: int, context: int, *, width: int = 128, depth: int = 4, heads: int = 4, dropout: float = 0.0
) -> nn.Module:
    """Return a fresh language model, of 940,800 weights with 1,024 token ids and a context of 128.

    Use it as a factory: `partial(transformer, 1024, 128)`; the controls `width`, `depth` and `dropout` set its parameters.
    Raises InvalidData for sizes that no model can have.
    """
    for name, value in (("vocabulary", vocabulary), ("context", context), ("width", width), ("heads", heads)):
        if value < 1:
            raise InvalidData(f"A transformer with {name}={value} cannot be built. Give 1 or more.")
    if width % heads:
        raise InvalidData(f"A width of {width} cannot be shared by {heads} heads. Give a multiple of the heads.")
    if depth < 0:
        raise InvalidData(f"A transformer with depth={depth} cannot be built. Give 0 or more.")
    return Transformer(vocabulary, context, width, depth, heads, dropout)
