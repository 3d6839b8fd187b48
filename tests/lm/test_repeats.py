"""Repeats against every pair of windows, and against the neighbours of a suffix array."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.lm.corpus import Texts
from byrote.lm.encoder import Bytes
from byrote.lm.index import build_index
from byrote.lm.repeats import covered, find_repeats, maximal_repeats, passage_copies, share_in_repeats, spans
from byrote.lm.shards import Shard, shards
from byrote.lm.windows import passages


def laid(texts: list[str], shard_bytes: int = 1 << 20) -> list[Shard]:
    return [shard for shard, _ in shards(Texts.of(texts), shard_bytes=shard_bytes)]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    rng = np.random.default_rng(0)
    made = ["".join(rng.choice(list("abcdefé "), size)) for size in rng.integers(5, 400, 30)]
    made[4] += made[7][10:60] + "tail"
    made[9] = made[20][:100] + "x" + made[20][100:]
    made[11] = "-" * 60
    return [*made, made[2], made[7][30:70], made[7][5:90]]


def by_hand(texts: list[str], size: int) -> list[np.ndarray]:
    """Which bytes of each text are in a window that stands more than once."""
    windows = Counter(data[i : i + size] for data in map(str.encode, texts) for i in range(len(data) - size + 1))
    found: list[np.ndarray] = []
    for data in map(str.encode, texts):
        marked = np.zeros(len(data), np.bool_)
        for i in range(len(data) - size + 1):
            if windows[data[i : i + size]] > 1:
                marked[i : i + size] = True
        found.append(marked)
    return found


def per_document(parts: list[Shard], marked: list[np.ndarray]) -> list[np.ndarray]:
    return [
        mask[low : high - 1]
        for shard, mask in zip(parts, marked, strict=True)
        for low, high in zip(shard.begin[:-1], shard.begin[1:], strict=True)
    ]


@pytest.mark.parametrize("size", [8, 12, 20, 33])
@pytest.mark.parametrize(("shard_bytes", "memory"), [(1 << 20, 1 << 29), (700, 1 << 29), (700, 40_000)])
def test_marked_bytes_are_those_of_windows_that_stand_twice(
    texts: list[str], size: int, shard_bytes: int, memory: int
) -> None:
    parts = laid(texts, shard_bytes)
    found = find_repeats(parts, size, memory=memory)
    expected = by_hand(texts, size)
    for mine, hand in zip(per_document(parts, found.marked(parts)), expected, strict=True):
        assert mine.tolist() == hand.tolist()
    share = share_in_repeats(parts, size, memory=memory)
    assert share.value == pytest.approx(np.concatenate(expected).mean())
    assert share.low <= share.value <= share.high


def test_copies_and_first_places(texts: list[str]) -> None:
    parts = laid(texts, 700)
    found = find_repeats(parts, 10)
    whole = b"".join(part.text[: part.begin[-1]].tobytes() for part in parts)
    windows = [whole[place : place + 10] for place in found.place]
    counts = Counter(whole[i : i + 10] for i in range(len(whole) - 9))
    assert found.copies.tolist() == [counts[window] for window in windows]
    assert found.first.tolist() == [whole.find(window) for window in windows]
    assert not any(b"\xff" in window for window in windows)


def test_windows_are_compared_and_not_only_hashed(texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def all_alike(text: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        windows = max(0, len(text) - size + 1)
        inside = np.array([0xFF not in text[i : i + size] for i in range(windows)], np.bool_)
        return np.zeros(windows, np.uint64), inside

    monkeypatch.setattr("byrote.lm.repeats.window_hashes", all_alike)
    assert len(find_repeats(laid(["abcdefghij", "klmnopqrst"]), 8).place) == 0


def test_later_copies_leave_the_first(texts: list[str]) -> None:
    parts = laid(["0123456789abc", "x0123456789", "-" * 30])
    found = find_repeats(parts, 10)
    later = per_document(parts, found.marked(parts, later=True))
    assert [int(mask.sum()) for mask in later] == [0, 10, 20]


def test_maximal_repeats(texts: list[str]) -> None:
    found = maximal_repeats(laid(texts, 700), 12)
    joined = "\0".join(texts)

    def count(pattern: str) -> int:
        return sum(joined.startswith(pattern, i) for i in range(len(joined)))

    assert [len(each.text.encode()) for each in found] == sorted(
        (len(each.text.encode()) for each in found), reverse=True
    )
    for each in found:
        assert each.copies == count(each.text) > 1
        for letter in sorted(set(joined)):
            assert count(letter + each.text) < each.copies or letter == "\0"
            assert count(each.text + letter) < each.copies or letter == "\0"
    # Every repeated window lies in one of them.
    windows = Counter(joined[i : i + 12] for i in range(len(joined) - 11) if "\0" not in joined[i : i + 12])
    repeated = [window for window, copies in windows.items() if copies > 1 and window.isascii()]
    assert repeated
    assert all(any(window in each.text for each in found) for window in repeated)
    assert maximal_repeats(laid(["nothing here", "is said twice"]), 12) == []
    assert len(maximal_repeats(laid(texts), 12, limit=2)) == 2


def test_the_interval_holds_the_share_of_corpora_of_the_same_kind() -> None:
    rng = np.random.default_rng(0)
    refrain = "this line is said again and again"

    def corpus(size: int) -> list[str]:
        made: list[str] = []
        for _ in range(size):
            made.append("".join(rng.choice(list("abcdefghij"), 60)) + (refrain if rng.random() < 0.3 else ""))
        return made

    truth = share_in_repeats(laid(corpus(4000)), 30).value
    inside = 0
    for _ in range(200):
        found = share_in_repeats(laid(corpus(60)), 30)
        inside += found.low <= truth <= found.high
    assert 0.82 < inside / 200 < 0.97


def test_small_functions() -> None:
    marked = covered(np.array([1, 2, 6]), 3, 10)
    assert marked.astype(int).tolist() == [0, 1, 1, 1, 1, 0, 1, 1, 1, 0]
    assert spans(marked).tolist() == [[1, 5], [6, 9]]
    assert np.isnan(share_in_repeats(laid(["one text"]), 8).low)
    assert np.isnan(share_in_repeats(laid([""]), 8).value)
    with pytest.raises(InvalidData, match="8 or more"):
        find_repeats(laid(["x"]), 7)


def test_copies_of_passages(tmp_path: Path) -> None:
    pytest.importorskip("pydivsufsort")
    texts = ["0123456789abcdefghij", "0123456789klmnopqrst", "XXX789klmnoéüéüéü"]
    corpus = Texts.of(texts)
    index = build_index(corpus, tmp_path / "i")
    windows = passages(corpus, Bytes(), prefix=5, suffix=5)
    assert windows.ids == ("0:0", "0:10", "1:0", "1:10", "2:0", "2:10")
    assert passage_copies(index, windows, Bytes()).tolist() == [2, 1, 2, 1, 2, 3], (
        "half a letter at the end is left out"
    )
    assert passage_copies(index, windows, Bytes(), whole=True).tolist() == [2, 1, 2, 1, 1, 1]
