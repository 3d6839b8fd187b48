"""Index of a corpus: every place where a text occurs, exactly, from files that are mapped and not loaded."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
from filelock import FileLock
from jaxtyping import Int
from numpy import ndarray

from byrote.errors import InvalidData, WrongRecord
from byrote.lm.corpus import Corpus
from byrote.lm.shards import SHARD_BYTES, Reading, Shard, corpus_key, shards
from byrote.lm.suffixes import CAP, Suffixes, pair_starts, sort_suffixes

FORMAT = 1

Stage = Callable[[str, int, int], None]
"""Is told the stage, how much of it is done, and how much there is."""

COLUMNS = pa.schema([("id", pa.large_string()), ("source", pa.int32()), ("start", pa.int64())])
SOURCES = pa.schema([("source", pa.large_string())])


def no_progress(stage: str, done: int, of: int) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class Place:
    """Where a text occurs: the document, by position and id, the byte of its text, and the file with the byte there.

    `source_byte` is exact for plain text; in JSON it is the beginning of the line, and in tables 0.
    """

    document: int
    id: str
    byte: int
    source: str
    source_byte: int


@dataclass(frozen=True, eq=False)
class Index:
    """An index that was opened: how often a text occurs in a corpus, where, and how much of another text does.

    Texts are compared as bytes of UTF-8, as they are: capital letters, spaces and accents count. Nothing crosses the end of a
    document, and occurrences may overlap. `key` is over the content of the corpus.
    """

    directory: Path
    name: str
    key: str
    text_bytes: int
    shards: tuple[Shard, ...]
    suffixes: tuple[Suffixes, ...]
    documents: pa.Table
    sources: pa.Table

    def __len__(self) -> int:
        """Return the number of documents."""
        return self.documents.num_rows

    def disk_bytes(self) -> int:
        """Return how many bytes the files of the index have."""
        return sum(path.stat().st_size for path in self.directory.iterdir())

    def count(self, text: str) -> int:
        """Return how often a text occurs. Raises InvalidData for an empty text, which occurs everywhere."""
        pattern = _pattern(text)
        return sum(end - first for first, end in (each.range_of(pattern) for each in self.suffixes))

    def counts(self, texts: Sequence[str]) -> Int[ndarray, " text"]:
        """Return how often each text occurs; the same text is looked for once."""
        known = {text: self.count(text) for text in set(texts)}
        return np.array([known[text] for text in texts], np.int64)

    def occurrences(self, text: str, *, limit: int | None = None) -> Int[ndarray, "occurrence place"]:
        """Return document and byte in it of each occurrence, in the order of the corpus; with a limit, of the first ones."""
        pattern, found, left = _pattern(text), list[ndarray](), limit
        for shard, suffixes in zip(self.shards, self.suffixes, strict=True):
            first, end = suffixes.range_of(pattern)
            places = np.array(suffixes.places[first:end], np.int64)
            if left is not None and len(places) > left:
                places = np.partition(places, left)[:left] if left else places[:0]
            places.sort()
            document = shard.document(places)
            found.append(np.stack([document, places - shard.begin[document - shard.first]], axis=1))
            left = None if left is None else left - len(places)
        return np.concatenate([np.zeros((0, 2), np.int64), *found])

    def places(self, text: str, *, limit: int | None = 10) -> list[Place]:
        """Return where a text occurs first, in the order of the corpus; every place without a limit."""
        return [self.place(int(document), int(at)) for document, at in self.occurrences(text, limit=limit)]

    def place(self, document: int, byte: int) -> Place:
        """Return the place of a byte of a document."""
        source = self.sources["source"][self.documents["source"][document].as_py()].as_py()
        start = self.documents["start"][document].as_py()
        plain = source.removesuffix(".gz").endswith((".txt", ".text", ".md"))
        return Place(document, self.documents["id"][document].as_py(), byte, source, start + byte * plain)

    def text(self, document: int) -> str:
        """Return the text of a document."""
        shard = next(each for each in reversed(self.shards) if each.first <= document)
        return shard.bytes_of(document).tobytes().decode()

    def longest(self, text: str) -> Int[ndarray, " byte"]:
        """Return for each byte of a text how many bytes from there on occur in the corpus (matching statistics).

        The end of a match may be in the middle of a character that takes several bytes.
        """
        data = text.encode()
        query = np.frombuffer(data, np.uint8)
        found = np.zeros(len(query), np.int64)
        for each in self.suffixes:
            np.maximum(found, each.longest(query), out=found)
        self._follow(data, found)
        return found

    def longest_before(self, text: str) -> Int[ndarray, " byte"]:
        """Return for each byte of a text how many bytes that end with it occur in the corpus."""
        ends = np.arange(len(text.encode())) + 1
        stop = np.arange(len(ends)) + self.longest(text)  # never falls: what begins later ends as late
        return ends - np.searchsorted(stop, ends, "left")

    def _follow(self, data: bytes, found: Int[ndarray, " byte"]) -> None:
        """Continue matches that were counted up to CAP. They end at few different places: each end is looked for once."""
        capped = np.flatnonzero(found >= CAP)
        at = 0
        while at < len(capped):
            start = int(capped[at])
            size = self._extended(data, start, int(found[start]))
            # All starts whose match ends here too: the first of them that can be continued is found by halving.
            last = min(start + size - CAP, int(capped[-1]))
            low, high = start, last + 1
            while high - low > 1:
                middle = (low + high) // 2
                if self._occurs(data, middle, start + size + 1):
                    high = middle
                else:
                    low = middle
            found[start:high] = start + size - np.arange(start, high)
            at = int(np.searchsorted(capped, high))

    def _extended(self, data: bytes, start: int, known: int) -> int:
        """Return the longest match from a byte, of which `known` bytes are known to match."""
        step = CAP
        while start + known + step <= len(data) and self._occurs(data, start, start + known + step):
            known += step
            step *= 2
        low, high = known, min(known + step, len(data) - start + 1)
        while high - low > 1:
            middle = (low + high) // 2
            if self._occurs(data, start, start + middle):
                low = middle
            else:
                high = middle
        return low

    def _occurs(self, data: bytes, start: int, end: int) -> bool:
        if end > len(data):
            return False
        pattern = data[start:end]
        return any(first < last for first, last in (each.range_of(pattern) for each in self.suffixes))


def _pattern(text: str) -> bytes:
    if not text:
        raise InvalidData("An empty text occurs everywhere. Give a text with a character or more.")
    return text.encode(errors="surrogatepass")


def build_index(
    corpus: Corpus,
    directory: str | PathLike[str],
    *,
    shard_bytes: int = SHARD_BYTES,
    progress: Stage = no_progress,
) -> Index:
    """Index a corpus in a directory and open it; one that is there for the same corpus is opened, another one is replaced.

    It takes 5 bytes on disk per byte of text (the text, and 4 for its place in the order), and about 30 per document, and its
    id. While it is built, a shard takes about 6 bytes of memory per byte; afterwards little, for files are mapped. It is
    written beside the directory, to NAME.building, and renamed at the end: an index is whole or absent. Raises InvalidData for
    a corpus without text, WrongRecord where the directory holds something else, and ByroteError where pydivsufsort is not
    installed.
    """
    target = Path(directory)
    if target.exists() and not (target / "index.json").is_file() and (not target.is_dir() or any(target.iterdir())):
        raise WrongRecord(f"{target} is there and is no index. Give a directory that is new, or empty.")
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name}.building")
    with FileLock(f"{aside}.lock"):
        if (target / "index.json").is_file() and is_fresh(target, corpus):
            return open_index(target)
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        try:
            _write(corpus, aside, shard_bytes, progress)
            if target.exists():
                shutil.rmtree(target)
            aside.rename(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    Path(f"{aside}.lock").unlink(missing_ok=True)
    return open_index(target)


def _write(corpus: Corpus, folder: Path, shard_bytes: int, progress: Stage) -> None:
    about, reading, count, sources = list[dict[str, Any]](), Reading(), 0, dict[str, int]()
    with pa.OSFile(str(folder / "documents.arrow"), "wb") as sink, pyarrow.ipc.new_file(sink, COLUMNS) as table:
        progress("reading", 0, len(corpus))
        for number, (shard, documents) in enumerate(shards(corpus, shard_bytes=shard_bytes)):
            for document, at in zip(documents, range(shard.first, shard.first + len(documents)), strict=True):
                reading.saw(document, shard.bytes_of(at).tobytes())
            files = [sources.setdefault(each.source, len(sources)) for each in documents]
            columns = [[each.id for each in documents], files, [each.start for each in documents]]
            table.write_batch(pa.record_batch(columns, schema=COLUMNS))
            count += len(documents)
            progress("sorting", count, len(corpus))
            places = sort_suffixes(shard.text)
            progress("writing", count, len(corpus))
            shard.text.tofile(folder / f"{number:04}.text")
            shard.begin.tofile(folder / f"{number:04}.begin")
            places.astype("<i4", copy=False).tofile(folder / f"{number:04}.places")
            pair_starts(shard.text).tofile(folder / f"{number:04}.pairs")
            about.append({"first": shard.first, "bytes": len(shard.text), "places": len(places)})
            progress("reading", count, len(corpus))
    with pa.OSFile(str(folder / "sources.arrow"), "wb") as sink, pyarrow.ipc.new_file(sink, SOURCES) as table:
        table.write_batch(pa.record_batch([list(sources)], schema=SOURCES))
    if not count:
        raise InvalidData(f"The corpus {corpus.name!r} has no document. Give one with text.")
    text_bytes = sum(each["places"] for each in about)
    found = {
        "format": FORMAT, "name": corpus.name, "key": reading.key, "stamp": getattr(corpus, "stamp", ""), "documents": count,
        "bytes": text_bytes, "shards": about,
    }  # fmt: skip
    (folder / "index.json").write_text(json.dumps(found, indent=1))


def about_index(directory: str | PathLike[str]) -> dict[str, Any]:
    """Return what index.json says. Raises WrongRecord where there is none, or one of another format."""
    where = Path(directory)
    if not (where / "index.json").is_file():
        half = where.with_name(f"{where.name}.building").exists()
        raise WrongRecord(
            f"{where} is no index of a corpus{', and one was begun beside it and not finished' if half else ''}. Make it with build_index, or `byrote lm index`."
        )
    try:
        about = json.loads((where / "index.json").read_text())
        known = about["format"]
    except (ValueError, KeyError, TypeError):
        raise WrongRecord(f"{where / 'index.json'} is not that of an index. Make the index again.") from None
    if known != FORMAT:
        raise WrongRecord(
            f"{where} has the format {known} of an index, and this version reads {FORMAT}. Make it again."
        )
    return about


def is_fresh(directory: str | PathLike[str], corpus: Corpus) -> bool:
    """Return whether an index is that of this corpus as it is now.

    Files with the names, sizes and times of change that they had are taken as the same; otherwise all texts are read.
    """
    about = about_index(directory)
    stamp = getattr(corpus, "stamp", "")
    if stamp and stamp == about["stamp"]:
        return True
    return len(corpus) == about["documents"] and corpus_key(corpus) == about["key"]


def open_index(directory: str | PathLike[str], *, corpus: Corpus | None = None) -> Index:
    """Open an index; its files are mapped, so that this takes no time. With `corpus`, check that it is of that one.

    Raises WrongRecord where there is no index, where one of its files is missing or not as long as it has to be, and where the
    corpus has changed since.
    """
    where = Path(directory)
    about = about_index(where)
    if corpus is not None and not is_fresh(where, corpus):
        raise WrongRecord(
            f"The index {where} was made from another corpus than {corpus.name!r}, or that has changed since. Make it again with build_index, or `byrote lm index`."
        )
    all_shards, suffixes = list[Shard](), list[Suffixes]()
    documents, sources = _mapped_table(where / "documents.arrow"), _mapped_table(where / "sources.arrow")
    ends = [each["first"] for each in about["shards"][1:]] + [about["documents"]]
    for number, (each, end) in enumerate(zip(about["shards"], ends, strict=True)):
        base = where / f"{number:04}"
        text = _mapped(base, "text", "u1", each["bytes"])
        shard = Shard(text, np.array(_mapped(base, "begin", "<i8", end - each["first"] + 1)), each["first"])
        all_shards.append(shard)
        pairs = np.array(_mapped(base, "pairs", "<i8", (1 << 16) + 1))
        suffixes.append(Suffixes(text, _mapped(base, "places", "<i4", each["places"]), pairs))
    return Index(
        where, about["name"], about["key"], about["bytes"], tuple(all_shards), tuple(suffixes), documents, sources
    )


def _mapped_table(path: Path) -> pa.Table:
    try:
        return pyarrow.ipc.open_file(pa.memory_map(str(path))).read_all()
    except (pa.ArrowInvalid, FileNotFoundError):
        raise WrongRecord(f"{path} is missing or damaged. Make the index again.") from None


def _mapped(base: Path, kind: str, dtype: str, length: int) -> ndarray:
    path = Path(f"{base}.{kind}")
    size = path.stat().st_size if path.exists() else -1
    if size != length * np.dtype(dtype).itemsize:
        raise WrongRecord(
            f"{path} has {max(size, 0):,} bytes and should have {length * np.dtype(dtype).itemsize:,}. Make the index again."
        )
    # A text of no bytes cannot be mapped.
    mapped: ndarray = np.memmap(path, dtype, "r", shape=(length,)) if length else np.zeros(0, dtype)
    return mapped.view(ndarray)
