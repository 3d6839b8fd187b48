"""Blind baselines: a known leak raises the warning, a random split does not."""

import numpy as np
import pytest

from byrote.errors import InvalidData, Unsupported
from byrote.lm.blind_text import blind_text
from byrote.lm.words import WORDS

MEMBER = np.arange(120) < 60


def texts(seed: int, **leak: int) -> list[str]:
    rng = np.random.default_rng(seed)
    found: list[str] = []
    for inside in MEMBER:
        words = list(rng.choice(WORDS, rng.integers(15, 40) + leak.get("length", 0) * inside))
        if "word" in leak and inside:
            words[0] = "chapter"
        found.append(f"{' '.join(words)} in {rng.integers(1990, 2010) + leak.get('dates', 0) * (not inside)}.")
    return found


@pytest.mark.parametrize(("leak", "seen"), [("length", "length"), ("word", "words"), ("dates", "dates")])
def test_a_known_leak_raises_the_warning(leak: str, seen: str) -> None:
    found = blind_text(texts(1, **{leak: 12}), MEMBER)
    assert getattr(found, seen).low > 0.6
    assert found.warning is not None
    assert "no random split" in found.warning
    said = {"length": "their length", "words": "their words", "dates": "the dates in them"}[seen]
    assert said in found.warning or seen != "length"


def test_a_random_split_raises_none() -> None:
    """At most 5 % of splits do; of six, three or more have a chance of .2 %."""
    found = [blind_text(texts(seed), np.random.default_rng(seed).permutation(120) < 60, seed=seed) for seed in range(6)]
    assert sum(each.warning is not None for each in found) <= 2
    assert all(each.words.low < 0.5 < each.words.high for each in found[:2])


def test_too_few_texts_are_refused() -> None:
    with pytest.raises(Unsupported, match="4 members and 96 others"):
        blind_text(["a b"] * 100, np.arange(100) < 4)
    with pytest.raises(InvalidData, match="3 texts for 120 documents"):
        blind_text(["a"] * 3, MEMBER)


def test_empty_texts_are_no_reason_to_fail() -> None:
    found = blind_text([""] * 120, MEMBER)
    assert found.words.value == pytest.approx(0.5)
    assert found.warning is None
