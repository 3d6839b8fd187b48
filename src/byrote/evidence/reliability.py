"""Reliability of any score: the split-half correlation over random halvings of the runs."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from byrote.errors import MissingEvidence, Remedy, Unsupported
from byrote.evidence.columns import per_run
from byrote.evidence.evaluate import LEVEL, evaluate
from byrote.record import Record
from byrote.signature import Score
from byrote.stats.estimate import Estimate
from byrote.summaries import repeated_split_half


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
    """Expected correlation with the same score from as many new runs: 1 repeats exactly, 0 is noise.

    The runs are cut at random into two halves (an odd one is left out), the score is computed from each, and `split_half`
    steps their correlation up to the whole (Spearman's, or Pearson's without `rank`). The value and the ends of the
    interval are means over `halvings` of these. The interval is about other examples like those of the split `where`;
    n is the least number of them with a value in both halves. Halvings without a correlation are left out. Raises
    MissingEvidence where a half would have too few runs, Unsupported when no halving has a correlation.

    It misleads as validity: an error that all runs share repeats too. Where few examples differ, most of a ranking is
    ties, and the rank correlation says little about the top.
    """
    across = "run" in score.axes
    needed = 4 if across else 2
    if len(record.runs) < needed:
        raise MissingEvidence(
            f"The reliability of {score} needs {needed} runs or more, but {record.directory} has {len(record.runs)} "
            "finished.",
            Remedy("more_runs", needed, record.door),
        )
    mask = record.population.where(where)
    score_half = _across(score, record, mask) if across else _within(score, record, mask)
    member = np.stack([record.member(run)[mask] for run in record.runs]) if across else None
    found = repeated_split_half(
        score_half, len(record.runs), times=halvings, rank=rank, seed=seed, member=member, level=level
    )
    kept = [each for each in found if not np.isnan(each.value)]
    if not kept:
        raise Unsupported(
            f"{score} from halves of the {len(record.runs)} runs has no correlation over the {int(mask.sum())} {where} "
            "examples. Collect more runs."
        )
    value, low, high = (float(np.mean([getattr(each, end) for each in kept])) for end in ("value", "low", "high"))
    return Estimate(value, low, high, min(each.n for each in kept), "example", level)


ScoreHalf = Callable[[Int[ndarray, " half"]], Float[ndarray, " example"]]


def _across(score: Score, record: Record, mask: Bool[ndarray, " example"]) -> ScoreHalf:
    """Return the score of half of the runs, as `evaluate` has it."""
    return lambda half: evaluate(score, record, runs=[record.runs[i] for i in half]).value[mask]


def _within(score: Score, record: Record, mask: Bool[ndarray, " example"]) -> ScoreHalf:
    """Return the mean of the score over half of the runs, as `evaluate` has it, but with each run read only once."""
    values = np.stack([of_run for _, of_run in per_run(score, record)])[:, mask]
    member = np.stack([record.member(run) for run in record.runs])[:, mask]
    return lambda half: _mean(values[half], member[half])


def _mean(values: Float[ndarray, "run example"], member: Bool[ndarray, "run example"]) -> Float[ndarray, " example"]:
    """Return the mean of the finite values, or infinity where at least half of them are infinite."""
    finite = member & np.isfinite(values)
    count, extreme = finite.sum(axis=0), np.where(member & np.isinf(values), np.sign(values), 0.0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.sum(values, axis=0, where=finite) / count
    return np.where((extreme != 0) & (np.abs(extreme) >= count), np.copysign(np.inf, extreme), mean)
