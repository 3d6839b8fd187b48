"""Exposure of planted canaries in a language model, Carlini et al., 2019, arXiv:1802.08232."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy import special, stats

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.lm.canaries import Canary, Family
from byrote.lm.language_model import LanguageModel
from byrote.lm.secret_rank import exact_rank, product_table, sampled_losses, secret_space, split_gap
from byrote.stats.estimate import Estimate
from byrote.summaries.exposure import (
    exposure,
    exposure_interval,
    extrapolated_exposure,
    extrapolated_exposure_interval,
)

NULL_MEAN = 1 / float(np.log(2))
"""Bits that the exposure of a secret which was never planted has on average: 1.44."""

DRAWS = 4000
"""Simulated sets of null canaries, for a p-value."""


@dataclass(frozen=True, eq=False)
class CanaryExposures:
    """Exposure of each canary in bits, with its interval, and how it was found; high is a leak, 1.44 the mean of none.

    `exact` says that the secret was ranked among all secrets (`low` and `high` are then the exposure itself); otherwise among
    `ranked - 1` random ones, so that `exposure` is at most log2(`ranked`). `extrapolated` is read off a skew normal that was
    fitted to these, with its own interval, for secrets that are likelier than all of them; NaN for the others, and where
    that distribution does not fit (`fit` is the p-value of the fit, NaN where none was tried). `bits` is the most that there
    can be: log2 of the number of secrets.
    """

    ids: tuple[str, ...]
    family: tuple[str, ...]
    copies: Int[ndarray, " canary"]
    exposure: Float[ndarray, " canary"]
    low: Float[ndarray, " canary"]
    high: Float[ndarray, " canary"]
    exact: Bool[ndarray, " canary"]
    ranked: Float[ndarray, " canary"]
    extrapolated: Float[ndarray, " canary"]
    extrapolated_low: Float[ndarray, " canary"]
    extrapolated_high: Float[ndarray, " canary"]
    fit: Float[ndarray, " canary"]
    bits: Float[ndarray, " canary"]
    loss: Float[ndarray, " canary"]
    level: float


def canary_exposures(
    model: LanguageModel,
    canaries: Sequence[Canary],
    *,
    references: int = 1000,
    nodes: int = 2000,
    seed: int = 0,
    level: float = 0.9,
) -> CanaryExposures:
    """Return the exposure of each canary: log2 of the number of secrets minus log2 of the rank of the planted one.

    A secret is ranked by its log-probability behind the canary's text, what follows it is not counted. The rank is exact
    where at most `nodes` beginnings of secrets have to be read (`exact_rank`), which is the case for secrets that are
    likely. For the others it is the rank among `references` random secrets, drawn anew for each canary: with k of n
    likelier, the interval is that of Clopper & Pearson (1934) for the share k / n, as bits. A secret likelier than all n
    has log2(n + 1) bits at least, and the number beyond is extrapolated. Raises InvalidData for a canary that is longer than
    the model's context, and Unsupported without canaries or references.

    It misleads as a statement about other texts: digits in a template are easier to learn than prose, and harder than
    eight known words.
    """
    if not len(canaries) or references < 1:
        raise Unsupported(
            f"Exposure cannot be measured of {len(canaries)} canaries with {references} references. Give one of each at least."
        )
    tables: dict[tuple[Family, str], Int[ndarray, "secret token"] | None] = {}
    rows: list[tuple[float, ...]] = []
    for at, canary in enumerate(canaries):
        key = (canary.family, split_gap(canary.before)[1])
        if key not in tables:
            tables[key] = product_table(canary.family, model.encoder, key[1])
        space = secret_space(canary, model.encoder, tables[key])
        rank = None if space is None else exact_rank(model, canary, space, nodes=nodes)
        loss, candidates = sampled_losses(model, canary, references=references, seed=seed * 1_000_003 + at)
        rows.append(_row(canary.family.size, rank, loss, candidates, level))
    columns = [np.array(column, np.float64) for column in zip(*rows, strict=True)]
    value, low, high, exact, ranked, beyond, beyond_low, beyond_high, fit, bits, loss = columns
    return CanaryExposures(
        tuple(canary.id for canary in canaries),
        tuple(canary.family.name for canary in canaries),
        np.array([canary.copies for canary in canaries], np.int64),
        value,
        low,
        high,
        exact == 1,
        ranked,
        beyond,
        beyond_low,
        beyond_high,
        fit,
        bits,
        loss,
        level,
    )


@checked
def exposure_by_copies(
    exposure: Float[ndarray, " canary"], copies: Int[ndarray, " canary"], *, level: float = 0.9
) -> dict[int, Estimate]:
    """Return the mean exposure in bits for each number of copies, 0 for null canaries: 1.44 is none, high is a leak.

    The interval is Student's over canaries, about other canaries in the same model; training again is another source of
    spread. NaN ends for one canary. Exposures of null canaries are exponential: of 40 of them it holds 1.44 bits in 89 % of
    simulated samples at level .9, of 10 in 85 %; `null_check` has an exact interval.
    """
    return {
        int(count): Estimate.of_mean(exposure[copies == count], "canary", level=level) for count in np.unique(copies)
    }


@dataclass(frozen=True)
class NullCheck:
    """What null canaries say about the measure itself: their mean exposure, and the p-value of what it should be.

    `mean` is in bits with its exact interval, `expected` what it is on average for the ranks that were taken (1.44 bits, a
    little less among few secrets), and `p_value` the chance of a distribution as far from it where all is right: a low
    value says that ranks are not uniform, so that other exposures are not what they seem.
    """

    mean: Estimate
    expected: float
    p_value: float


@checked
def null_check(
    exposure: Float[ndarray, " canary"], ranked: Float[ndarray, " canary"], *, seed: int = 0, level: float = 0.9
) -> NullCheck:
    """Check exposures of null canaries, each among `ranked` secrets: their mean has to be about 1.44 bits.

    The rank of a secret that was drawn at random and never planted is uniform, for every model; so its exposure is
    exponential with mean 1 / ln 2. The p-value is that of Kolmogorov and Smirnov's distance of rank / number of secrets from
    uniform, from 4,000 simulated sets of uniform ranks: at the null 5.0 % of 3,000 simulated audits of 40 canaries had one
    below .05. The interval of the mean is the gamma distribution's. Raises Unsupported without null canaries and for NaN.

    It misleads if null secrets were chosen by hand, or if what stands before them is in the corpus.
    """
    if not len(exposure) or np.isnan(exposure).any():
        raise Unsupported(
            f"{len(exposure)} null canaries, {np.count_nonzero(np.isnan(exposure))} without exposure, cannot be checked. "
            "Plant some that are in no document."
        )
    n, total = len(exposure), float(exposure.sum())
    tail = (1 - level) / 2
    low, high = (float(2 * total / stats.chi2.ppf(1 - each, 2 * n)) for each in (tail, 1 - tail))
    rng = np.random.default_rng([seed, 13])
    uniform = np.ceil(rng.random((DRAWS, n)) * ranked) / ranked
    distance, simulated = _distance(2.0 ** -exposure[None])[0], _distance(uniform)
    p_value = (1 + np.count_nonzero(simulated >= distance - 1e-12)) / (1 + DRAWS)
    expected = float(np.mean([_expected(each) for each in ranked]))
    return NullCheck(Estimate(total / n, low, high, n, "canary", level), expected, float(p_value))


def _row(
    size: int, rank: int | None, loss: float, candidates: Float[ndarray, " candidate"], level: float
) -> tuple[float, ...]:
    """Return one canary's columns of CanaryExposures, from `exposure` to `loss`."""
    bits, canary = float(np.log2(float(size))), np.array([loss])
    if rank is not None:
        value = bits - float(np.log2(rank))
        return (value, value, value, 1.0, float(size), *[np.nan] * 4, bits, loss)
    value = float(exposure(canary, candidates)[0])
    low, high = (float(end[0]) for end in exposure_interval(canary, candidates, level=level))
    row = (min(value, bits), min(low, bits), min(high, bits), 0.0, len(candidates) + 1.0)
    if (candidates <= loss).any():
        return (*row, *[np.nan] * 4, bits, loss)
    try:
        beyond = extrapolated_exposure(canary, candidates)
        ends = extrapolated_exposure_interval(canary, candidates, level=level)
    except Unsupported:
        return (*row, *[np.nan] * 4, bits, loss)
    found = (float(beyond.exposure[0]), float(ends[0][0]), float(ends[1][0]))
    return (*row, *[min(each, bits) for each in found], beyond.fit, bits, loss)


def _distance(share: Float[ndarray, "set canary"]) -> Float[ndarray, " set"]:
    """Return how far the distribution of each set is from uniform."""
    n = share.shape[1]
    ordered, step = np.sort(share, axis=1), np.arange(n + 1) / n
    return np.maximum(np.abs(ordered - step[1:]), np.abs(ordered - step[:-1])).max(axis=1)


def _expected(ranked: float) -> float:
    """Return the mean exposure of a uniform rank among so many secrets: log2 N minus log2(N!) / N."""
    return float(np.log2(ranked) - special.gammaln(ranked + 1) / np.log(2) / ranked)
