"""How much was memorized, how sure that is, and what it would take to be surer."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy import ndarray

from byrote.evidence.evaluate import LEVEL, Values
from byrote.record import Record
from byrote.scores import memorization, shrunk_memorization
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.summaries import forecast, memorized_at_fdr, memorized_fraction, repeated_split_half
from byrote.task.designs import LEAST_RUNS

SPLITS = 10
"""Random halvings of the runs that the reliability of the textbook estimator is averaged over."""

THRESHOLDS = (0.25, 0.5)
FDR = 0.1
"""False-discovery rate of the list of memorized examples: the expected share of false ones in it, at most."""


@dataclass(frozen=True)
class ShareAbove:
    """Share of the training examples whose memorization is above a threshold, corrected for the noise of few runs.

    See `summaries.memorized_fraction`. A count of estimates would be too high: noise moves more examples above the
    threshold than below it.
    """

    threshold: float
    share: Estimate


@dataclass(frozen=True)
class MemorizationSummary:
    """Memorization of the real training examples: 0 is learned from the others, 1 is known by rote.

    `estimator` names the score of the single values. `mean` is the textbook estimator's, with a jackknife interval over runs.
    `above` are shares of the examples, for outcomes that are right or wrong (empty for numbers). `error` is the median over
    examples of the standard error of `memorization`, as `forecast` has it: that of `--until error=`. For outcomes that are
    numbers it is that of the values. `reliability` is the expected correlation with as many new runs (1 repeats exactly). Of
    shrunk values it is `held_out_reliability`, which is also what the progress bar shows and what `--until` is about; of
    textbook values value and interval are means over SPLITS random halvings, stepped up (`split_half`). Four times the `runs`
    halve `error` at best. `listed` examples pass the false-discovery rate FDR, of those with a value, `defined`; `above_mean`
    have an interval that lies above `mean`. `undefined` have no value. `left_out` is the mean number of runs without an example.
    """

    estimator: str
    mean: Estimate
    above: tuple[ShareAbove, ...]
    error: float
    reliability: Estimate | NotMeasured
    runs: int
    listed: int
    defined: int
    above_mean: int
    undefined: int
    left_out: float


def read_memorized(
    record: Record,
    values: Values,
    outcome: Shaped[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    reliability: Estimate | None,
    *,
    seed: int = 0,
) -> MemorizationSummary | NotMeasured:
    """Return the summary of memorization over real training examples; `reliability` is that of shrunk values, where known."""
    train = record.population.where("train")
    value = values.value[train]
    defined = np.isfinite(value)
    n = int(defined.sum())
    if not n:
        return NotMeasured("No training example was in the training set of some runs and left out of others.")
    outcomes = outcome[:, train], member[:, train]
    mean = mean_memorization(*outcomes)
    is_counted = outcome.dtype == np.bool_  # the correction for noise is for counts of right answers
    above = [ShareAbove(t, memorized_fraction(*outcomes, above=t, level=LEVEL)) for t in THRESHOLDS if is_counted]
    return MemorizationSummary(
        estimator=str(values.score),
        mean=mean,
        above=tuple(above),
        error=_error(*outcomes) if is_counted else _median(values.stderr[train][defined]),
        reliability=(
            _reliability_of_shrunk(reliability)
            if str(values.score) == str(shrunk_memorization)
            else _reliability(*outcomes, seed)
        ),
        runs=len(record.runs),
        listed=int(memorized_at_fdr(*outcomes, fdr=FDR).listed.sum()),
        defined=n,
        above_mean=int(np.count_nonzero(values.low[train][defined] > mean.value)),
        undefined=len(value) - n,
        left_out=float(values.runs_out[train].mean()),
    )


def _error(outcome: Shaped[ndarray, "run example"], member: Bool[ndarray, "run example"]) -> float:
    found = forecast(outcome, member)
    return np.nan if found is None else found.standard_error


def _median(errors: Float[ndarray, " example"]) -> float:
    return float(np.nanmedian(errors)) if np.isfinite(errors).any() else np.nan


def mean_memorization(outcome: Shaped[ndarray, "run example"], member: Bool[ndarray, "run example"]) -> Estimate:
    """Return the mean memorization of these examples, with its jackknife interval over runs (Tukey 1958)."""
    runs = len(outcome)
    mean = _nanmean(memorization(outcome, member))
    left_out = np.array([_nanmean(memorization(*_kept(outcome, member, run))) for run in range(runs)])
    return Estimate.of_parts(mean, left_out, "run", level=LEVEL)  # NaN ends if leaving out a run leaves no value


def _reliability_of_shrunk(found: Estimate | None) -> Estimate | NotMeasured:
    """Return the number that the progress bar shows and that `--until` compares with its target."""
    if found is None or np.isnan(found.value):
        return NotMeasured(f"All examples have the same value, or there are fewer than {LEAST_RUNS} runs.")
    return found


def _reliability(
    outcome: Shaped[ndarray, "run example"], member: Bool[ndarray, "run example"], seed: int
) -> Estimate | NotMeasured:
    runs = len(outcome)
    if runs < 4:
        return NotMeasured(f"{runs} runs cannot be split into two halves of two runs or more.")
    found = repeated_split_half(
        lambda half: memorization(outcome[half], member[half]),
        runs,
        times=SPLITS,
        seed=seed,
        member=member,
        level=LEVEL,
    )
    kept = [each for each in found if np.isfinite(each.value)]
    if not kept:
        return NotMeasured("No example has a value in both halves of the runs, or all values are equal.")
    value, low, high = (float(np.mean([getattr(each, end) for each in kept])) for end in ("value", "low", "high"))
    return Estimate(value, low, high, min(each.n for each in kept), "example", LEVEL)


def _kept(
    outcome: Shaped[ndarray, "run example"], member: Bool[ndarray, "run example"], run: int
) -> tuple[Shaped[ndarray, "kept example"], Bool[ndarray, "kept example"]]:
    kept = np.arange(len(outcome)) != run
    return outcome[kept], member[kept]


def _nanmean(values: ndarray) -> float:
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else float("nan")
