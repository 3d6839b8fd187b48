"""LanguageModel: what every measurement asks, whoever made it: token ids to logits, the encoder, and how much it reads."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from byrote.errors import InvalidData
from byrote.lm.encoder import Encoder

if TYPE_CHECKING:
    from torch import Tensor


class Cache(Protocol):
    """What a model keeps of tokens that it has read, one row per sequence. Reading on never changes it."""

    def rows(self, which: "Tensor") -> "Cache":
        """Return the cache of these rows, in this order; a row may stand several times."""
        ...


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A causal language model: `logits(tokens)` maps token ids `[sequence, token]` to logits `[sequence, token, vocabulary]`.

    The logits at a place are for the token after it, and depend on nothing behind it. `context` is how many tokens the model
    reads at most. `module` is the torch module behind it, where there is one: measurements put it into evaluation mode.
    `device` is where token ids have to be. A model may have more logits than its encoder has ids. Raises InvalidData for a
    context below 2.

    `hidden(tokens, count)` gives the logits at the last `count` tokens and, with them, the states `[sequence, token, width]` of
    the network there, from which the logits are made: what a memory beside the model is keyed by (`byrote.lm.knn`).

    Two more ways to ask are for speed alone, and give the same logits: `ending(tokens, count)` gives those at the last `count`
    tokens without computing the others; `reading(tokens, count, cache)` gives the same for tokens that follow those in the
    cache (None: nothing), and the cache with them. Measurements do without where they are None.
    """

    logits: "Callable[[Tensor], Tensor]"
    encoder: Encoder
    context: int
    name: str = "model"
    device: str = "cpu"
    module: Any = field(default=None, repr=False)
    ending: "Callable[[Tensor, int], Tensor] | None" = field(default=None, repr=False)
    reading: "Callable[[Tensor, int, Cache | None], tuple[Tensor, Cache]] | None" = field(default=None, repr=False)
    hidden: "Callable[[Tensor, int], tuple[Tensor, Tensor]] | None" = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.context < 2:
            raise InvalidData(
                f"A model that reads {self.context} tokens cannot continue a text. Give its context length."
            )
