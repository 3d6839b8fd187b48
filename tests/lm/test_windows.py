"""Passages: windows of documents, every one as likely as any other, however large the corpus is."""

import importlib

import numpy as np
import pytest
from scipy import stats

from byrote.errors import InvalidData
from byrote.lm.corpus import Document, Texts
from byrote.lm.encoder import Bytes, Characters
from byrote.lm.windows import Passages, passages

room = importlib.import_module("byrote.lm.windows")


def corpus_of(sizes: list[int]) -> Texts:
    rng = np.random.default_rng(0)
    return Texts.of(["".join(rng.choice(list("abcdé"), size)) for size in sizes])


class Halves:
    """Two characters are one token, so a document has fewer windows than its bytes allow."""

    name, size, begin = "halves", 1 << 20, None

    def encode(self, text: str) -> np.ndarray:
        return np.array([hash(text[i : i + 2]) % self.size for i in range(0, len(text), 2)], np.int64)

    def decode(self, tokens: np.ndarray) -> str:
        return ""


class Counted:
    """A corpus that counts how often a document is read."""

    def __init__(self, inner: Texts) -> None:
        self.inner, self.read, self.name = inner, 0, inner.name
        self.sizes = np.array([len(each.text.encode()) for each in inner])

    def __len__(self) -> int:
        return len(self.inner)

    def __getitem__(self, at: int) -> Document:
        self.read += 1
        return self.inner[at]

    def __iter__(self):
        return (self[at] for at in range(len(self)))


def every_window(texts: Texts, size: int) -> list[tuple[int, int]]:
    return [(at, start) for at, each in enumerate(texts) for start in range(0, len(each.text) - size + 1, size)]


def windows(found: Passages) -> list[tuple[int, int]]:
    return list(zip(found.document.tolist(), found.start.tolist(), strict=True))


def test_all_windows_of_a_small_corpus() -> None:
    texts = corpus_of([25, 3, 10, 9, 40])
    encoder = Characters.of(each.text for each in texts)
    found = passages(texts, encoder, prefix=4, suffix=6)
    assert windows(found) == every_window(texts, 10)
    for tokens, (at, start), name in zip(found.tokens, windows(found), found.ids, strict=True):
        assert encoder.decode(tokens) == texts[at].text[start : start + 10]
        assert name == f"{at}:{start}"
    assert windows(passages(texts, encoder, prefix=4, suffix=6, only=[4, 2])) == [(2, 0)] + [
        (4, 10 * i) for i in range(4)
    ]


@pytest.mark.parametrize("large", [False, True])
def test_every_window_is_as_likely_as_any_other(large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = room._of_all
    read_whole: list[int] = []
    monkeypatch.setattr(room, "ENOUGH", 0 if large else 1000)
    monkeypatch.setattr(room, "_of_all", lambda *given: read_whole.append(1) or whole(*given))
    sizes, draws, limit = [400, 30, 45, 10, 220, 5, 90, 60, 75, 20, 110, 25], 400, 4
    texts = corpus_of(sizes)
    counts = dict.fromkeys(
        [(at, start) for at, size in enumerate(sizes) for start in range(0, -(-size // 2) - 9, 10)], 0
    )
    for seed in range(draws):
        found = windows(passages(texts, Halves(), prefix=4, suffix=6, limit=limit, seed=seed))
        assert len(set(found)) == limit
        assert found == sorted(found)
        for each in found:
            counts[each] += 1
    assert len(read_whole) < 0.2 * draws if large else len(read_whole) == draws
    # Draws without repetition vary less than independent ones, by this factor.
    expected = draws * limit / len(counts)
    statistic = sum((count - expected) ** 2 / expected for count in counts.values()) / (1 - limit / len(counts))
    assert 0.001 < stats.chi2.sf(statistic, len(counts) - 1) < 0.999


def test_a_large_corpus_is_not_read_as_a_whole() -> None:
    corpus = Counted(corpus_of([100] * 5000))
    found = passages(corpus, Bytes(), prefix=5, suffix=5, limit=50)
    assert len(found) == 50
    assert corpus.read < 500
    again = passages(Counted(corpus.inner), Bytes(), prefix=5, suffix=5, limit=50)
    assert again.ids == found.ids
    assert passages(corpus, Bytes(), prefix=5, suffix=5, limit=50, seed=1).ids != found.ids


def test_what_seemed_large_and_has_few_windows_is_read_as_a_whole() -> None:
    corpus = Counted(
        corpus_of([19] * 5000 + [200])
    )  # 19 characters have up to 23 bytes, and 10 tokens of two characters
    corpus.sizes = corpus.sizes * 0 + 10_000
    found = passages(corpus, Bytes(), prefix=20, suffix=30, limit=50)
    assert set(found.document.tolist()) == {5000}


def test_an_encoder_with_more_tokens_than_bytes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ENOUGH", 0)
    texts = corpus_of([50] * 30)
    long = type("Long", (Halves,), {"encode": lambda self, text: np.arange(4 * len(text))})()
    expected = {
        at for seed in range(60) for at in passages(texts, long, prefix=5, suffix=5, limit=9, seed=seed).start.tolist()
    }
    assert max(expected) == 190, "windows behind the last byte are drawn too"


def test_no_document_is_long_enough() -> None:
    with pytest.raises(InvalidData, match="No document of 'corpus' has 100 tokens; the longest has 3"):
        passages(Texts.of(["abc", "a"]), Bytes())
    with pytest.raises(InvalidData, match="whole numbers above 0"):
        passages(Texts.of(["abc"]), Bytes(), prefix=0)
