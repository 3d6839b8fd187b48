"""Reliability of any score: the split-half correlation over random halvings of the runs."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.errors import MissingEvidence, Remedy, Unsupported
from byrote.evidence.columns import per_run
from byrote.evidence.evaluate import LEVEL, evaluate
from byrote.record import Record
from byrote.signature import Score
from byrote.stats.estimate import Estimate
from byrote.summaries import split_half


def reliability(
    score: Score,
    record: Record,
    *,
    where: str = "train",
    halvings: int = 20,
    rank: bool = True,
    seed: int = 0,
    level: float = LEVEL,
) -> Estimate:
    """Correlation to expect with the same score of as many new runs: 1 repeats exactly, 0 is noise.

    The runs are cut at random into two halves (an odd one sits out), the score is computed from each, and `split_half`
    steps their correlation up to the whole (Spearman's, or Pearson's without `rank`). The value and the ends of the
    interval are means over `halvings` of these; the interval speaks of other examples like those of the split `where`,
    of which n counts those with a value in both halves, at least. Halvings without a correlation are left out. Raises
    MissingEvidence where a half would have too few runs, Unsupported when no halving has a correlation.

    It misleads as validity: what all runs share repeats, right or wrong. Where few examples differ, most of a ranking
    is ties, and the rank correlation says little about the top.
    """
    across = "run" in score.axes
    needed = 4 if across else 2
    if len(record.runs) < needed:
        raise MissingEvidence(
            f"The reliability of {score} needs {needed} runs or more, but {record.directory} has {len(record.runs)} "
            "finished.",
            Remedy("more_runs", needed),
        )
    mask = record.population.where(where)
    halves = _across(score, record, halvings, seed) if across else _within(score, record, halvings, seed)
    found = [split_half(first[mask], second[mask], rank=rank, level=level) for first, second in halves]
    kept = [each for each in found if not np.isnan(each.value)]
    if not kept:
        raise Unsupported(
            f"The halves of {len(record.runs)} runs share no spread of {score} over the {int(mask.sum())} {where} "
            "examples. Collect more runs."
        )
    value, low, high = (float(np.mean([getattr(each, end) for each in kept])) for end in ("value", "low", "high"))
    return Estimate(value, low, high, min(each.n for each in kept), "example", level)


Halves = Iterator[tuple[Float[ndarray, " example"], Float[ndarray, " example"]]]


def _cuts(runs: int, halvings: int, seed: int) -> Iterator[tuple[ndarray, ndarray]]:
    rng = np.random.default_rng(seed)
    for _ in range(halvings):
        order = rng.permutation(runs)
        yield order[: runs // 2], order[runs // 2 : runs // 2 * 2]


def _across(score: Score, record: Record, halvings: int, seed: int) -> Halves:
    for first, second in _cuts(len(record.runs), halvings, seed):
        one, other = (evaluate(score, record, runs=[record.runs[i] for i in half]) for half in (first, second))
        yield one.value, other.value


def _within(score: Score, record: Record, halvings: int, seed: int) -> Halves:
    """As `evaluate` averages over the runs that were trained on an example, but with each run read once."""
    values = np.stack([said for _, said in per_run(score, record)])
    member = np.stack([record.member(run) for run in record.runs])
    for first, second in _cuts(len(values), halvings, seed):
        yield _mean(values[first], member[first]), _mean(values[second], member[second])


def _mean(values: Float[ndarray, "run example"], member: Bool[ndarray, "run example"]) -> Float[ndarray, " example"]:
    """Return the mean of the finite values, or infinity where at least half of them are infinite."""
    finite = member & np.isfinite(values)
    count, extreme = finite.sum(axis=0), np.where(member & np.isinf(values), np.sign(values), 0.0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.sum(values, axis=0, where=finite) / count
    return np.where((extreme != 0) & (np.abs(extreme) >= count), np.copysign(np.inf, extreme), mean)
