"""What is predictable, against slow loops and by hand."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.lm.predictable import NGrams, counted_share, in_context
from small_lm import drawn


def copied(row: list[int], at: int, least: int) -> bool:
    """The longest earlier match of the tokens before `at`, the latest of equally long ones."""
    best, guess = 0, None
    for place in range(1, at):
        length = 0
        while length < place and row[place - 1 - length] == row[at - 1 - length]:
            length += 1
        if length >= max(1, best):
            best, guess = length, row[place]
    return best >= least and guess == row[at]


def test_copying_on_equals_a_loop_over_all_matches() -> None:
    tokens = np.random.default_rng(0).integers(0, 3, (30, 24))
    for least in (1, 3):
        found = in_context(tokens, 10, least=least)
        expected = [[copied(row, at, least) for at in range(10, 24)] for row in tokens.tolist()]
        assert found.tolist() == expected
    assert 0.02 < found.mean() < 0.9


def test_a_suffix_that_stands_in_the_prefix_is_copied_from_its_fourth_token() -> None:
    part = np.random.default_rng(1).permutation(100)[:10]
    tokens = np.concatenate([part, [200, 201], part])[None]
    assert in_context(tokens, 12)[0].tolist() == [False] * 3 + [True] * 7


def test_n_grams_equal_counting() -> None:
    texts = [drawn(1, n, seed=n)[0] for n in (1, 2, 300, 40)]
    model, passages = NGrams.of(texts, order=4), drawn(40, 9, seed=7)
    follows: defaultdict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for text in map(np.ndarray.tolist, texts):
        for at in range(len(text)):
            for length in range(min(at, 3) + 1):
                follows[tuple(text[at - length : at])][text[at]] += 1
    for prefix in (1, 5):
        expected = []
        for row in passages.tolist():
            for at in range(prefix, 9):
                context = next(row[at - n : at] for n in (3, 2, 1, 0) if n <= prefix and tuple(row[at - n : at]) in follows)  # fmt: skip
                counts = follows[tuple(context)]
                guess = min(counts, key=lambda token, counts=counts: (-counts[token], token))
                expected.append(guess == row[at])
        assert model.predicts(passages, prefix).ravel().tolist() == expected
    assert sum(len(each) for each in model.contexts) == len(follows)
    for order, given in ((0, texts), (3, [np.zeros(0, int)])):
        with pytest.raises(InvalidData, match="give 1 or more, and a text that is not empty"):
            NGrams.of(given, order=order)


@pytest.mark.parametrize(
    ("prefix", "suffix", "share"),
    [
        ("1 2 3 4 ", "5 6 7 8", 1.0),
        ("10, 20, 30, ", "40, 50, 6", 1.0),
        ("line 007; line 008; line 009; ", "line 010; line 011", 1.0),
        ("1. 5 apples\n2. 5 apples\n3. 5 apples\n", "4. 5 apples\n", 1.0),
        ("1 2 3 4 ", "9 1 5 2", 0.0),
        ("In the beginning was ", "the word", 0.0),
        ("1 2 3 4 ", "5 and then 19", 1 / 13),
        ("", "5 6 7 8 9 10", 8 / 12),
    ],
)
def test_counting_by_hand(prefix: str, suffix: str, share: float) -> None:
    assert counted_share(prefix, suffix) == pytest.approx(share)


def test_an_empty_suffix_has_no_share() -> None:
    assert np.isnan(counted_share("1 2 3", ""))
    assert counted_share("9" * 30 + " " + "9" * 30 + " ", "9" * 30) >= 0, "numbers too long to count are text"
