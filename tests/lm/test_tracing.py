"""Trace: spans against a search by hand; what is usual in control text is exceeded as seldom as it says."""

from pathlib import Path

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.lm.corpus import Texts
from byrote.lm.index import Index, build_index
from byrote.lm.tracing import cover, longest_characters, trace, usual_longest

pytest.importorskip("pydivsufsort")

KNOWN = "Grüße an alle, die hier lesen, und Größeres wird folgen"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    texts = [KNOWN, "ein anderer Text über andere Dinge", "Grüße an alle, die dort wohnen"]
    return build_index(Texts.of(texts, ids=["a", "b", "c"]), tmp_path_factory.mktemp("trace") / "i")


def test_spans_with_places_and_copies(index: Index) -> None:
    text = "xx " + KNOWN[:30] + "XX anderer Text YY, Grüße an alle, die ZZ"
    found = trace(text, index, at_least=10)
    assert [span.text for span in found.spans] == [KNOWN[:30], "Grüße an alle, die ", " anderer Text "]
    assert [span.copies for span in found.spans] == [1, 2, 1]
    assert [[place.id for place in span.places] for span in found.spans] == [["a"], ["a", "c"], ["b"]]
    assert found.spans[2].places[0].byte == 3
    assert all(text[span.start : span.end] == span.text for span in found.spans)
    assert found.share == pytest.approx((30 + 19 + 14) / len(text))
    assert found.beyond_usual == found.spans, "nothing is usual without control text"
    assert "3 stretches of 10 characters or more" in found.sentences()[0]
    assert "not known" in found.sentences()[1]
    assert [row["characters"] for row in found.rows()] == [30, 19, 14]
    nothing = trace("qqq", index)
    assert "No stretch of 50 characters" in nothing.sentences()[0]
    assert nothing.share == 0
    assert np.isnan(trace("", index).share)


def test_a_match_ends_between_characters(index: Index) -> None:
    # The first byte of ö is that of ü: the match of bytes is longer by half a character.
    assert longest_characters("Größe", index)[0] == 5
    assert longest_characters("Grö aber", index)[0] == 3
    assert longest_characters("Grôße", index)[0] == 2
    assert index.longest("Grôße")[0] == 3


def by_hand(longest: np.ndarray, at_least: int) -> list[tuple[int, int]]:
    """The longest run of free characters within a match, again and again; the first of several."""
    free, found = np.ones(len(longest), np.bool_), list[tuple[int, int]]()
    while True:
        best = (0, 0, 0)
        for start, size in enumerate(longest):
            for low in range(start, start + size):
                high = low
                while high < start + size and free[high]:
                    high += 1
                best = max(best, (high - low, -low, high))
        if best[0] < at_least:
            return found
        found.append((-best[1], best[2]))
        free[-best[1] : best[2]] = False


def test_the_cover_takes_the_longest_first() -> None:
    rng = np.random.default_rng(0)
    for _ in range(150):
        size = int(rng.integers(1, 25))
        stop = np.maximum.accumulate(np.minimum(np.arange(size) + rng.integers(0, 9, size), size))
        longest = np.maximum(stop - np.arange(size), 0)
        for at_least in (1, 2, 4):
            assert cover(longest, at_least) == by_hand(longest, at_least)


@pytest.mark.parametrize("length", [40, 240])
def test_what_is_usual_is_exceeded_by_one_text_in_twenty(length: int, tmp_path: Path) -> None:
    """Control text of the same kind, cut to the length of the text or put together to it."""
    rng = np.random.default_rng(0)

    def texts(count: int, size: int) -> Texts:
        return Texts.of(["".join(rng.choice(list("abcd"), size)) for _ in range(count)])

    index = build_index(texts(200, 300), tmp_path / "i")
    usual = usual_longest(index, texts(300, 60 if length > 60 else 200), length)
    assert usual.low <= usual.value <= usual.high
    fresh = texts(400, length)
    over = np.mean([longest_characters(each.text, index).max() > usual.value for each in fresh])
    # Lengths are whole numbers, so the share above the .95 quantile is 5 % or less.
    assert over < 0.08
    below = np.mean([longest_characters(each.text, index).max() >= usual.value for each in fresh])
    assert below > 0.03


def test_common_phrases_are_usual_and_recited_text_is_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    phrase = "as it was said in the beginning of this book"

    def document() -> str:
        words = "".join(rng.choice(list("abcdefgh "), 120))
        return words[:60] + phrase + words[60:] if rng.random() < 0.5 else words

    corpus = Texts.of([document() for _ in range(100)])
    index = build_index(corpus, tmp_path / "i")
    control = Texts.of([document() for _ in range(100)], name="control")
    secret = "".join(rng.choice(list("abcdefgh "), 70))
    recited = corpus[3].text[:60]
    found = trace(f"{secret}{phrase}. {recited}.", index, at_least=20, control=control)
    assert [(span.text.strip() == phrase.strip() or phrase in span.text, span.usual) for span in found.spans] == [
        (False, False),
        (True, True),
    ]
    assert [span.text[:50] for span in found.beyond_usual] == [recited[:50]]
    assert "1 of the stretches is longer" in found.sentences()[1]


def test_refusals(index: Index) -> None:
    with pytest.raises(InvalidData, match="at_least=0"):
        trace("x", index, at_least=0)
    with pytest.raises(InvalidData, match="The control 'corpus' has no text"):
        trace("x", index, control=Texts.of([""]))
    few = trace("ein Text", index, at_least=3, control=Texts.of(["etwas anderes", "noch etwas"]))
    assert np.isnan(few.usual.low)
    assert few.usual.value > 0
