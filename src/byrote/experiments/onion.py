"""The onion effect: without the most memorized examples, are others memorized? Carlini et al., 2022, arXiv:2206.10469."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from byrote.errors import ByroteError
from byrote.evidence.best_memorization import best_memorization
from byrote.evidence.evaluate import LEVEL
from byrote.evidence.outcomes import Outcomes, read_outcomes
from byrote.experiments.removal import Together, inside, removed_count
from byrote.explain.dependents import MEMORIZED
from byrote.record import Record
from byrote.record.ids import make_id
from byrote.scores import memorization
from byrote.stats.estimate import Estimate
from byrote.task.designs import DESIGN_STREAM, Design, Subsets, parse_design
from byrote.task.task import Task
from byrote.training.collect import Progress, collect
from byrote.training.matching import check_same, to_task

Statistic = Callable[[Outcomes, Outcomes], float]


@dataclass(frozen=True)
class Onion:
    """How memorization of the rest changes when the most memorized are gone, against as many random ones gone.

    All numbers are about the same `compared` examples, which are in both new training sets and were memorized at less than
    `threshold` before. `now` is the share of them memorized at `threshold` or more without the most memorized,
    `by_chance` the same without random ones: that is what noise and a smaller training set do alone. `new_layer` is
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
    **settings: Any,
) -> Onion:
    """Leave out this share of the most memorized examples, measure memorization of the rest anew, and compare.

    Two records are collected in `directory`, without the most memorized and without as many random ones, each with
    `runs` runs (default: as many as `record` has) of `design` (default: that of `record`; of
    a loop of one's own, random subsets). `settings` are those of `byrote.collect`; finished runs are not
    trained again. No canaries are planted.

    It misleads with few runs, in which a threshold is passed by chance: look at `by_chance` first, and at `rise`, which
    needs no threshold. There is one control; another set of random ones would give another number. Raises WrongRecord when
    `record` is not of this task, InvalidData for a share that leaves out nobody or everybody.
    """
    candidates = check_same(task, record)
    count, total = removed_count(share, len(candidates)), len(record.runs) if runs is None else runs
    chosen = _design_of(record) if design is None else design
    values = best_memorization(record)
    ranked = values.ranked(record.population.where("train"))
    order = to_task(task, record, ranked)
    drawn = np.random.default_rng([seed, DESIGN_STREAM]).permutation(candidates)
    out = {"memorized": order[:count], "random": drawn[:count]}
    watch, found = Together(len(out), progress), list[Record]()
    for what, positions in out.items():
        kept = np.ones(len(task.train), np.bool_)
        kept[positions] = False
        rest = replace(task, train=task.train[kept])
        found.append(
            collect(
                rest,
                inside(directory, f"peeled-{what}-{count}"),
                runs=total,
                design=chosen,
                seed=seed,
                progress=watch,
                **settings,
            )
        )
        watch.next()
    left = ~np.isin(order, np.concatenate(list(out.values()))) & (values.value[ranked] < threshold)
    compared, following = order[left], order[left][:count]
    peeled, control = (_read(task, each, compared) for each in found)
    first = np.arange(len(compared)) < len(following)

    def estimate(statistic: Statistic) -> Estimate:
        return _over_runs(statistic, peeled, control)

    return Onion(
        share=share,
        removed=count,
        compared=len(compared),
        threshold=threshold,
        now=estimate(lambda a, _: _memorized(a, threshold)),
        by_chance=estimate(lambda _, b: _memorized(b, threshold)),
        new_layer=estimate(lambda a, b: _memorized(a, threshold) - _memorized(b, threshold)),
        rise=estimate(lambda a, b: _rise(a, b, np.ones_like(first))),
        next=len(following),
        next_rise=estimate(lambda a, b: _rise(a, b, first)),
    )


def _design_of(record: Record) -> Design:
    try:
        return parse_design(str(record.manifest.get("design")))
    except ByroteError:
        return Subsets()


def _read(task: Task, record: Record, compared: Int[ndarray, " example"]) -> Outcomes:
    """Return the answers about these examples of the task, in this order."""
    home = {str(name): at for at, name in enumerate(record.population.ids)}
    at = np.array([home[make_id("train", name)] for name in task.train.ids[compared]], np.int64)
    return read_outcomes(record, positions=at)


def _memorized(answers: Outcomes, threshold: float) -> float:
    value = memorization(answers.correct, answers.member)
    return _mean(value >= threshold, np.isfinite(value))


def _rise(peeled: Outcomes, control: Outcomes, who: Bool[ndarray, " example"]) -> float:
    difference = memorization(peeled.correct, peeled.member) - memorization(control.correct, control.member)
    return _mean(difference, np.isfinite(difference) & who)


def _mean(values: ndarray, who: Bool[ndarray, " example"]) -> float:
    return float(values[who].mean()) if who.any() else float("nan")


def _over_runs(statistic: Statistic, peeled: Outcomes, control: Outcomes) -> Estimate:
    """Return the statistic with its variance from leaving out one run of each record at a time (Tukey 1958)."""
    runs = len(peeled.correct)
    value = statistic(peeled, control)
    without = np.array([statistic(_spared(peeled, run), _spared(control, run)) for run in range(runs)])
    return Estimate.of_parts(value, without, "run", level=LEVEL)


def _spared(answers: Outcomes, run: int) -> Outcomes:
    kept = np.arange(len(answers.correct)) != run
    return Outcomes(answers.correct[kept], answers.member[kept])
