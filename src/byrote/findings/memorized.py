"""How much was memorized, how sure that is, and what it would take to be surer."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.evidence.evaluate import LEVEL, Values
from byrote.record import Record
from byrote.scores import memorization, shrunk_memorization
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.summaries import memorized_at_fdr, memorized_fraction, repeated_split_half

SPLITS = 10
"""Random halvings of the runs that the reliability of the textbook estimator is averaged over."""

RESAMPLES = 200
"""Times that the examples are drawn again, for the interval of the reliability of beliefs."""

THRESHOLDS = (0.25, 0.5)
FDR = 0.1


@dataclass(frozen=True)
class Above:
    """Share of the training examples whose memorization is above a threshold, without the noise of few runs.

    See `summaries.memorized_fraction`. Counting estimates would count noise: chance pushes examples over the
    threshold more often than back.
    """

    threshold: float
    share: Estimate


@dataclass(frozen=True)
class Memorized:
    """Memorization of the real training examples: 0 is learned from the others, 1 is known by rote.

    `estimator` names the score that the single values are of. `mean` is the textbook estimator's, with a jackknife
    interval over runs. `error` is the median standard error of one example's value. `reliability` is the correlation to
    expect with as many new runs (1 repeats exactly). Of shrunk values it is the share of their spread that is not error
    (see `_reliability_of_beliefs`); of textbook values the mean of SPLITS random halvings, stepped up, and its low and
    high are the least and greatest of them. Four times the `runs` halve `error` at best. `listed` examples are on a list
    of memorized ones of which a share of FDR is false at most, on average.
    """

    estimator: str

    mean: Estimate
    above: tuple[Above, ...]
    error: float
    reliability: Estimate | NotMeasured
    runs: int
    listed: int
    undefined: int


def read_memorized(
    record: Record,
    values: Values,
    correct: Bool[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    seed: int = 0,
) -> Memorized | NotMeasured:
    """Return the summary of memorization over real training examples."""
    train = record.population.where("train")
    value = values.value[train]
    defined = np.isfinite(value)
    n = int(defined.sum())
    if not n:
        return NotMeasured("No training example was in some runs and left out of others.")
    asked = correct[:, train], member[:, train]
    above = tuple(Above(t, memorized_fraction(*asked, above=t, level=LEVEL)) for t in THRESHOLDS)
    return Memorized(
        estimator=str(values.score),
        mean=_mean(correct[:, train], member[:, train]),
        above=above,
        error=float(np.median(values.stderr[train][defined])),
        reliability=(
            _reliability_of_beliefs(value[defined], values.stderr[train][defined], seed)
            if str(values.score) == str(shrunk_memorization)
            else _reliability(correct[:, train], member[:, train], seed)
        ),
        runs=len(record.runs),
        listed=int(memorized_at_fdr(*asked, fdr=FDR).listed.sum()),
        undefined=len(value) - n,
    )


def _mean(correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"]) -> Estimate:
    """Return mean memorization, with its variance from leaving out one run at a time (Tukey 1958)."""
    runs = len(correct)
    mean = _nanmean(memorization(correct, member))
    without = np.array([_nanmean(memorization(*_kept(correct, member, run))) for run in range(runs)])
    return Estimate.of_parts(mean, without, "run", level=LEVEL)  # NaN if a run cannot be spared


def _reliability_of_beliefs(
    value: Float[ndarray, " example"], error: Float[ndarray, " example"], seed: int
) -> Estimate | NotMeasured:
    """Return v / (v + e) with the variance v of mean beliefs and their mean squared error e; interval: examples resampled.

    The truth is a mean belief and an error that it does not know of, so this is their squared correlation. Against long
    ensembles it is right to .01, or too low by up to .03 (docs/theory.md).
    """
    if not value.var():
        return NotMeasured("All examples have the same value.")
    share = lambda who: value[who].var() / (value[who].var() + np.mean(error[who] ** 2))  # noqa: E731
    drawn = np.random.default_rng(seed).integers(0, len(value), (RESAMPLES, len(value)))
    low, high = np.quantile([share(who) for who in drawn], [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return Estimate(float(share(slice(None))), float(low), float(high), len(value), "example", LEVEL)


def _reliability(
    correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"], seed: int
) -> Estimate | NotMeasured:
    runs = len(correct)
    if runs < 4:
        return NotMeasured(f"{runs} runs cannot be cut into two halves of two runs or more.")
    found = repeated_split_half(
        lambda half: memorization(correct[half], member[half]), runs, times=SPLITS, seed=seed, level=LEVEL
    )
    kept = np.array([each.value for each in found if np.isfinite(each.value)])
    if not len(kept):
        return NotMeasured("The halves of the runs share no example with a value in both, or have no spread.")
    return Estimate(float(kept.mean()), float(kept.min()), float(kept.max()), len(kept), "split", LEVEL)


def _kept(
    correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"], run: int
) -> tuple[Bool[ndarray, "kept example"], Bool[ndarray, "kept example"]]:
    kept = np.arange(len(correct)) != run
    return correct[kept], member[kept]


def _nanmean(values: ndarray) -> float:
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else float("nan")
