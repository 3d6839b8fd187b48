"""MemFree decoding: text is generated that completes no n-gram of a corpus (Ippolito et al., 2022, arXiv:2210.17546)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Int, UInt64
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.lm.corpus import Corpus
from byrote.lm.encoder import Encoder
from byrote.lm.model import LanguageModel

if TYPE_CHECKING:
    from torch import Tensor

BASE = np.uint64(0x9E3779B97F4A7C15)
"""The hash of an n-gram is a polynomial in this odd number, modulo 2**64, and then mixed."""

MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
"""The mixing is that of splitmix64 (Steele et al., 2014)."""

LEAST_BITS = 64


@dataclass(frozen=True, eq=False)
class Forbidden:
    """The n-grams of a corpus, as a set of their 64-bit hashes, or as a Bloom filter that takes less memory and errs on
    the safe side.

    `hashes` are sorted, 8 bytes for each different n-gram: of N n-grams, one that is none of them counts as one with
    the probability N / 2**64. With `bits` (a Bloom filter; `hashes` is then empty) that is `1 - (1 - 1/m)**(k N)` to
    the power `k`, for m bits and `probes` k. No n-gram of the corpus is ever missed.
    """

    n: int
    hashes: UInt64[ndarray, " ngram"]
    bits: NDArray[np.uint8] | None = None
    probes: int = 0

    def completed(self, tokens: Int[ndarray, " token"], vocabulary: int) -> Bool[ndarray, " vocabulary"]:
        """Return which token ids would complete an n-gram of the corpus after these tokens; none after fewer than n - 1."""
        if len(tokens) < self.n - 1:
            return np.zeros(vocabulary, np.bool_)
        before = _polynomial(tokens[len(tokens) - self.n + 1 :][None].astype(np.uint64))[0]
        with np.errstate(over="ignore"):
            return self.has(before * BASE + np.arange(vocabulary, dtype=np.uint64) + np.uint64(1))

    def has(self, polynomials: UInt64[ndarray, " ngram"]) -> Bool[ndarray, " ngram"]:
        """Return which n-grams, given by their polynomial, are of the corpus."""
        mixed = _mixed(polynomials)
        if self.bits is None:
            at = np.searchsorted(self.hashes, mixed)
            return (at < len(self.hashes)) & (self.hashes[np.minimum(at, len(self.hashes) - 1)] == mixed)
        found = np.ones(len(mixed), np.bool_)
        for place in _places(mixed, self.probes, 8 * len(self.bits)):
            found &= (self.bits[place >> np.uint64(3)] >> (place & np.uint64(7)).astype(np.uint8)) & 1 == 1
        return found


def forbidden(
    corpus: Corpus | Iterable[str], encoder: Encoder, n: int = 10, *, false_positives: float = 0.0
) -> Forbidden:
    """Return the n-grams of a corpus, in token ids, that no generated text may complete.

    With `false_positives` above 0 they are kept in a Bloom filter that takes 1.44 log2(1 / false_positives) bits for
    each (10 bits at .01), instead of 64. The paper has n = 10 tokens. Documents shorter than n have none. Raises
    InvalidData for n below 2, and where no document is as long.
    """
    if n < 2 or not 0 <= false_positives < 1:
        raise InvalidData(
            f"n={n} with false_positives={false_positives} forbids nothing that can be told. Give n of 2 or more, and a share below 1."
        )
    parts: list[NDArray[np.uint64]] = []
    for text in corpus:
        tokens = encoder.encode(text if isinstance(text, str) else text.text)
        if len(tokens) >= n:
            parts.append(_mixed(_polynomial(np.lib.stride_tricks.sliding_window_view(tokens, n).astype(np.uint64))))
    if not parts:
        raise InvalidData(f"No document has {n} tokens, so there is nothing to forbid. Give a smaller n.")
    hashes = np.unique(np.concatenate(parts))
    if not false_positives:
        return Forbidden(n, hashes)
    size = max(LEAST_BITS, int(np.ceil(-len(hashes) * np.log(false_positives) / np.log(2) ** 2 / 8)) * 8)
    probes = max(1, round(size / len(hashes) * np.log(2)))
    bits = np.zeros(size // 8, np.uint8)
    for place in _places(hashes, probes, size):
        np.bitwise_or.at(bits, place >> np.uint64(3), np.uint8(1) << (place & np.uint64(7)).astype(np.uint8))
    return Forbidden(n, hashes[:0], bits, probes)


@dataclass(frozen=True, eq=False)
class MemFree:
    """A logits processor: what would complete a forbidden n-gram gets the logit minus infinity, so it is never drawn.

    It is called with token ids `[sequence, token]`, the prompt included, and logits `[sequence, vocabulary]`, as the
    processors of transformers are: `model.generate(..., logits_processor=[MemFree(forbidden(corpus, encoder))])`. An
    n-gram that is partly in the prompt counts as well. Where every token is forbidden, the logits stay as they are:
    something must be said.

    What it cannot do: an n-gram with one token changed is none of the corpus. A model that knows a text by rote goes on
    with another spelling, another capital letter or a synonym, and comes back to the text after it; so does a prompt in
    another style. What is hidden is the exact quotation, not that it was memorized: measure `near-verbatim` copies as
    well.
    """

    forbidden: Forbidden

    def __call__(self, input_ids: "Tensor", scores: "Tensor") -> "Tensor":
        """Return the logits, minus infinity where a token is forbidden."""
        import torch

        found = scores.clone()
        for row, tokens in enumerate(input_ids.cpu().numpy()):
            barred = self.forbidden.completed(tokens, scores.shape[1])
            if barred.any() and not barred.all():
                found[row, torch.from_numpy(barred).to(scores.device)] = -torch.inf
        return found


Processor = Callable[["Tensor", "Tensor"], "Tensor"]


def continued(
    model: LanguageModel, prompts: Int[ndarray, "passage token"], count: int, processor: Processor | None = None
) -> Int[ndarray, "passage new"]:
    """Return the `count` tokens that greedy decoding adds to each prompt, without a cache: for short texts and small models.

    The encoder's first token is put in front. `processor` changes the logits before the largest is taken. Raises InvalidData
    where prompt and continuation do not fit into the context.
    """
    import torch

    begin = model.encoder.begin
    ahead = 0 if begin is None else 1
    if ahead + prompts.shape[1] + count - 1 > model.context:
        raise InvalidData(
            f"{model.name} reads {model.context} tokens, and {prompts.shape[1]} + {count} were asked for. Give shorter prompts, or a smaller number."
        )
    tokens = torch.from_numpy(prompts.astype(np.int64)).to(model.device)
    if begin is not None:
        tokens = torch.cat([torch.full((len(tokens), 1), begin, device=tokens.device), tokens], 1)
    with torch.no_grad():
        for _ in range(count):
            logits = model.logits(tokens)[:, -1].float()
            logits = logits if processor is None else processor(tokens[:, ahead:], logits)
            tokens = torch.cat([tokens, logits.argmax(1, keepdim=True)], 1)
    return tokens[:, ahead + prompts.shape[1] :].cpu().numpy()


def _polynomial(tokens: UInt64[ndarray, "ngram token"]) -> UInt64[ndarray, " ngram"]:
    found = np.zeros(len(tokens), np.uint64)
    with np.errstate(over="ignore"):
        for column in tokens.T:
            found = found * BASE + column + np.uint64(1)
    return found


def _mixed(values: UInt64[ndarray, " ngram"]) -> UInt64[ndarray, " ngram"]:
    with np.errstate(over="ignore"):
        for shift, factor in zip((30, 27), MIX, strict=True):
            values = (values ^ (values >> np.uint64(shift))) * factor
    return values ^ (values >> np.uint64(31))


def _places(hashes: UInt64[ndarray, " ngram"], probes: int, size: int) -> Iterable[UInt64[ndarray, " ngram"]]:
    """Yield the bit of each probe, from two halves of a hash (Kirsch & Mitzenmacher, 2008)."""
    first, step = hashes >> np.uint64(32), (hashes & np.uint64(0xFFFFFFFF)) | np.uint64(1)
    for probe in range(probes):
        yield (first + np.uint64(probe) * step) % np.uint64(size)
