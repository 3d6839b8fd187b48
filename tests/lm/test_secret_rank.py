"""Exact ranks and log-probabilities of secrets against every secret asked one by one."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from byrote.errors import InvalidData, Unsupported
from byrote.lm import Canary, Family, LanguageModel
from byrote.lm.encoder import Characters
from byrote.lm.secret_rank import (
    TIE,
    common_start,
    exact_rank,
    log_probabilities,
    product_table,
    sampled_losses,
    secret_space,
)
from lm.planted import slow_log_probability

LETTERS = "abc 0123xyz"
WORDS = Family("words", "{word} ", ("x", "yz", "zxy"), 3, " ")
CODE = Family("code", "{word} ", tuple("0123"), 4)


def model(begin: int | None = None, seed: int = 0) -> LanguageModel:
    """A random model in which every token depends on all before it: causal, and cheap to ask."""
    encoder = Characters(LETTERS, begin=begin)
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(encoder.size, 24, generator=generator)
    second = torch.randn(24, encoder.size, generator=generator)

    def logits(tokens: Tensor) -> Tensor:
        weight = 0.8 ** torch.arange(tokens.shape[1])
        read = torch.stack(
            [(first[tokens[:, : i + 1]] * weight[: i + 1].flip(0)[:, None]).sum(1) for i in range(tokens.shape[1])], 1
        )
        return torch.tanh(read) @ second

    return LanguageModel(logits, encoder, 40)


class Pairs:
    """An encoder that joins two equal characters to one token: places are not encoded alone."""

    name, begin, size = "pairs", None, 200

    def encode(self, text: str) -> np.ndarray:
        return np.array([LETTERS.index(part[0]) + 100 * (len(part) - 1) for part in _pairs(text)], np.int64)

    def decode(self, tokens: np.ndarray) -> str:
        return "".join(LETTERS[token % 100] * (1 + token // 100) for token in tokens)


def _pairs(text: str) -> list[str]:
    found: list[str] = []
    for letter in text:
        if found and found[-1] == letter:  # once: three equal ones are a pair and one
            found[-1] += letter
        else:
            found.append(letter)
    return found


def all_ranks(asked: LanguageModel, canary: Canary) -> int:
    start = len(asked.encoder.encode(canary.before.rstrip(" ")))
    family = canary.family
    choices = itertools.product(range(len(family.options)), repeat=family.places)
    scores = {c: slow_log_probability(asked, canary.before + family.secret(c), start) for c in choices}
    own = scores[canary.choice]
    return sum(score >= own - TIE for score in scores.values())


@pytest.mark.parametrize("begin", [None, 11])
@pytest.mark.parametrize("family", [CODE, WORDS])
def test_the_rank_equals_full_enumeration(family: Family, begin: int | None) -> None:
    asked = model(begin)
    rng = np.random.default_rng(1)
    for i, choice in enumerate(family.draw(3, rng)):
        canary = Canary(str(i), family, "abc ", tuple(int(c) for c in choice), 1)
        space = secret_space(canary, asked.encoder, product_table(family, asked.encoder, " "))
        assert space is not None
        assert len(space.tokens) == family.size
        assert exact_rank(asked, canary, space) == all_ranks(asked, canary)
    best = max(
        itertools.product(range(len(family.options)), repeat=family.places),
        key=lambda c: slow_log_probability(asked, "abc " + family.secret(c), 4),
    )
    assert exact_rank(asked, replace(canary, choice=best), space) == 1
    assert exact_rank(asked, canary, space, nodes=1) is None


def test_an_encoder_that_joins_places_is_enumerated_one_by_one() -> None:
    asked = replace(
        model(), encoder=Pairs(), logits=lambda tokens: torch.sin(tokens[..., None] * torch.arange(1, 201) * 0.37)
    )
    canary = Canary("0", CODE, "ab ", (1, 1, 2, 0), 1)
    space = secret_space(canary, asked.encoder, product_table(CODE, asked.encoder, " "))
    assert space is not None
    assert (space.tokens == -1).any()
    assert exact_rank(asked, canary, space) == all_ranks(asked, canary)


def test_a_model_that_keeps_what_it_read_gives_the_same_rank() -> None:
    from byrote.lm.secret_rank import SecretSpace

    asked = model()

    class Kept:
        def __init__(self, tokens: Tensor) -> None:
            self.tokens = tokens

        def rows(self, which: Tensor) -> "Kept":
            return Kept(self.tokens[which])

    def reading(tokens: Tensor, count: int, cache: "Kept | None") -> tuple[Tensor, Kept]:
        whole = tokens if cache is None else torch.cat([cache.tokens, tokens], 1)
        return asked.logits(whole)[:, -count:], Kept(whole)

    fast = replace(asked, reading=reading)
    canary = Canary("0", CODE, "cab ", (3, 0, 2, 2), 1)
    space = secret_space(canary, asked.encoder, product_table(CODE, asked.encoder, " "))
    assert isinstance(space, SecretSpace)
    assert exact_rank(fast, canary, space) == exact_rank(asked, canary, space) == all_ranks(asked, canary)


def test_losses_of_a_sample_are_those_of_texts_asked_alone() -> None:
    asked = model()
    canary = Canary("0", WORDS, "abc ", (0, 1, 2), 1)
    loss, candidates = sampled_losses(asked, canary, references=12, seed=4)
    drawn = WORDS.draw(12, np.random.default_rng([4, 12]))
    texts = [canary.before + WORDS.secret(choice) for choice in (canary.choice, *drawn)]
    start = common_start([asked.encoder.encode(text) for text in texts])
    assert [loss, *candidates] == pytest.approx([-slow_log_probability(asked, text, start) for text in texts], abs=1e-4)


def test_nothing_in_front_and_too_long_texts_are_refused() -> None:
    asked = model()
    with pytest.raises(Unsupported, match="without a first token"):
        log_probabilities(asked, np.zeros(0, np.int64), [np.array([1, 2])])
    long = Canary("0", CODE, "abc " * 12, (0, 1, 2, 3), 1)
    with pytest.raises(InvalidData, match="reads 40 tokens"):
        sampled_losses(asked, long, references=3)


def test_a_space_that_is_too_large_has_no_table() -> None:
    huge = Family("huge", "{word} ", tuple("0123"), 20)
    encoder = Characters(LETTERS)
    assert product_table(huge, encoder, " ") is None
    assert secret_space(Canary("0", huge, "abc ", (0,) * 20, 1), encoder) is None
