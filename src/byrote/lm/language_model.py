"""LanguageModel: what every measurement asks, whoever made it: token ids to logits, the encoder, and how much it reads."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from byrote.errors import InvalidData
from byrote.lm.encoder import Encoder

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A causal language model: `logits(tokens)` maps token ids `[sequence, token]` to logits `[sequence, token, vocabulary]`.

    The logits at a place are for the token after it, and depend on nothing behind it. `context` is how many tokens the model
    reads at most. `module` is the torch module behind it, where there is one: measurements put it into evaluation mode.
    `device` is where token ids have to be. A model may have more logits than its encoder has ids. Raises InvalidData for a
    context below 2.
    """

    logits: "Callable[[Tensor], Tensor]"
    encoder: Encoder
    context: int
    name: str = "model"
    device: str = "cpu"
    module: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.context < 2:
            raise InvalidData(
                f"A model that reads {self.context} tokens cannot continue a text. Give its context length."
            )
