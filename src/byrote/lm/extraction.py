"""Extraction: which passages a model gives back when it is given their beginning. Carlini et al., 2023, arXiv:2202.07646;
(n, p)-discoverable extraction: Hayes et al., 2024, arXiv:2410.19482.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.lm.model import LanguageModel
from byrote.lm.rates import paired_difference, rate, rate_difference
from byrote.lm.sampling import Sampling
from byrote.lm.teacher_forcing import Forced, teacher_forced
from byrote.lm.windows import Passages
from byrote.stats.estimate import Estimate


@checked
def greedily_extracted(greedy: Bool[ndarray, "passage token"]) -> Bool[ndarray, " passage"]:
    """Return for each passage whether greedy decoding after the prefix gives the suffix, token by token.

    Exact, without generation: it does if and only if each token of the suffix is the greedy one after the true tokens before
    it. It misses what sampling or another prefix would bring out, and suffixes that differ in a comma.
    """
    return np.asarray(greedy.all(1))


@checked
def log_probability_of_suffix(sampled: Float[ndarray, "passage token"]) -> Float[ndarray, " passage"]:
    """Return log p_z of each passage: the log-probability that one sample after the prefix is the suffix; high is recited.

    In nats; the sum over the tokens in double precision; -inf where the scheme excludes one of them.
    """
    return sampled.astype(np.float64).sum(1)


@checked
def discoverable(log_pz: Float[ndarray, " passage"], n: int, p: float) -> Bool[ndarray, " passage"]:
    """Return for each passage whether n samples contain the suffix with probability p or more: 1 - (1 - p_z)^n >= p.

    Raises InvalidData for n below 1, and for a p outside (0, 1).
    """
    if n < 1 or not 0 < p < 1:
        raise InvalidData(f"n={n}, p={p}: give a number of samples of 1 or more, and a probability between 0 and 1.")
    return n * _log_missed(log_pz) <= np.log1p(-p)


@checked
def samples_needed(log_pz: Float[ndarray, " passage"], p: float) -> Float[ndarray, " passage"]:
    """Return how many samples contain each suffix with probability p: the least n of `discoverable`; infinite for p_z = 0.

    Low is recited. Raises InvalidData for a p outside (0, 1).
    """
    if not 0 < p < 1:
        raise InvalidData(f"p={p}: give a probability between 0 and 1.")
    missed = _log_missed(log_pz)
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.maximum(1.0, np.ceil(np.log1p(-p) / missed))
        fewer = np.isfinite(needed) & (needed > 1) & ((needed - 1) * missed <= np.log1p(-p))  # ceil of a rounded number
    return np.where(fewer, needed - 1, needed)


def _log_missed(log_pz: Float[ndarray, " passage"]) -> Float[ndarray, " passage"]:
    """Return log(1 - p_z), which is exact for tiny p_z too."""
    if (log_pz > 1e-6).any():
        raise InvalidData(f"A log-probability is {log_pz.max()}, above 0. Give natural logarithms of probabilities.")
    with np.errstate(divide="ignore"):
        return np.log1p(-np.exp(np.minimum(log_pz, 0.0)))


@dataclass(frozen=True)
class ExtractionRate:
    """Shares of passages that are extracted, at one prefix length, suffix length and range of copies.

    `greedy` is the share extracted by greedy decoding, `discoverable` that by n samples with probability p; `control` and
    `control_discoverable` are those of control text, at the same lengths; `above_control` is `greedy` minus `control`, and
    `above_reference` is `greedy` minus the share that a reference model extracts of the same passages. NaN where there is
    no such text or model. Copies are from `least_copies` to `most_copies`; both are 0 where all passages are taken together.
    """

    prefix: int
    suffix: int
    least_copies: int
    most_copies: int
    greedy: Estimate
    discoverable: Estimate
    control: Estimate
    control_discoverable: Estimate
    above_control: Estimate
    above_reference: Estimate


@dataclass(frozen=True, eq=False)
class Extracted:
    """What a model says of the same suffixes behind prefixes of several lengths: `forced[prefix]`.

    `document` says which passages belong together in intervals: those of one document, or the copies of one passage.
    """

    forced: Mapping[int, Forced]
    document: Int[ndarray, " passage"]


def extracted(
    model: LanguageModel, passages: Passages, prefixes: Sequence[int], *, sampling: Sampling | None = None
) -> Extracted:
    """Return what the model says of the suffixes behind their last tokens, for each number of these in `prefixes`.

    The suffixes are the same at each length, so the lengths can be compared; shorter suffixes need no pass of their own
    (`Forced.first`). Raises InvalidData for a prefix that is longer than those of the passages.
    """
    return Extracted(
        {
            prefix: teacher_forced(model, passages.shorter(prefix, passages.suffix), sampling=sampling)
            for prefix in sorted(set(prefixes))
        },
        passages.document,
    )


@checked
def extraction_rates(
    found: Extracted,
    suffixes: Sequence[int],
    *,
    control: Extracted | None = None,
    reference: Extracted | None = None,
    copies: Int[ndarray, " passage"] | None = None,
    n: int = 100,
    p: float = 0.5,
    level: float = 0.9,
) -> tuple[ExtractionRate, ...]:
    """Return the shares of passages that are extracted: over prefix lengths, suffix lengths and ranges of copies.

    `control` is the same model on text that it was not trained on, `reference` a model that was not trained on the passages,
    on the same passages: an untrained one shows what chance gives, one that was trained on other text shows what is predictable.
    `copies` says how often each passage stands in the training text; its ranges are 1, 2-3, 4-7 and so on. Each interval is over
    documents (`rates.rate`). Raises InvalidData where control or reference lacks a prefix length, or the passages differ.
    """
    for other, name in ((control, "control"), (reference, "reference")):
        missing = [] if other is None else sorted(set(found.forced) - set(other.forced))
        if missing:
            raise InvalidData(f"`{name}` was not asked at the prefix lengths {missing}. Ask both at the same ones.")
    if reference is not None and len(reference.document) != len(found.document):
        raise InvalidData(
            f"`reference` has {len(reference.document)} passages, and there are {len(found.document)}. Ask both about the same."
        )
    rows = list[ExtractionRate]()
    for prefix in found.forced:
        for suffix in suffixes:
            for least, most, kept in _ranges(copies, len(found.document)):
                rows.append(_rate(found, control, reference, prefix, suffix, least, most, kept, n=n, p=p, level=level))
    return tuple(rows)


def _rate(
    found: Extracted,
    control: Extracted | None,
    reference: Extracted | None,
    prefix: int,
    suffix: int,
    least: int,
    most: int,
    kept: Bool[ndarray, " passage"],
    *,
    n: int,
    p: float,
    level: float,
) -> ExtractionRate:
    document = found.document[kept]
    greedy, drawn = (each[kept] for each in _verdicts(found.forced[prefix], suffix, n, p))
    unknown = Estimate.undefined("passage", level=level)
    of_control = of_control_drawn = above_control = above_reference = unknown
    if control is not None:
        other, other_drawn = _verdicts(control.forced[prefix], suffix, n, p)
        of_control = rate(other, control.document, level=level)
        of_control_drawn = rate(other_drawn, control.document, level=level)
        above_control = rate_difference(greedy, document, other, control.document, level=level)
    if reference is not None:
        other = _verdicts(reference.forced[prefix], suffix, n, p)[0][kept]
        above_reference = paired_difference(greedy, other, document, level=level)
    return ExtractionRate(
        prefix,
        suffix,
        least,
        most,
        rate(greedy, document, level=level),
        rate(drawn, document, level=level),
        of_control,
        of_control_drawn,
        above_control,
        above_reference,
    )


def _verdicts(
    forced: Forced, suffix: int, n: int, p: float
) -> tuple[Bool[ndarray, " passage"], Bool[ndarray, " passage"]]:
    cut = forced.first(suffix)
    return greedily_extracted(cut.greedy), discoverable(log_probability_of_suffix(cut.sampled), n, p)


def _ranges(copies: Int[ndarray, " passage"] | None, passages: int) -> list[tuple[int, int, Bool[ndarray, " passage"]]]:
    """Return all passages, and then those of each range of copies that has any: 0, 1, 2-3, 4-7, ..."""
    found = [(0, 0, np.ones(passages, np.bool_))]
    if copies is None:
        return found
    if len(copies) != passages:
        raise InvalidData(f"There are {len(copies)} numbers of copies for {passages} passages. Give one for each.")
    least = 1
    while least <= max(copies, default=0):
        kept = (copies >= least) & (copies < 2 * least)
        found += [(least, 2 * least - 1, kept)] if kept.any() else []
        least *= 2
    return found
