"""Which tokens are predictable without having seen the text: from an n-gram model, from the text before, by counting on."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import InvalidData

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
NUMBERS = re.compile(r"\d+|\D+")


@checked
def in_context(
    tokens: Int[ndarray, "passage token"], prefix: int, *, least: int = 3
) -> Bool[ndarray, "passage suffix"]:
    """Return for each token of the suffix whether copying on from earlier in the passage gives it.

    The tokens right before it are looked for earlier in the passage, the longest match is taken (of equally long ones the
    latest), and the token that followed there is the guess, if at least `least` tokens match. A suffix that stands in the prefix
    is predicted from its fourth token on.
    """
    passages, length = tokens.shape
    # matched[:, k]: how many tokens before place k equal those before the place that is looked at
    matched = np.zeros((passages, length + 1), np.int64)
    found = np.zeros((passages, length - prefix), np.bool_)
    for at in range(1, length):
        same = tokens[:, :at] == tokens[:, at - 1 : at]  # a match that ends at the token before `at` ends at k - 1
        longer = np.zeros_like(matched)
        longer[:, 1:at] = np.where(same[:, : at - 1], matched[:, : at - 1] + 1, 0)
        matched = longer
        if at < prefix:
            continue
        places = at - 1 - np.argmax(matched[:, :at][:, ::-1], 1)
        rows = np.arange(passages)
        found[:, at - prefix] = (matched[rows, places] >= least) & (tokens[rows, places] == tokens[:, at])
    return found


@dataclass(frozen=True, eq=False)
class NGrams:
    """The token that most often follows each context of 0 to `order` - 1 tokens in some texts.

    Contexts are kept as sorted 64-bit hashes, 16 bytes for each distinct one of each length: at most 16 * order bytes per
    token of the texts, and about three times that while it is made.
    """

    order: int
    contexts: tuple[ndarray, ...]
    follows: tuple[ndarray, ...]

    @classmethod
    def of(cls, texts: Iterable[Int[ndarray, " _"]], *, order: int = 5) -> "NGrams":
        """Return the n-gram model of the token ids of texts. Of equally frequent followers the smallest id is taken.

        Raises InvalidData for an order below 1, and for texts without tokens.
        """
        documents = [np.asarray(each, np.int64) for each in texts if len(each)]
        if order < 1 or not documents:
            raise InvalidData(f"order={order}, {len(documents)} texts: give 1 or more, and a text that is not empty.")
        contexts, follows = list[ndarray](), list[ndarray]()
        for length in range(order):
            key = np.concatenate([_hashes(each, length)[: max(0, len(each) - length)] for each in documents])
            token = np.concatenate([each[length:] for each in documents])
            kept, follow = _most_frequent(key, token)
            contexts.append(kept)
            follows.append(follow)
        return cls(order, tuple(contexts), tuple(follows))

    def predicts(self, tokens: Int[ndarray, "passage token"], prefix: int) -> Bool[ndarray, "passage suffix"]:
        """Return for each token of the suffix whether it is the one that most often follows the longest known context."""
        passages, length = tokens.shape
        guess = np.full((passages, length - prefix), -1, np.int64)
        for size in range(min(self.order, prefix + 1)):  # longer contexts replace what shorter ones say
            key = np.stack([_hashes(row, size)[prefix - size : length - size] for row in tokens])
            at = np.minimum(np.searchsorted(self.contexts[size], key), len(self.contexts[size]) - 1)
            if len(self.contexts[size]):
                guess = np.where(self.contexts[size][at] == key, self.follows[size][at], guess)
        return guess == tokens[:, prefix:]


def _hashes(tokens: Int[ndarray, " token"], size: int) -> ndarray:
    """Return a hash of the `size` tokens from each place on; the last places are without meaning."""
    found = np.zeros(len(tokens) + 1, np.uint64)
    with np.errstate(over="ignore"):
        for offset in range(min(size, len(tokens))):
            moved = np.zeros(len(tokens) + 1, np.uint64)
            moved[: len(tokens) - offset] = tokens[offset:].astype(np.uint64) + np.uint64(1)
            found = (found ^ moved) * MULTIPLIER
            found ^= found >> np.uint64(29)
    return found


def _most_frequent(key: ndarray, token: ndarray) -> tuple[ndarray, ndarray]:
    """Return each key once, sorted, with the token that stands with it most often."""
    order = np.lexsort((token, key))
    key, token = key[order], token[order]
    new = (
        np.flatnonzero(np.concatenate([[True], (key[1:] != key[:-1]) | (token[1:] != token[:-1])]))
        if len(key)
        else np.zeros(0, np.int64)
    )
    counts = np.diff(np.concatenate([new, [len(key)]]))
    key, token = key[new], token[new]
    best = np.lexsort((token, -counts, key))
    key, token = key[best], token[best]
    first = np.concatenate([[True], key[1:] != key[:-1]]) if len(key) else np.zeros(0, np.bool_)
    return key[first], token[first]


def counted_share(prefix: str, suffix: str, *, longest: int = 4) -> float:
    """Return the share of a suffix's characters that counting on gives: numbers in steps, with the same text between them.

    The passage is cut into numbers and what is between them. With a period of 1 to `longest` numbers, a number is predicted if
    it goes on in the step of the two before it at that period (a step of 0 too), and text if it is that of one period before;
    the period that predicts most is taken. 0 where no number of the suffix is predicted; NaN for an empty suffix.
    """
    if not suffix:
        return float("nan")
    items = NUMBERS.findall(prefix + suffix)
    ends = np.cumsum([len(item) for item in items])
    inside = np.minimum([len(item) for item in items], np.maximum(0, ends - len(prefix)))  # characters in the suffix
    best = 0
    for period in range(1, longest + 1):
        step, predicted, numbers = 2 * period, 0, 0
        for at in range(2 * step, len(items)):
            item, last = items[at], at == len(items) - 1
            if item.isdecimal() and len(item) < 19:
                before, earlier = items[at - step], items[at - 2 * step]
                expected = _counted_on(before, earlier)
            else:
                expected = items[at - step]
            if expected == item or (last and expected.startswith(item)):
                predicted += int(inside[at])
                numbers += item.isdecimal() and inside[at] > 0
        best = max(best, predicted if numbers else 0)
    return best / len(suffix)


def _counted_on(before: str, earlier: str) -> str:
    """Return the number after two numbers, with their zeros in front; nothing where it would be negative."""
    if not (before.isdecimal() and earlier.isdecimal()):
        return ""
    following = 2 * int(before) - int(earlier)
    width = len(before) if before.startswith("0") and len(before) > 1 else 0
    return str(following).zfill(width) if following >= 0 else ""
