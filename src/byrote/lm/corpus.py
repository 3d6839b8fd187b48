"""Corpus: documents in a fixed order, each with an id that stays and the place where it stands."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.errors import InvalidData


@dataclass(frozen=True)
class Document:
    """A text with its id; `source` is the file it is from, and `start` the byte there at which it begins."""

    id: str
    text: str
    source: str = ""
    start: int = 0


class Corpus(Protocol):
    """Documents in a fixed order, read when they are asked for. `name` is its name in records and reports."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, at: int) -> Document: ...

    def __iter__(self) -> Iterator[Document]: ...


@dataclass(frozen=True)
class Texts:
    """A corpus in memory. Raises InvalidData for ids that are not unique."""

    documents: tuple[Document, ...]
    name: str = "corpus"

    def __post_init__(self) -> None:
        name, count = max(
            Counter(document.id for document in self.documents).items(), key=lambda each: each[1], default=("", 0)
        )
        if count > 1:
            raise InvalidData(f"{count} documents have the id {name!r}. Give every document an id of its own.")

    @classmethod
    def of(cls, texts: Sequence[str], *, ids: Sequence[str] = (), name: str = "corpus") -> "Texts":
        """Return a corpus of these texts; without ids they are numbered."""
        names = list(ids) or [str(i) for i in range(len(texts))]
        if len(names) != len(texts):
            raise InvalidData(f"There are {len(names)} ids for {len(texts)} texts. Give one for each, or none.")
        return cls(tuple(Document(each, text) for each, text in zip(names, texts, strict=True)), name)

    def __len__(self) -> int:
        return len(self.documents)

    def __getitem__(self, at: int) -> Document:
        return self.documents[at]

    def __iter__(self) -> Iterator[Document]:
        return iter(self.documents)


def byte_sizes(corpus: Corpus) -> Int[ndarray, " document"]:
    """Return how many bytes of UTF-8 each document has at most; of a corpus in files it is known, and of others counted."""
    known = getattr(corpus, "sizes", None)
    if known is not None:
        return known
    return np.fromiter((len(document.text.encode()) for document in corpus), np.int64, len(corpus))
