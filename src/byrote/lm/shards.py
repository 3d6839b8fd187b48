"""Shards: the documents of a corpus laid out one after another as bytes, in pieces that fit into memory."""

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, UInt8
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.lm.corpus import Corpus, Document

BORDER = 0xFF
"""The byte behind each document. It is in no UTF-8, so nothing that is searched for crosses the end of a document."""

SHARD_BYTES = 1 << 28
"""Bytes of text in a shard, unless one document has more: a shard takes about six times as much memory while it is indexed."""

LARGEST = (1 << 31) - 64
"""Bytes that a shard may have: places in it are numbers of four bytes."""


@dataclass(frozen=True, eq=False)
class Shard:
    """Bytes of documents, with BORDER behind each. Document `first + i` begins at `begin[i]`; the end is the last of `begin`.

    Eight more borders follow, so that eight bytes can be read from any place.
    """

    text: UInt8[ndarray, " byte"]
    begin: Int[ndarray, " border"]
    first: int

    def __len__(self) -> int:
        return len(self.begin) - 1

    def document(self, place: Int[ndarray, " place"]) -> Int[ndarray, " place"]:
        """Return which document of the corpus each place in the shard is in."""
        return self.first + np.searchsorted(self.begin, place, "right") - 1

    def bytes_of(self, document: int) -> UInt8[ndarray, " byte"]:
        """Return the bytes of a document of the corpus, without the border."""
        at = document - self.first
        return self.text[self.begin[at] : self.begin[at + 1] - 1]


class Reading:
    """What was seen while a corpus was laid out: ids, sources, starts and the key of its content."""

    def __init__(self) -> None:
        self.digest = hashlib.blake2b(digest_size=16)

    def saw(self, document: Document, data: bytes) -> None:
        """Take a document into the key."""
        name = document.id.encode(errors="surrogatepass")
        self.digest.update(b"%d %d " % (len(name), len(data)) + name)
        self.digest.update(data)

    @property
    def key(self) -> str:
        """The key over ids, order and texts of what was seen."""
        return self.digest.hexdigest()


def corpus_key(corpus: Corpus) -> str:
    """Return the key over the ids, the order and the texts of a corpus: it differs where any of them does."""
    reading = Reading()
    for document in corpus:
        reading.saw(document, encoded(document))
    return reading.key


def encoded(document: Document) -> bytes:
    """Return the text as UTF-8; raise InvalidData for half of a surrogate pair."""
    try:
        return document.text.encode()
    except UnicodeEncodeError:
        raise InvalidData(
            f"The document {document.id!r} holds half of a character (a lone surrogate). Repair or remove it."
        ) from None


def shards(corpus: Corpus, *, shard_bytes: int = SHARD_BYTES) -> Iterator[tuple[Shard, list[Document]]]:
    """Yield the corpus shard by shard, each with its documents (whose texts are left out: they are in the shard).

    A document with more than `shard_bytes` is a shard of its own. Raises InvalidData for one that is larger than a shard
    can be, and for `shard_bytes` below 1.
    """
    if not 1 <= shard_bytes <= LARGEST:
        raise InvalidData(f"A shard of {shard_bytes} bytes cannot be. Give 1 to {LARGEST:,}.")
    text, begin, documents, first = bytearray(), array("q", [0]), list[Document](), 0
    for at, document in enumerate(corpus):
        data = encoded(document)
        if len(data) + 1 > LARGEST:
            raise InvalidData(
                f"The document {document.id!r} has {len(data):,} bytes. Cut it into documents below 2 GB."
            )
        if documents and len(text) + len(data) + 1 > shard_bytes:
            yield _shard(text, begin, first), documents
            text, begin, documents, first = bytearray(), array("q", [0]), list[Document](), at
        text += data
        text.append(BORDER)
        begin.append(len(text))
        documents.append(Document(document.id, "", document.source, document.start))
    if documents:
        yield _shard(text, begin, first), documents


def _shard(text: bytearray, begin: "array[int]", first: int) -> Shard:
    text += bytes([BORDER]) * 8
    return Shard(np.frombuffer(text, np.uint8), np.array(begin, np.int64), first)
