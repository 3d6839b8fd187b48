"""Responses: how much one run memorizes, in four ways, so that runs with the same seed can be compared between arms."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy import ndarray
from numpy.typing import NDArray

from byrote.evidence.outcomes import read_outcomes
from byrote.objectives.tokens import commonest
from byrote.record import Record, make_ids

HARD = 0.1
"""Share of the examples that are the hard ones: those that models not trained on them get right least often."""

SURE = 0.01
"""A model that is not this much better than one that ignores its input has learned nothing."""

NAMES = ("gap", "canaries", "tail", "accuracy")


@dataclass(frozen=True, eq=False)
class Measured:
    """What the runs of one arm say, one number per run.

    `gap`: accuracy on counted training examples that the run was trained on, minus on those that it was not. `canaries`: the
    same of the mislabeled ones that were planted. `accuracy`: on the test examples (`tested`), or on untouched training
    examples that were left out. `learned`: on those trained on; `baseline`: of always naming the commonest class. `correct`,
    `inside` and `outside` are of the untouched examples, for the tail: right or wrong, trained on, left out.
    """

    gap: Float[ndarray, " run"]
    canaries: Float[ndarray, " run"]
    accuracy: Float[ndarray, " run"]
    learned: Float[ndarray, " run"]
    seconds: Float[ndarray, " run"]
    baseline: float
    tested: bool
    correct: Shaped[ndarray, "run untouched"]
    inside: Bool[ndarray, "run untouched"]
    outside: Bool[ndarray, "run untouched"]

    @property
    def learned_nothing(self) -> bool:
        """Whether models are no better than one that ignores its input, even on what they were trained on."""
        return bool(self.learned.mean() <= self.baseline + SURE)


def measure(
    record: Record, as_is: Record, runs: int, counted: NDArray[np.str_], untouched: NDArray[np.str_]
) -> Measured:
    """Return what the first `runs` runs of a record say; raise MissingEvidence when a prediction was not recorded.

    `counted` and `untouched` are ids of training examples. Those left out are the ones that the same run of the task as it is
    left out: so all arms are asked about the same examples, and that some examples are easier than others cancels.
    """
    population = record.population
    chosen = record.runs[:runs]
    found = read_outcomes(record, runs=chosen)
    correct, member = found.correct, found.member
    out = ~member & ~np.stack([as_is.member(run) for run in chosen])
    test = population.where("test")
    all_counted, same = (np.isin(population.ids, make_ids("train", ids)) for ids in (counted, untouched))
    learned, others = _mean(correct, member & all_counted), _mean(correct, out & all_counted)
    planted = population.canary == "mislabeled"
    taken = record.seconds()
    return Measured(
        gap=learned - others,
        canaries=_mean(correct, member & planted) - _mean(correct, ~member & planted),
        accuracy=_mean(correct, np.broadcast_to(test, correct.shape) if test.any() else out & same),
        learned=learned,
        seconds=np.array([taken.get(run, np.nan) for run in chosen]),
        baseline=_baseline(record),
        tested=bool(test.any()),
        correct=correct[:, same],
        inside=member[:, same],
        outside=out[:, same],
    )


def tails(arms: Sequence[Measured]) -> Float[ndarray, "arm run"]:
    """Return the gap of each run on the hard tenth of the untouched examples: NaN where it has none of them on one side.

    Which examples are hard is said by the runs of all arms with other seeds: those not trained on an example get it right
    least often. So no run chooses what it is measured on, and all arms are measured on the same.
    """
    runs, number = arms[0].correct.shape
    right, seen = np.zeros((runs, number)), np.zeros((runs, number))
    for arm in arms:
        right += np.where(arm.outside, arm.correct, 0.0)
        seen += arm.outside
    found = np.full((len(arms), runs), np.nan)
    tie = np.random.default_rng(0).permutation(number)
    for run in range(runs):
        others = np.arange(runs) != run
        out = seen[others].sum(axis=0)
        share = np.where(out > 0, right[others].sum(axis=0) / np.maximum(out, 1), np.inf)
        hard = np.lexsort((tie, share))[: max(1, round(HARD * number))]
        for at, arm in enumerate(arms):
            correct, inside, outside = (each[run : run + 1, hard] for each in (arm.correct, arm.inside, arm.outside))
            found[at, run] = (_mean(correct, inside) - _mean(correct, outside))[0]
    return found


def _mean(values: Shaped[ndarray, "run example"], where: Bool[ndarray, "run example"]) -> Float[ndarray, " run"]:
    """Return the mean per run; NaN where there is nothing."""
    counts = where.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.where(where, values, 0.0).sum(axis=1) / np.where(counts, counts, np.nan)


def _baseline(record: Record) -> float:
    labels = record.population.labels[record.population.where("train")]
    if record.objective.name == "classification":
        return float(np.bincount(labels).max() / len(labels))
    if record.objective.name == "tokens":
        return commonest(labels)
    if record.objective.name == "multilabel":
        share = np.nanmean(labels, axis=0)
        return float(np.mean(np.maximum(share, 1 - share)))
    return 0.0
