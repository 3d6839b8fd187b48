"""Trace: which stretches of a text stand word for word in a corpus, where, how often, and how long is usual."""

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.lm.corpus import Corpus
from byrote.lm.index import Index, Place
from byrote.stats.estimate import Estimate

DRAWS = 400
"""Texts that are put together from control documents, to see how long their longest matches are."""


@dataclass(frozen=True)
class Span:
    """A stretch of a text, from character `start` to before `end`, that stands in the corpus `copies` times.

    `places` are the first of these. `usual` is whether stretches this long are in control text too; None without control text.
    """

    start: int
    end: int
    text: str
    copies: int
    places: tuple[Place, ...]
    usual: bool | None = None

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Trace:
    """What of a text stands in a corpus in stretches of at least `at_least` characters.

    `spans` are longest first and do not overlap. `longest` is the longest match that begins at each character. `usual` is the
    length in characters that the longest match of a text of the same length reaches in only 5 % of control texts (an Estimate
    of the .95 quantile over control documents); NaN without control text.
    """

    text: str
    at_least: int
    spans: tuple[Span, ...]
    longest: Int[ndarray, " character"]
    usual: Estimate

    @property
    def share(self) -> float:
        """Share of the text's characters that are in a span; NaN of an empty text."""
        return sum(map(len, self.spans)) / len(self.text) if self.text else float("nan")

    @property
    def beyond_usual(self) -> tuple[Span, ...]:
        """The spans that are longer than control texts let expect; all of them without control text."""
        return tuple(span for span in self.spans if not span.usual)

    def sentences(self) -> list[str]:
        """Return what was found, in words."""
        if not self.spans:
            top = int(self.longest.max(initial=0))
            return [
                f"No stretch of {self.at_least} characters or more stands in the corpus; the longest has {top}.",
                *self._control(),
            ]
        count = len(self.spans)
        said = f"{count} stretch{'es' * (count > 1)} of {self.at_least} characters or more stand{'s' * (count == 1)} in the corpus word for word: {100 * self.share:.1f} % of the text, the longest {len(self.spans[0])} characters."
        return [said, *self._control()]

    def _control(self) -> list[str]:
        if np.isnan(self.usual.value):
            return [
                "No control text was given, so how long a match is usual is not known: common phrases are long, too."
            ]
        beyond = len(self.beyond_usual)
        return [
            f"Of {self.usual.n:,} control documents put together to this length, 95 % have no match longer than {self.usual.value:.0f} characters ({100 * self.usual.level:g} % interval {self.usual.low:.0f} to {self.usual.high:.0f}); "
            + (
                f"{beyond} of the stretches {'is' if beyond == 1 else 'are'} longer."
                if self.spans
                else "nothing here is longer."
            )
        ]

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per span, longest first."""
        return [
            {
                "start": span.start,
                "end": span.end,
                "characters": len(span),
                "copies": span.copies,
                "beyond usual": None if span.usual is None else not span.usual,
                "document": span.places[0].id if span.places else "",
                "byte": span.places[0].byte if span.places else None,
                "source": span.places[0].source if span.places else "",
                "text": span.text,
            }
            for span in self.spans
        ]


def trace(
    text: str,
    index: Index,
    *,
    at_least: int = 50,
    control: Corpus | None = None,
    places: int = 3,
    seed: int = 0,
    level: float = 0.9,
) -> Trace:
    """Return which stretches of a text stand in the indexed corpus word for word, with where (at most `places`) and how often.

    The longest stretch is taken first, then the longest of what is left, cut where it meets one that was taken. Text is
    compared as it is: a changed letter or another kind of space ends a stretch. `control` is text of the same kind that the
    corpus does not hold, such as documents that were left out: it says how long the longest match of a text of this length
    usually is, so that common phrases are not taken for memorization. Of a control that does hold text of the corpus,
    everything would be usual.

    Raises InvalidData for an `at_least` below 1, and for a control without text.
    """
    if at_least < 1:
        raise InvalidData(f"at_least={at_least}: give a number of characters, such as 50.")
    longest = longest_characters(text, index)
    usual = Estimate.undefined("document", level=level)
    if control is not None:
        usual = usual_longest(index, control, len(text), seed=seed, level=level)
    spans = [
        Span(
            start, end, text[start:end], index.count(text[start:end]),
            tuple(index.places(text[start:end], limit=places)),
            None if control is None else bool(end - start <= usual.value),
        )
        for start, end in cover(longest, at_least)
    ]  # fmt: skip
    return Trace(text, at_least, tuple(spans), longest, usual)


def longest_characters(text: str, index: Index) -> Int[ndarray, " character"]:
    """Return for each character of a text how many characters from there on occur in the corpus."""
    points = np.array([len(character.encode(errors="surrogatepass")) for character in text], np.int64)
    ends = np.concatenate([[0], np.cumsum(points)])
    stops = ends[:-1] + index.longest(text)[ends[:-1]] if len(text) else ends[:-1]
    return np.searchsorted(ends, stops, "right") - 1 - np.arange(len(text))


def cover(longest: Int[ndarray, " character"], at_least: int) -> list[tuple[int, int]]:
    """Return stretches (start, end) of at least so many characters, longest first, that do not overlap.

    `longest` is the longest match from each character. What is left of a match beside a longer one counts, if it is long enough.
    """
    size = len(longest)
    free = np.ones(size + 1, np.bool_)
    free[size] = False
    found: list[tuple[int, int]] = []
    # Only matches that are not the end of the one before can be the longest; a cut one is put back with what is left.
    stop = np.arange(size) + longest
    first = np.ones(size, np.bool_)
    first[1:] = stop[1:] > stop[:-1]
    waiting = [(-int(longest[i]), int(i), int(stop[i])) for i in np.flatnonzero(first & (longest >= at_least))]
    heapq.heapify(waiting)
    while waiting:
        _, start, end = heapq.heappop(waiting)
        inside = free[start:end]
        if inside.all():
            found.append((start, end))
            free[start:end] = False
            continue
        change = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(np.int8), [0]]))).reshape(-1, 2)
        for low, high in change.tolist():
            if high - low >= at_least:
                heapq.heappush(waiting, (low - high, start + low, start + high))
    return found


def usual_longest(
    index: Index, control: Corpus, length: int, *, quantile: float = 0.95, seed: int = 0, level: float = 0.9
) -> Estimate:
    """Return the length that the longest match of control text of this many characters reaches in 1 - `quantile` of cases.

    At most 1,000 control documents are drawn with `seed` and cut to `length`; shorter ones are put together at random until
    they are as long. The interval is the bootstrap's over control documents; it needs 20. On Bible verses, 4.9 % of texts that
    were left out have a longer match (1.8 to 7.5 % over nine settings of 600 texts, so that 5 % is reached on average and not
    for each control). High means that long common phrases are usual in this kind of text. Raises InvalidData for a control
    without text.
    """
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(control), min(1000, len(control)), replace=False))
    sizes, tops = list[int](), list[int]()
    for at in chosen.tolist():
        text = control[at].text[: max(1, length)]
        if text:
            sizes.append(len(text))
            tops.append(int(longest_characters(text, index).max(initial=0)))
    if not sizes:
        raise InvalidData(
            f"The control {control.name!r} has no text. Give text of the same kind that the corpus does not hold."
        )
    size, top = np.array(sizes), np.array(tops)
    value = _quantile(size, top, length, quantile, rng)
    if len(size) < 20:
        return Estimate(value, np.nan, np.nan, len(size), "document", level)
    again: list[float] = []
    for _ in range(200):
        drawn = rng.integers(0, len(size), len(size))
        again.append(_quantile(size[drawn], top[drawn], length, quantile, rng))
    low, high = np.quantile(again, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(min(low, value)), float(max(high, value)), len(size), "document", level)


def _quantile(size: ndarray, top: ndarray, length: int, quantile: float, rng: np.random.Generator) -> float:
    """Return the quantile of the longest match over texts that are put together from documents drawn at random."""
    if size.min() >= length:
        return float(np.quantile(top, quantile, method="higher"))
    # Documents are drawn until they are as long as the text: their number follows from the mean size.
    many = max(1, round(length / size.mean()))
    drawn = rng.integers(0, len(size), (DRAWS, many))
    return float(np.quantile(top[drawn].max(axis=1), quantile, method="higher"))
