"""A language model that knows a text by heart: the most frequent byte after the last eight, for tests that need no training."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from byrote.lm import Characters, Encoder, LanguageModel
from byrote.lm.models import language_model

ORDER = 8


class Recall:
    """Logits from counts of what followed the last characters in some texts; the longest context that is known counts."""

    def __init__(self, texts: Sequence[str], encoder: Encoder) -> None:
        self.size, self.asked = encoder.size, 0
        self.known: dict[tuple[int, ...], Tensor] = {}
        self.after: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for text in texts:
            tokens = encoder.encode(text).tolist()
            for at in range(len(tokens) - 1):
                for length in range(1, ORDER + 1):
                    if at + 1 >= length:
                        self.after[tuple(tokens[at + 1 - length : at + 1])][tokens[at + 1]] += 1

    def __call__(self, tokens: Tensor) -> Tensor:
        self.asked += 1
        return torch.stack(
            [torch.stack([self._after(row[: at + 1]) for at in range(len(row))]) for row in tokens.tolist()]
        )

    def _after(self, tokens: list[int]) -> Tensor:
        key = tuple(tokens[-ORDER:])
        if key not in self.known:
            logits = torch.zeros(self.size)
            found = next(
                (self.after[key[-n:]] for n in range(len(key), 0, -1) if key[-n:] in self.after), Counter[int]()
            )
            for token, count in found.items():
                logits[token] = 5 + torch.tensor(float(count)).log()
            self.known[key] = logits
        return self.known[key]


def recall_model(texts: Sequence[str], alphabet: Sequence[str], name: str = "recall") -> tuple[LanguageModel, Recall]:
    """Return a model that knows the texts by heart, and the function behind it, which counts how often it was asked."""
    encoder = Characters.of(alphabet)
    own = Recall(texts, encoder)
    return language_model(own, encoder, 128, name=name), own
