"""One copy is kept: what is left has none, everything that was taken out stands where it says, and nothing else is gone."""

import numpy as np
import pytest

from byrote.lm.corpus import Texts
from byrote.lm.deduplication import Deduplicated, deduplicate
from byrote.lm.repeats import share_in_repeats
from byrote.lm.shards import shards


@pytest.fixture(scope="module")
def texts() -> list[str]:
    rng = np.random.default_rng(0)
    made = ["".join(rng.choice(list("abcdefghé日 "), size)) for size in rng.integers(30, 200, 25)]
    made[6] = made[3][5:80] + "X" + made[1][:50] + "Y"
    made[9] = made[3]
    made[12] = "é" * 50
    made[14] = made[3][:60]
    return [*made, made[0], made[6][20:60] + made[2][:70]]


@pytest.fixture(scope="module")
def found(texts: list[str]) -> Deduplicated:
    return deduplicate(Texts.of(texts), repeats=20)


def test_same_texts(texts: list[str]) -> None:
    found = deduplicate(Texts.of(texts))
    assert [(each.id, each.kind, each.kept) for each in found.removals] == [
        ("9", "same text", "3"),
        ("25", "same text", "0"),
    ]
    assert [each.id for each in found] == [str(at) for at in range(27) if at not in (9, 25)]
    assert [each.text for each in found] == [texts[at] for at in range(27) if at not in (9, 25)]
    assert "25 of 27 documents are kept" in found.sentences()[0]
    assert len(found.sentences()) == 1


def test_after_cutting_repeats_there_are_none(texts: list[str], found: Deduplicated) -> None:
    again = [document.text for document in found]
    parts = [shard for shard, _ in shards(Texts.of(again))]
    # A window that was made by joining what was left may stand elsewhere only by chance.
    assert share_in_repeats(parts, 20).value == 0
    assert not found.keep[14], "nothing is left of it"
    assert len(again[6]) < len(texts[6])


def test_every_removal_stands_where_it_says(texts: list[str], found: Deduplicated) -> None:
    cut = [each for each in found.removals if each.kind == "repeat"]
    assert cut
    for each in cut:
        data, kept = texts[int(each.id)].encode(), texts[int(each.kept)].encode()
        assert each.start is not None
        assert each.end is not None
        assert each.kept_start is not None
        piece = data[each.start : each.end]
        assert piece.decode(), "whole characters"
        assert kept[each.kept_start :].startswith(piece)
        assert (int(each.kept), each.kept_start) < (int(each.id), each.start)
    for at in np.flatnonzero(found.keep):
        rows = [each for each in cut if each.id == str(at)]
        lost = sum((each.end or 0) - (each.start or 0) for each in rows)
        assert len(found.text(int(at), texts[at]).encode()) == len(texts[at].encode()) - lost


def test_a_row_of_the_same_letter_keeps_its_beginning() -> None:
    found = deduplicate(Texts.of(["-" * 100, "x" + "-" * 30 + "y"]), repeats=20)
    assert [each.text for each in found] == ["-" * 20, "xy"]


def test_near_duplicates_are_kept_once() -> None:
    pytest.importorskip("rensa")
    rng = np.random.default_rng(1)
    words = [str(word) for word in rng.integers(0, 5000, 200)]
    text = " ".join(words)
    made = ["first", text, " ".join([*words[:100], "changed", *words[101:]]), text, " ".join(words[:110])]
    found = deduplicate(Texts.of(made), near=0.9)
    assert [(each.id, each.kind, each.kept) for each in found.removals] == [
        ("3", "same text", "1"),
        ("2", "near-duplicate", "1"),
    ]
    assert found.removals[1].similarity == pytest.approx(191 / 201)
    assert found.keep.tolist() == [True, True, False, False, True]
    assert "share 0.9 or more, 1.000" in found.sentences()[-1]
    alone = deduplicate(Texts.of(["one text", "and another text"]), near=0.9)
    assert "not known" in alone.sentences()[-1]
