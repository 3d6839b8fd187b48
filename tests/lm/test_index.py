"""The index against `str.find` and counting by hand: every number exactly, over any cut into shards."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from byrote.errors import InvalidData, WrongRecord
from byrote.lm.corpus import Texts
from byrote.lm.index import Index, build_index, is_fresh, open_index
from byrote.lm.reading import read_corpus

pytest.importorskip("pydivsufsort")

ALPHABET = list("aab é日\n")


def random_text(rng: np.random.Generator, size: int, alphabet: list[str] = ALPHABET) -> str:
    return "".join(rng.choice(alphabet, size))


def occurrences(text: str, pattern: str) -> list[int]:
    """Bytes at which a pattern stands, found one by one; they may overlap."""
    data, wanted, found, at = text.encode(), pattern.encode(), list[int](), -1
    while (at := data.find(wanted, at + 1)) >= 0:
        found.append(at)
    return found


@pytest.fixture(scope="module")
def texts() -> list[str]:
    rng = np.random.default_rng(0)
    made = [random_text(rng, int(size)) for size in rng.integers(1, 300, 60)]
    return [*made, made[3], "a" * 400, made[5] + made[6]]


@pytest.fixture(scope="module", params=[1 << 20, 2000, 1])
def index(request: pytest.FixtureRequest, texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Index:
    return build_index(Texts.of(texts), tmp_path_factory.mktemp("index") / "i", shard_bytes=request.param)


def test_10_000_queries_against_find(index: Index, texts: list[str]) -> None:
    rng = np.random.default_rng(1)
    joined = "".join(texts)
    asked: list[str] = []
    for _ in range(10_000 // (3 if len(index.shards) > 1 else 1)):
        size = int(rng.integers(1, 12))
        at = int(rng.integers(0, len(joined) - size))  # some are across borders, and so in no document
        asked.append(joined[at : at + size] if rng.random() < 0.7 else random_text(rng, size, [*ALPHABET, "z", "ü"]))
    expected = {pattern: [len(occurrences(text, pattern)) for text in texts] for pattern in set(asked)}
    assert index.counts(asked).tolist() == [sum(expected[pattern]) for pattern in asked]
    for pattern in asked[:300]:
        by_hand = [
            [at, byte] for at, text in enumerate(texts) if expected[pattern][at] for byte in occurrences(text, pattern)
        ]
        assert index.occurrences(pattern).tolist() == by_hand
        assert index.occurrences(pattern, limit=3).tolist() == by_hand[:3]


def test_edges(index: Index, texts: list[str]) -> None:
    assert index.count("a" * 400) == 1
    assert index.count("a" * 398) == 3, "occurrences overlap"
    assert index.count("a" * 401) == 0
    assert index.count(texts[3]) == 2
    assert index.count(texts[0][-1] + texts[1][:1]) == sum(
        len(occurrences(t, texts[0][-1] + texts[1][:1])) for t in texts
    )
    assert len(index) == len(texts)
    assert [index.text(at) for at in range(len(texts))] == texts
    with pytest.raises(InvalidData, match="empty text"):
        index.count("")
    assert index.longest("").tolist() == []
    assert index.occurrences("zzz").shape == (0, 2)


def longest_by_hand(texts: list[str], query: str) -> list[int]:
    data, every = query.encode(), [text.encode() for text in texts]
    found: list[int] = []
    size = 0
    for start in range(len(data)):
        size = max(0, size - 1)  # what follows the first byte of a match is a match
        while start + size < len(data) and any(data[start : start + size + 1] in each for each in every):
            size += 1
        found.append(size)
    return found


def test_the_longest_match_at_every_byte(index: Index, texts: list[str]) -> None:
    rng = np.random.default_rng(2)
    long = texts[-1]
    queries = [
        random_text(rng, 200), "zzz", "a", "z" + "a" * 10, texts[4][20:60] + "z" + texts[9][:30], "a" * 420, long, "b" + long[:-1] + "zü",
        long[:200] + long[210:], texts[7] + texts[8], "é"[:1] + "日", "aü",
    ]  # fmt: skip
    for query in queries:
        expected = longest_by_hand(texts, query)
        assert index.longest(query).tolist() == expected
        ends = [0] * len(expected)
        for start, size in enumerate(expected):
            for end in range(start + 1, start + size + 1):
                ends[end - 1] = max(ends[end - 1], end - start)
        assert index.longest_before(query).tolist() == ends


def test_places_lead_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("erste Zeile: Grüße\nzweite Grüße, Grüße")
    (tmp_path / "d.jsonl").write_text('{"text": "keine"}\n{"text": "auch Grüße", "id": "mine"}\n')
    index = build_index(read_corpus([tmp_path / "c.txt", tmp_path / "d.jsonl"], split="lines"), tmp_path / "index")
    places = index.places("Grüße")
    data = (tmp_path / "c.txt").read_bytes()
    assert [place.id for place in places] == ["c.txt:1", "c.txt:2", "c.txt:2", "mine"]
    assert all(data[place.source_byte :].startswith("Grüße".encode()) for place in places[:3])
    assert places[3].source_byte == 18
    assert places[3].byte == 5
    assert places[3].source == str(tmp_path / "d.jsonl")


def test_an_index_beside_its_corpus_is_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("some text")
    build_index(read_corpus(tmp_path), tmp_path / "index")
    assert len(read_corpus(tmp_path)) == 1


def test_five_bytes_on_disk_per_byte_of_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    index = build_index(Texts.of([random_text(rng, 300_000, list("abcdefgh "))]), tmp_path / "i")
    pairs = 8 * ((1 << 16) + 1)
    assert 5 * index.text_bytes <= index.disk_bytes() - pairs < 5 * index.text_bytes + 3000


def test_an_index_is_kept_for_the_same_corpus_and_replaced_for_another(tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    path.write_text("one\ntwo")
    made = build_index(read_corpus(path), tmp_path / "i")
    before = (tmp_path / "i" / "index.json").stat().st_ino
    build_index(read_corpus(path), tmp_path / "i")
    assert (tmp_path / "i" / "index.json").stat().st_ino == before
    shutil.copy(path, tmp_path / "copy.txt")
    (tmp_path / "copy.txt").rename(path)  # the same content, another time
    assert is_fresh(tmp_path / "i", read_corpus(path))
    path.write_text("one\ntvo")
    assert not is_fresh(tmp_path / "i", read_corpus(path))
    with pytest.raises(WrongRecord, match="was made from another corpus than 'c', or that has changed"):
        open_index(tmp_path / "i", corpus=read_corpus(path))
    changed = build_index(read_corpus(path), tmp_path / "i")
    assert (changed.count("tvo"), changed.count("two")) == (1, 0)
    assert changed.key != made.key
    assert sorted(each.name for each in tmp_path.iterdir()) == ["c.txt", "i"]


@pytest.mark.parametrize("change", ["ids", "order", "borders", "texts"])
def test_the_key_is_over_all_of_the_corpus(change: str, tmp_path: Path) -> None:
    build_index(Texts.of(["ab", "c", "d"], ids=["x", "y", "z"]), tmp_path / "i")
    other = {
        "ids": Texts.of(["ab", "c", "d"], ids=["x", "y", "w"]),
        "order": Texts.of(["c", "ab", "d"], ids=["y", "x", "z"]),
        "borders": Texts.of(["a", "bc", "d"], ids=["x", "y", "z"]),
        "texts": Texts.of(["ab", "c", "e"], ids=["x", "y", "z"]),
    }
    assert not is_fresh(tmp_path / "i", other[change])
    assert is_fresh(tmp_path / "i", Texts.of(["ab", "c", "d"], ids=["x", "y", "z"]))


def test_half_an_index_is_refused_and_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Texts.of(["some text", "another"])
    (tmp_path / "i.building").mkdir()
    (tmp_path / "i.building" / "0000.text").write_text("half")
    with pytest.raises(WrongRecord, match="begun beside it and not finished"):
        open_index(tmp_path / "i")
    build_index(corpus, tmp_path / "i")
    for name in ("0000.places", "0000.text", "0000.begin", "0000.pairs", "documents.arrow", "sources.arrow"):
        whole = (tmp_path / "i" / name).read_bytes()
        (tmp_path / "i" / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(WrongRecord, match="Make the index again"):
            open_index(tmp_path / "i")
        (tmp_path / "i" / name).unlink()
        with pytest.raises(WrongRecord, match="Make the index again"):
            open_index(tmp_path / "i")
        (tmp_path / "i" / name).write_bytes(whole)
    assert open_index(tmp_path / "i").count("text") == 1
    about = json.loads((tmp_path / "i" / "index.json").read_text())
    (tmp_path / "i" / "index.json").write_text(json.dumps({**about, "format": 99}))
    with pytest.raises(WrongRecord, match="format 99"):
        open_index(tmp_path / "i")
    (tmp_path / "i" / "index.json").write_text("{")
    with pytest.raises(WrongRecord, match="not that of an index"):
        open_index(tmp_path / "i")


def test_a_build_that_fails_leaves_the_old_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_index(Texts.of(["old"]), tmp_path / "i")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("byrote.lm.index.sort_suffixes", fail)
    with pytest.raises(KeyboardInterrupt):
        build_index(Texts.of(["new"]), tmp_path / "i")
    assert open_index(tmp_path / "i").count("old") == 1
    assert not (tmp_path / "i.building").exists()


def test_other_refusals(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me")
    with pytest.raises(WrongRecord, match="is no index"):
        build_index(Texts.of(["x"]), tmp_path / "mine")
    with pytest.raises(InvalidData, match="has no document"):
        build_index(Texts.of([]), tmp_path / "i")
    with pytest.raises(InvalidData, match="A shard of 0 bytes"):
        build_index(Texts.of(["x"]), tmp_path / "i", shard_bytes=0)
    with pytest.raises(InvalidData, match="half of a character"):
        build_index(Texts.of(["\ud800"]), tmp_path / "i")
    assert not (tmp_path / "i").exists()
