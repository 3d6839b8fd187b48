"""The onion effect: with the most memorized examples removed, are others memorized? Carlini et al., 2022, arXiv:2206.10469."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from byrote.errors import ByroteError
from byrote.evidence.best_memorization import best_memorization
from byrote.evidence.evaluate import LEVEL
from byrote.evidence.outcomes import Outcomes, read_outcomes
from byrote.experiments.removal import JointProgress, removed_count, subdirectory
from byrote.explain.dependents import MEMORIZED
from byrote.record import Record, make_ids
from byrote.scores import memorization
from byrote.stats.estimate import Estimate
from byrote.task.designs import DESIGN_STREAM, Design, Subsets, parse_design
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.matching import check_same, to_task
from byrote.training.progress import Progress

Statistic = Callable[[Outcomes, Outcomes], float]


@dataclass(frozen=True)
class Onion:
    """How memorization of the rest changes when the most memorized are removed, compared with removing as many random ones.

    All numbers are about the same `compared` examples, which are in both new training sets and were memorized at less than
    `threshold` before. `now` is the share of them memorized at `threshold` or more without the most memorized,
    `by_chance` the same without random ones: the effect of noise and of a smaller training set alone. `new_layer` is
    the first minus the second: above 0, a new layer has appeared. `rise` is the mean difference of memorization
    between the two, `next_rise` that of the `next` ones among them that were most memorized before. Intervals are
    over runs (leaving out one of each record at a time), with the examples as given.
    """

    share: float
    removed: int
    compared: int
    threshold: float
    now: Estimate
    by_chance: Estimate
    new_layer: Estimate
    rise: Estimate
    next: int
    next_rise: Estimate


def peel(
    task: Task,
    record: Record,
    directory: Path | str,
    *,
    share: float = 0.1,
    design: Design | None = None,
    runs: int | None = None,
    threshold: float = MEMORIZED,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
    compute: Compute = Compute(),
) -> Onion:
    """Remove this share of the most memorized examples, measure memorization of the rest again, and compare.

    Two records are collected in `directory`, without the most memorized and without as many random ones, each with
    `runs` runs (default: as many as `record` has) of `design` (default: that of `record`; random subsets where a training
    loop of the user's own wrote it). `compute` is as in `byrote.collect`; finished runs are not
    trained again. No canaries are planted.

    It misleads with few runs, in which a threshold is passed by chance: look at `by_chance` first, and at `rise`, which
    needs no threshold. There is one control; another set of random ones would give another number. Raises WrongRecord when
    `record` is not of this task, InvalidData for a share that removes no example or all.
    """
    candidates = check_same(task, record)
    count = removed_count(share, len(candidates))
    values = best_memorization(record)
    ranked = values.ranked(record.population.where("train"))
    order = to_task(task, record, ranked)
    drawn = np.random.default_rng([seed, DESIGN_STREAM]).permutation(candidates)
    removed = {"memorized": order[:count], "random": drawn[:count]}
    total, chosen = len(record.runs) if runs is None else runs, design or _design_of(record)
    peeled, control = _collect_without(removed, task, directory, total, chosen, seed, compute, progress)
    rest = ~np.isin(order, np.concatenate(list(removed.values()))) & (values.value[ranked] < threshold)
    compared = order[rest]
    return _compare(_outcomes(task, peeled, compared), _outcomes(task, control, compared), share, count, threshold)


def _collect_without(
    removed: Mapping[str, Int[ndarray, " rank"]],
    task: Task,
    directory: Path | str,
    runs: int,
    design: Design,
    seed: int,
    compute: Compute,
    progress: Callable[[Progress], None] | None,
) -> list[Record]:
    """Collect one record for each set of training examples to remove, in their order."""
    watch, found = JointProgress(len(removed), progress), list[Record]()
    for what, positions in removed.items():
        kept = np.ones(len(task.train), np.bool_)
        kept[positions] = False
        where = subdirectory(directory, f"peeled-{what}-{len(positions)}")
        rest = replace(task, train=task.train[kept])
        found.append(collect(rest, where, runs=runs, design=design, seed=seed, compute=compute, progress=watch))
        watch.next()
    return found


def _compare(peeled: Outcomes, control: Outcomes, share: float, count: int, threshold: float) -> Onion:
    """Compare memorization of the same examples, most memorized before first, in the two records."""
    compared = peeled.correct.shape[1]
    following = min(count, compared)
    first = np.arange(compared) < following

    def estimate(statistic: Statistic) -> Estimate:
        return _over_runs(statistic, peeled, control)

    return Onion(
        share=share,
        removed=count,
        compared=compared,
        threshold=threshold,
        now=estimate(lambda a, _: _memorized(a, threshold)),
        by_chance=estimate(lambda _, b: _memorized(b, threshold)),
        new_layer=estimate(lambda a, b: _memorized(a, threshold) - _memorized(b, threshold)),
        rise=estimate(lambda a, b: _rise(a, b, np.ones_like(first))),
        next=following,
        next_rise=estimate(lambda a, b: _rise(a, b, first)),
    )


def _design_of(record: Record) -> Design:
    try:
        return parse_design(str(record.manifest.get("design")))
    except ByroteError:
        return Subsets()


def _outcomes(task: Task, record: Record, compared: Int[ndarray, " example"]) -> Outcomes:
    """Return the outcomes of these training examples of the task, in this order."""
    home = {str(name): at for at, name in enumerate(record.population.ids)}
    at = np.array([home[name] for name in make_ids("train", task.train.ids[compared])], np.int64)
    return read_outcomes(record, positions=at)


def _memorized(outcomes: Outcomes, threshold: float) -> float:
    """Return the share of examples that are memorized at the threshold or more."""
    value = memorization(outcomes.correct, outcomes.member)
    return _mean(value >= threshold, np.isfinite(value))


def _rise(peeled: Outcomes, control: Outcomes, mask: Bool[ndarray, " example"]) -> float:
    """Return the mean difference of memorization between the two records over the examples of the mask."""
    difference = memorization(peeled.correct, peeled.member) - memorization(control.correct, control.member)
    return _mean(difference, np.isfinite(difference) & mask)


def _mean(values: ndarray, mask: Bool[ndarray, " example"]) -> float:
    return float(values[mask].mean()) if mask.any() else float("nan")


def _over_runs(statistic: Statistic, peeled: Outcomes, control: Outcomes) -> Estimate:
    """Return the statistic with its interval from leaving out one run of each record at a time (Tukey 1958)."""
    parts = [statistic(_leave_out(peeled, run), _leave_out(control, run)) for run in range(len(peeled.correct))]
    return Estimate.of_parts(statistic(peeled, control), np.array(parts), "run", level=LEVEL)


def _leave_out(outcomes: Outcomes, run: int) -> Outcomes:
    kept = np.arange(len(outcomes.correct)) != run
    return Outcomes(outcomes.correct[kept], outcomes.member[kept])
