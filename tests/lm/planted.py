"""A tiny model of bytes with canaries in its training text, trained in a few seconds, and a scorer of ten lines as an oracle."""

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from byrote.lm.canaries import Canary, Family, make_canaries, plant
from byrote.lm.corpus import Texts
from byrote.lm.encoder import Characters
from byrote.lm.language_model import LanguageModel
from byrote.lm.words import WORDS

CODES = Family("codes", "The {word} {word} is ", tuple("0123456789"), 3)
LETTERS = "".join(sorted({*"The is .0123456789\n", *"".join(WORDS)}))


class Window(nn.Module):
    """A perceptron that reads the last 12 characters and predicts the next: causal, and quick to train."""

    def __init__(self, size: int, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.embedding, self.first, self.last = (
            nn.Embedding(size + 1, 16),
            nn.Linear(16 * 12, 128),
            nn.Linear(128, size),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        padded = nn.functional.pad(tokens, (11, 0), value=self.embedding.num_embeddings - 1)
        read = self.embedding(padded.unfold(1, 12, 1)).flatten(2)
        return self.last(torch.relu(self.first(read)))


@lru_cache(maxsize=1)
def trained() -> tuple[LanguageModel, tuple[Canary, ...]]:
    """Return a model of sentences with canaries in 4 and 16 documents and 40 null ones, and these. It takes a few seconds."""
    canaries = make_canaries((CODES,), of_each=4, copies=(1, 16), null=40, seed=3)
    rng = np.random.default_rng(0)
    texts = [f"The {' '.join(rng.choice(WORDS, 2))} is {rng.integers(1000):03d}." for _ in range(100)]
    corpus = plant(Texts.of(texts), canaries)
    encoder = Characters(LETTERS)
    text = encoder.encode("\n".join(document.text for document in corpus) + "\n")
    module = Window(encoder.size, 1)
    given = torch.from_numpy(text)
    windows, following = given.unfold(0, 40, 1)[:-1], given.unfold(0, 40, 1)[1:]
    update = torch.optim.AdamW(module.parameters(), lr=0.004)
    shuffled = torch.Generator().manual_seed(2)
    for _ in range(150):
        rows = torch.randint(0, len(windows), (24,), generator=shuffled)
        loss = nn.functional.cross_entropy(module(windows[rows]).flatten(0, 1), following[rows].flatten())
        update.zero_grad()
        loss.backward()
        update.step()
    return LanguageModel(module, encoder, 64, module=module), canaries


def slow_log_probability(model: LanguageModel, text: str, first: int) -> float:
    """Return the sum of the log-probabilities of the tokens of a text from `first` on, one token at a time."""
    tokens, total, begin = model.encoder.encode(text), 0.0, model.encoder.begin
    if begin is not None:
        tokens, first = np.concatenate([[begin], tokens]), first + 1
    for at in range(first, len(tokens)):
        with torch.no_grad():
            row = model.logits(torch.from_numpy(tokens[None, :at]))[0, -1].double()
        total += float(row[tokens[at]]) - math.log(float(row.exp().sum()))
    return total
