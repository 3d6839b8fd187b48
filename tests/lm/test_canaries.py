"""Canaries: what is planted is what was asked for, the same again by the same seed, and comes back from a file."""

from pathlib import Path

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.lm import DIGITS, PHRASES, Canary, Family, Texts, check_absent, make_canaries, plant, read_canaries
from byrote.lm.canaries import write_canaries

CORPUS = Texts.of([f"Text {i}." for i in range(50)], name="texts")


def test_families_say_how_many_secrets_there_are() -> None:
    assert DIGITS.size == 10**6
    assert np.log2(PHRASES.size) == 56
    drawn = DIGITS.draw(20_000, np.random.default_rng(0))
    assert np.bincount(drawn.ravel(), minlength=10) == pytest.approx(12_000, rel=0.05)
    with pytest.raises(InvalidData, match="1 options, 1 of them different, and 3 places"):
        Family("one", "x ", ("a",), 3)


def test_as_many_of_each_kind_as_asked_for_the_same_by_the_same_seed() -> None:
    made = make_canaries(of_each=3, copies=(1, 4), null=5, coins=20, coin_copies=2, seed=7)
    assert made == make_canaries(of_each=3, copies=(1, 4), null=5, coins=20, coin_copies=2, seed=7)
    assert made != make_canaries(of_each=3, copies=(1, 4), null=5, coins=20, coin_copies=2, seed=8)
    for family in (DIGITS, PHRASES):
        own = [canary for canary in made if canary.family == family]
        fixed = [canary.copies for canary in own if not canary.flipped]
        assert sorted(fixed) == [0] * 5 + [1] * 3 + [4] * 3
        flips = [canary.copies for canary in own if canary.flipped]
        assert set(flips) == {0, 2}
        assert len({canary.before for canary in own}) == len(own) == 31
    assert len({canary.id for canary in made}) == len(made)
    assert make_canaries((DIGITS,), of_each=3, copies=(1, 4), null=5, coins=20, coin_copies=2, seed=7) == made[:31]


def test_coins_are_fair() -> None:
    flips = [
        c.copies > 0 for seed in range(20) for c in make_canaries((DIGITS,), of_each=0, null=0, coins=50, seed=seed)
    ]
    assert sum(flips) == pytest.approx(500, abs=50)


def test_planted_documents_are_in_the_corpus_and_the_others_stay_in_order() -> None:
    canaries = make_canaries(of_each=2, copies=(1, 3), null=4, seed=1)
    planted = plant(CORPUS, canaries, seed=2)
    documents = list(planted)
    assert len(planted) == len(documents) == 50 + 2 * (2 * 1 + 2 * 3)
    own = [document for document in documents if document.source == "canary"]
    assert {document.id for document in own} == {f"{c.id}/{i}" for c in canaries for i in range(c.copies)}
    texts = {canary.id: canary.text for canary in canaries}
    assert all(texts[document.id.rpartition("/")[0]] == document.text for document in own)
    assert [document for document in documents if document.source != "canary"] == list(CORPUS)
    assert planted[-1] == documents[-1]
    assert "16 canary documents" in planted.name
    places = [i for i, document in enumerate(documents) if document.source == "canary"]
    assert places != list(range(places[0], places[0] + 16)), "spread over the corpus"
    with pytest.raises(IndexError):
        planted[len(planted)]


def test_the_text_of_a_canary() -> None:
    canary = Canary("x", DIGITS, "The number of the old house is ", (4, 8, 2, 9, 1, 3), 1)
    assert canary.text == "The number of the old house is 482913."


def test_what_is_written_is_read(tmp_path: Path) -> None:
    canaries = make_canaries(coins=3, seed=5)
    path = write_canaries(canaries, tmp_path / "canaries.json")
    assert read_canaries(path) == canaries
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hello", "JSONDecodeError"),
        ('{"byrote canaries": 2}', "version 2"),
        ('{"families": []}', "KeyError"),
        (
            '{"byrote canaries": 1, "families": [{"name": "a", "template": "", "options": ["a", "b"], "places": 2}], '
            '"canaries": [{"id": "x", "family": 0, "before": "", "choice": [0, 9], "copies": 1}]}',
            "no secret of the family",
        ),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(text)
    with pytest.raises(InvalidData, match=why):
        read_canaries(path)
    with pytest.raises(InvalidData, match="FileNotFoundError"):
        read_canaries(tmp_path / "missing.json")


def test_what_cannot_be_planted_is_refused() -> None:
    with pytest.raises(InvalidData, match="copies from 1"):
        make_canaries(copies=(0, 1))
    with pytest.raises(InvalidData, match="too few different texts for 3 canaries"):
        make_canaries((Family("fixed", "The code is ", ("0", "1"), 8),), of_each=1, copies=(1, 2), null=1)
    canaries = make_canaries(seed=3)
    check_absent(canaries, CORPUS)
    with pytest.raises(InvalidData, match=r"canary/digits/0 begins with .* document '0'"):
        check_absent(canaries, Texts.of([f"I heard: {canaries[0].before}42."]))
