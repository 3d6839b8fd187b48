"""Kinds of extracted text on planted cases."""

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.lm import Bytes, Passages
from byrote.lm.predictable import NGrams
from byrote.lm.recitation import kinds
from small_lm import some

ENCODER = Bytes()
RARE = ["Quartz jackdaws vex my big sphinx of gold", "Zephyr wolds mock tunny, fjord and pub axe"]
OTHER = "and it came to pass in those days that the people went up to the city. " * 3


def texts(*given: str, prefix: int = 20) -> Passages:
    return some(np.stack([ENCODER.encode(text[:40].ljust(40, "~")) for text in given]), prefix)


PLANTED = texts(
    RARE[0], RARE[0], "n 1; n 2; n 3; n 4; n 5; n 6; n 7; n 8; n 9", "abcdefghijklmnopqr, abcdefghijklmnopqr, ", OTHER, RARE[1]
)  # fmt: skip


def test_planted_cases_are_told_apart() -> None:
    ngrams = NGrams.of([ENCODER.encode(OTHER)])
    found = kinds(PLANTED, ENCODER, np.array([40, 1, 1, 1, 1, 2]), ngrams=ngrams)
    assert found.kind == ("recite", "recollect", "reconstruct", "reconstruct", "reconstruct", "recollect")
    assert found.counted[2] == 1
    assert found.in_context[3] > 0.8
    assert found.ngram[4] == 1
    assert max(found.predictable[1], found.predictable[5]) < 0.5
    assert found.copies.tolist() == [40, 1, 1, 1, 1, 2]
    assert np.isnan(found.reference).all()


def test_evidence_decides_and_thresholds_are_borders() -> None:
    copies = np.array([5, 6, 1, 1, 1, 1])
    bare = kinds(PLANTED, ENCODER, copies)
    assert bare.kind[:2] == ("recollect", "recite"), "more than five copies"
    assert bare.kind[4] == "recollect", "without n-grams nothing explains common text"
    assert np.isnan(bare.ngram).all()
    reference = np.zeros((6, 20), bool)
    reference[5, :16] = True
    assert kinds(PLANTED, ENCODER, copies, reference=reference).kind[5] == "reconstruct"
    reference[5, 15] = False
    other = kinds(PLANTED, ENCODER, copies, reference=reference)
    assert (other.kind[5], other.reference[5]) == ("recollect", 0.75)
    assert kinds(PLANTED, ENCODER, copies, duplicated=4).kind[0] == "recite"


def test_random_text_is_rarely_predictable() -> None:
    rng = np.random.default_rng(0)
    noise = some(rng.integers(97, 123, (300, 60)), 30)
    found = kinds(noise, ENCODER, np.ones(300, int), ngrams=NGrams.of([rng.integers(97, 123, 5000)]))
    assert set(found.kind) == {"recollect"}
    assert found.predictable.mean() < 0.1


def test_arrays_of_another_length_are_refused() -> None:
    with pytest.raises(
        InvalidData, match=r"There are 6 passages with suffixes of 20 tokens, 2 numbers of copies\. Give"
    ):
        kinds(PLANTED, ENCODER, np.ones(2, int))
    with pytest.raises(InvalidData, match=r"verdicts of the shape \(6, 3\)"):
        kinds(PLANTED, ENCODER, np.ones(6, int), reference=np.ones((6, 3), bool))
    nothing = some(np.zeros((0, 40), int), 20)
    assert kinds(nothing, ENCODER, np.zeros(0, int)).kind == ()
