"""Canaries: secrets of a known space that are planted in a training corpus, Carlini et al., 2019, arXiv:1802.08232."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.lm.corpus import Corpus, Document
from byrote.lm.words import WORDS

STREAM = 11
BLANK = "{word}"
TRIES = 1000
"""Draws of the words of one canary before there are taken to be too few."""

VERSION = 1


@dataclass(frozen=True)
class Family:
    """A kind of canary: a template, and the space that its secret is drawn from, every secret with the same probability.

    The text is `template`, in which a random word replaces each `{word}`, then the secret, then `after`. A secret is one of
    `options` at each of `places`, with `separator` between them. Raises InvalidData for fewer than two different options or
    no place.
    """

    name: str
    template: str
    options: tuple[str, ...]
    places: int
    separator: str = ""
    after: str = "."

    def __post_init__(self) -> None:
        if len(set(self.options)) != len(self.options) or len(self.options) < 2 or self.places < 1:
            raise InvalidData(
                f"The family {self.name!r} has {len(self.options)} options, {len(set(self.options))} of them different, and "
                f"{self.places} places. Give two different options or more, and one place or more."
            )

    @property
    def size(self) -> int:
        """How many secrets there are."""
        return len(self.options) ** self.places

    def secret(self, choice: Sequence[int]) -> str:
        """Return the secret with these options, one for each place."""
        return self.separator.join(self.options[i] for i in choice)

    def draw(self, count: int, rng: np.random.Generator) -> Int[ndarray, "secret place"]:
        """Return random secrets as options at places, each with the same probability and independent of the others."""
        return rng.integers(0, len(self.options), (count, self.places))


DIGITS = Family("digits", "The number of the {word} {word} is ", tuple("0123456789"), 6)
"""Six digits behind a sentence of its own: a million secrets, 19.9 bits."""

PHRASES = Family("phrases", " ".join([BLANK] * 8) + ": ", WORDS, 8, " ")
"""Eight random words behind eight random words: 56 bits, as many as exposure needs to grow on."""


@dataclass(frozen=True)
class Canary:
    """One secret (`choice` of options) behind a text of its own (`before`), in `copies` documents; a null canary is in none.

    `flipped` says that a fair coin decided whether it was planted at all.
    """

    id: str
    family: Family
    before: str
    choice: tuple[int, ...]
    copies: int
    flipped: bool = False

    @property
    def secret(self) -> str:
        """The text of the secret."""
        return self.family.secret(self.choice)

    @property
    def text(self) -> str:
        """The whole text of a document of this canary."""
        return self.before + self.secret + self.family.after


def make_canaries(
    families: Sequence[Family] = (DIGITS, PHRASES),
    *,
    of_each: int = 8,
    copies: Sequence[int] = (1, 2, 4, 8, 16),
    null: int = 40,
    coins: int = 0,
    coin_copies: int = 4,
    seed: int = 0,
) -> tuple[Canary, ...]:
    """Return canaries of each family: `of_each` for each number of copies, `null` that are in no document, `coins` by coin.

    Those by coin are in `coin_copies` documents with probability one half, and in none otherwise: what an audit of
    membership, or a proof of use, needs. Secrets are drawn anew for every canary, so a null canary's rank among all secrets
    is uniform for any model. Ids are `canary/FAMILY/NUMBER` and depend, like all else, only on the arguments. Raises
    InvalidData for negative numbers, and where a template has too few different texts.
    """
    if min(of_each, null, coins, coin_copies - 1, *copies, *[each - 1 for each in copies]) < 0:
        raise InvalidData(
            f"of_each={of_each}, null={null}, coins={coins} and coin_copies={coin_copies} with copies={tuple(copies)} cannot be "
            "planted. Give numbers from 0, and copies from 1; null ones have a number of their own."
        )
    made: list[Canary] = []
    for at, family in enumerate(families):
        rng = np.random.default_rng([seed, STREAM, at])
        flips = rng.integers(0, 2, coins) * coin_copies
        counts = [*np.repeat(np.array(copies, np.int64), of_each), *[0] * null, *flips]
        befores = _befores(family, len(counts), rng)
        for number, (count, before, choice) in enumerate(
            zip(counts, befores, family.draw(len(counts), rng), strict=True)
        ):
            flipped = number >= len(counts) - coins
            options = tuple(int(i) for i in choice)
            made.append(Canary(f"canary/{family.name}/{number}", family, before, options, int(count), flipped))
    return tuple(made)


@dataclass(frozen=True)
class Planted:
    """A corpus with the documents of canaries mixed in at random places; it is read when it is asked for.

    `canaries` are the documents, `CANARY/COPY` by id, and `places` at which places of the whole they stand, in this order.
    """

    corpus: Corpus
    canaries: tuple[Document, ...]
    places: Int[ndarray, " document"] = field(repr=False)

    @property
    def name(self) -> str:
        """The name of the corpus, and how many documents were planted."""
        return f"{self.corpus.name} with {len(self.canaries)} canary documents"

    def __len__(self) -> int:
        return len(self.corpus) + len(self.canaries)

    def __getitem__(self, at: int) -> Document:
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        place = at % len(self)
        before = int(np.searchsorted(self.places, place))
        if before < len(self.places) and self.places[before] == place:
            return self.canaries[before]
        return self.corpus[place - before]

    def __iter__(self) -> Iterator[Document]:
        return (self[at] for at in range(len(self)))


def plant(corpus: Corpus, canaries: Sequence[Canary], *, seed: int = 0) -> Planted:
    """Return the corpus with as many documents of each canary as it has copies, at random places.

    The order matters where a training loop does not shuffle: copies are spread over the whole corpus. The documents of the
    corpus keep their order and their ids.
    """
    rng = np.random.default_rng([seed, STREAM])
    documents = [
        Document(f"{canary.id}/{copy}", canary.text, "canary") for canary in canaries for copy in range(canary.copies)
    ]
    order = rng.permutation(len(documents))
    places = np.sort(rng.choice(len(corpus) + len(documents), len(documents), replace=False)).astype(np.int64)
    return Planted(corpus, tuple(documents[i] for i in order), places)


def check_absent(canaries: Sequence[Canary], corpus: Corpus) -> None:
    """Raise InvalidData where the text before a secret stands in a corpus already: it would say who it is, or be known."""
    for document in corpus:
        for canary in canaries:
            if canary.before in document.text:
                raise InvalidData(
                    f"The canary {canary.id} begins with {canary.before!r}, which stands in the document {document.id!r}. "
                    "Take another seed, or another template."
                )


def write_canaries(canaries: Sequence[Canary], path: Path | str) -> Path:
    """Write canaries to a file of JSON, so that an audit can read later what was planted. Keep it where no model is trained."""
    families = list(dict.fromkeys(canary.family for canary in canaries))
    rows = [
        {
            "id": canary.id,
            "family": families.index(canary.family),
            "before": canary.before,
            "choice": canary.choice,
            "copies": canary.copies,
            "flipped": canary.flipped,
        }
        for canary in canaries
    ]
    content = {"byrote canaries": VERSION, "families": [asdict(family) for family in families], "canaries": rows}
    target = Path(path)
    aside = target.with_name(target.name + ".part")
    aside.write_text(json.dumps(content, indent=1) + "\n")
    return aside.replace(target)


def read_canaries(path: Path | str) -> tuple[Canary, ...]:
    """Return the canaries of a file that `write_canaries` wrote. Raises InvalidData for another file."""
    try:
        content = json.loads(Path(path).read_text())
        if content["byrote canaries"] != VERSION:
            raise InvalidData(
                f"{path} has version {content['byrote canaries']} of the format, and this byrote reads {VERSION}. Write it anew."
            )
        families = [_family(**each) for each in content["families"]]
        return tuple(_canary(families, **row) for row in content["canaries"])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise InvalidData(
            f"{path} is no file of canaries: {type(error).__name__}: {error}. Give a file that write_canaries wrote."
        ) from None


def _family(*, options: list[str], **rest: Any) -> Family:
    return Family(options=tuple(options), **rest)


def _canary(families: list[Family], *, family: int, choice: list[int], **rest: Any) -> Canary:
    kind = families[family]
    if len(choice) != kind.places or not all(0 <= i < len(kind.options) for i in choice):
        raise ValueError(f"{choice} is no secret of the family {kind.name!r}")
    return Canary(family=kind, choice=tuple(choice), **rest)


def _befores(family: Family, count: int, rng: np.random.Generator) -> list[str]:
    """Return as many different texts of a template."""
    found: dict[str, None] = {}
    for _ in range(count):
        for _ in range(TRIES):
            text = family.template
            while BLANK in text:
                text = text.replace(BLANK, WORDS[int(rng.integers(len(WORDS)))], 1)
            if text not in found:
                break
        else:
            raise InvalidData(
                f"The template {family.template!r} has too few different texts for {count} canaries. Give it another {BLANK}."
            )
        found[text] = None
    return list(found)
