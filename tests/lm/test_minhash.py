"""Near-duplicates against exact Jaccard similarity of all pairs; the recall that is printed is the true one."""

import sys

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.lm.corpus import Texts
from byrote.lm.minhash import Shingles, exact_pairs, jaccard, near_duplicates

pytest.importorskip("rensa")

WORDS = np.array([f"w{i}" for i in range(3000)])


def families(rng: np.random.Generator, count: int, *, words: int = 60, copies: int = 3, changed: int = 4) -> list[str]:
    """Texts of which some are copies with changed words."""
    made: list[str] = []
    for _ in range(count):
        text = list(rng.choice(WORDS, words))
        for _ in range(int(rng.integers(1, copies + 1))):
            again = list(text)
            for at in rng.integers(0, words, int(rng.integers(0, changed))):
                again[at] = str(rng.choice(WORDS))
            made.append(" ".join(again))
    return [made[i] for i in rng.permutation(len(made))]


def words_by_hand(text: str, size: int) -> set[tuple[str, ...]]:
    words = text.casefold().split()
    return {tuple(words[i : i + size]) for i in range(max(1, len(words) - size + 1))}


def jaccard_by_hand(one: str, other: str, size: int = 5) -> float:
    a, b = words_by_hand(one, size), words_by_hand(other, size)
    return len(a & b) / len(a | b)


def test_shingles_give_the_jaccard_similarity_of_sets() -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS[:12], int(size))) for size in rng.integers(1, 40, 40)]
    for size in (1, 2, 5):
        shingles = Shingles("words", size)
        together, begin = shingles.of_many(texts)
        for at, text in enumerate(texts):
            own = shingles.of(text)
            assert own.tolist() == sorted(set(own.tolist())) == together[begin[at] : begin[at + 1]].tolist()
            assert len(own) == len(words_by_hand(text, size))
            assert jaccard(own, shingles.of(texts[0])) == pytest.approx(jaccard_by_hand(text, texts[0], size))
    letters = Shingles("characters", 3)
    assert len(letters.of("abcabcab")) == 3
    assert letters.of("ab  c\nd").tolist() == letters.of("ab c d").tolist()
    assert letters.of("ab").tolist() != letters.of("ba").tolist()
    assert Shingles().of("A word, or two!").tolist() == Shingles().of("a WORD or two").tolist()
    assert len(Shingles().of(" ?! ")) == 0


def test_exact_pairs_are_all_pairs() -> None:
    texts = families(np.random.default_rng(0), 60)
    for at_least in (0.3, 0.7, 1.0):
        expected = [
            [i, j]
            for i in range(len(texts))
            for j in range(i + 1, len(texts))
            if jaccard_by_hand(texts[i], texts[j]) >= at_least
        ]
        found = exact_pairs(Texts.of(texts), range(len(texts)), Shingles(), at_least)
        assert found.tolist() == expected


def test_what_is_found_is_exact_and_nearly_all() -> None:
    texts = families(np.random.default_rng(1), 150)
    found = near_duplicates(Texts.of(texts), at_least=0.7)
    true = {tuple(pair) for pair in exact_pairs(Texts.of(texts), range(len(texts)), Shingles(), 0.7).tolist()}
    mine = {tuple(pair) for pair in found.pairs.tolist()}
    for (one, other), similarity in zip(found.pairs, found.similarity, strict=True):
        assert similarity == pytest.approx(jaccard_by_hand(texts[one], texts[other]))
        assert similarity >= 0.7
    twins = {pair for pair in true if texts[pair[0]] == texts[pair[1]]}
    assert mine <= true
    assert len(mine) > 0.9 * len(true - twins)
    # All documents are checked here, so the recall is the true one, of documents with different shingles.
    distinct = [at for at in range(len(texts)) if texts.index(texts[at]) == at]
    apart = [pair for pair in true if pair[0] in distinct and pair[1] in distinct]
    assert found.recall.value == pytest.approx(len([pair for pair in apart if pair in mine]) / len(apart))
    assert found.recall.low < found.recall.value <= found.recall.high


def test_groups_and_copies() -> None:
    rng = np.random.default_rng(2)
    text, other = " ".join(rng.choice(WORDS, 50)), " ".join(rng.choice(WORDS, 50))
    texts = [other, text, text + " end", "?!", "start " + text, text.upper(), "..."]
    found = near_duplicates(Texts.of(texts))
    assert found.group.tolist() == [0, 1, 1, 3, 1, 1, 6]
    assert found.copies.tolist() == [1, 4, 4, 1, 4, 4, 1]
    assert "in 1 groups" in found.sentence()
    again = near_duplicates(Texts.of(texts))
    assert again.pairs.tolist() == found.pairs.tolist()


def test_many_copies_do_not_take_the_square_of_their_number() -> None:
    rng = np.random.default_rng(3)
    text = " ".join(rng.choice(WORDS, 100))
    found = near_duplicates(Texts.of([text + f" {i}" for i in range(600)]), check=0)
    assert len(found.pairs) < 600 * 600 / 8
    assert found.copies.tolist() == [600] * 600


def test_the_interval_of_the_recall_holds_the_true_recall(monkeypatch: pytest.MonkeyPatch) -> None:
    """With few bands many pairs are missed; the true share is that of all pairs of many corpora together."""
    monkeypatch.setattr(sys.modules["byrote.lm.minhash"], "_bands", lambda at_least: (6, 8))
    found = [near_duplicates(Texts.of(families(np.random.default_rng(i), 50)), at_least=0.6, seed=i) for i in range(60)]
    hits = sum(each.recall.value * each.recall.n for each in found)
    truth = hits / sum(each.recall.n for each in found)
    assert 0.4 < truth < 0.9
    inside = np.mean([each.recall.low <= truth <= each.recall.high for each in found])
    assert inside > 0.8


def test_without_near_duplicates_the_recall_is_not_known() -> None:
    rng = np.random.default_rng(4)
    found = near_duplicates(Texts.of([" ".join(rng.choice(WORDS, 50)) for _ in range(50)]))
    assert np.isnan(found.recall.value)
    assert "is not known" in found.sentence()
    with pytest.raises(InvalidData, match=r"at_least=1.2"):
        near_duplicates(Texts.of(["x"]), at_least=1.2)
    with pytest.raises(InvalidData, match="'words' or 'characters'"):
        Shingles("letters")  # pyright: ignore[reportArgumentType]
    empty = near_duplicates(Texts.of([]))
    assert len(empty.group) == 0
