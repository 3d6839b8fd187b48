"""A small language model: a pre-norm GPT (Radford et al., 2019), which trains alone and in packs."""

import math
from dataclasses import dataclass

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

    def onward(self, tokens: Tensor, count: int, kept: "Kept | None" = None) -> "tuple[Tensor, Kept]":
        """Return the logits after the last `count` tokens, and what is kept of all: those in `kept` come before these tokens.

        The logits are those of `forward`, without computing the others. Raises InvalidData as `forward` does.
        """
        x, now = self._read(tokens, kept)
        return functional.linear(self.norm(x[:, -count:]), self.tokens.weight), now

    def hidden(self, tokens: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Return the logits after the last `count` tokens, and the states `[example, token, width]` that the last layer reads.

        A state is what the model has made of the text up to a token: the logits are linear in it. Raises InvalidData as
        `forward` does.
        """
        states = self.norm(self._read(tokens, None)[0][:, -count:])
        return functional.linear(states, self.tokens.weight), states

    def _read(self, tokens: Tensor, kept: "Kept | None") -> "tuple[Tensor, Kept]":
        start = 0 if kept is None else kept.layers[0][0].shape[2] if kept.layers else 0
        if start + tokens.shape[1] > self.context:
            raise InvalidData(
                f"This model reads {self.context} tokens, and was given {start + tokens.shape[1]}. Give the last of them."
            )
        x = self.tokens(tokens) + self.places.weight[start : start + tokens.shape[1]]
        layers: list[tuple[Tensor, Tensor]] = []
        for at, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            x, now = block.onward(x, None if kept is None else kept.layers[at])
            layers.append(now)
        return x, Kept(tuple(layers))


@dataclass(frozen=True, eq=False)
class Kept:
    """Keys and values `[row, head, token, width of a head]` of each layer, of tokens that a model has read."""

    layers: tuple[tuple[Tensor, Tensor], ...]

    def rows(self, which: Tensor) -> "Kept":
        """Return those of some rows, in this order; a row may stand several times."""
        return Kept(tuple((key[which], value[which]) for key, value in self.layers))


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

    def onward(self, x: Tensor, kept: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the same without dropout, for tokens that follow those kept, and the keys and values of all."""
        said, now = self.attention.onward(self.before(x), kept)
        x = x + said
        return x + self.shrink(self.active(self.grow(self.between(x)))), now


class Attention(nn.Module):
    """Causal attention of several heads: each token reads those before it, and itself."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.read, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[example, token, width]`."""
        return self.onward(x, None)[0]

    def onward(self, x: Tensor, kept: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the same for tokens that follow those kept, and the keys and values of all."""
        query, key, value = self.read(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        if kept is not None:
            key, value = torch.cat([kept[0], key], 2), torch.cat([kept[1], value], 2)
        own, whole = query.shape[2], key.shape[2]
        later = torch.full((own, whole), -torch.inf, dtype=query.dtype, device=x.device).triu(1 + whole - own)
        seen = (query @ key.transpose(2, 3) / math.sqrt(query.shape[3]) + later).softmax(3)
        return self.out((seen.to(value.dtype) @ value).transpose(1, 2).flatten(2)), (key, value)


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
