"""Removal: retrain without the examples that matter most, and without as many others.

Feldman & Zhang, 2020, arXiv:2008.03703, figure 2.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Int, Shaped
from numpy import ndarray
from numpy.typing import NDArray

from byrote.controls import drop
from byrote.controls._examples import named
from byrote.errors import InvalidData
from byrote.evidence.evaluate import LEVEL
from byrote.evidence.outcomes import read_outcomes
from byrote.experiments.rankings import orders
from byrote.record import Record, make_ids
from byrote.signature import spell
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import student
from byrote.task.designs import DESIGN_STREAM
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.matching import check_same, to_task
from byrote.training.progress import Progress

NOTHING = "nothing"
"""What is removed for the models that all others are compared with."""

RANDOM = "random"
CHOSEN = "chosen"
KINDS = ("memorized", "influential", "suspect", RANDOM)
"""What is removed, in the order of the rows."""

HARD = 0.1
"""The hard test examples: this share of them, which the models of the record get right least often."""


@dataclass(frozen=True, eq=False)
class Without:
    """A design: every example but the first `count` of `order`. With `shuffled`, each run leaves out other ones of them."""

    what: str
    order: Int[ndarray, " rank"]
    count: int
    shuffled: bool = False
    name: ClassVar[str] = "without"

    def __str__(self) -> str:
        return spell(self.name, {"what": self.what, "count": self.count, "of": self.digest})

    @property
    def digest(self) -> str:
        """A short text that differs for other examples."""
        positions = np.sort(self.order) if self.shuffled else np.sort(self.order[: self.count])
        return hashlib.sha256(np.ascontiguousarray(positions, np.int64).data).hexdigest()[:16]

    def membership(self, blocks: Sequence[int], groups: NDArray[np.str_], seed: int) -> Bool[ndarray, "run example"]:
        """Return which examples each run is trained on; more runs do not change the earlier ones."""
        member = np.ones((sum(blocks), len(groups)), np.bool_)
        for run, row in enumerate(member):
            rng = np.random.default_rng([seed, DESIGN_STREAM, run])
            order = rng.permutation(self.order) if self.shuffled else self.order
            row[order[: self.count]] = False
        return member

    def default_runs(self, groups: NDArray[np.str_]) -> int:
        """Return five: enough for an interval."""
        return 5


@dataclass(frozen=True, eq=False)
class Removal:
    """The answers of retrained models to the test examples, by what was removed and how much of it.

    `right` says, for each kind of removal and share, which test examples each run got right (`seed test`; of a regression,
    their `r2`); NOTHING has the
    share 0 only. Runs of one seed start from the same weights in all of them. `removed` is how many examples were removed
    at each share, `hard` marks the hard test examples. Shares are of `candidates`, the real training examples of the record.
    `kinds` are those that were tried: KINDS, or CHOSEN and RANDOM where the examples were named.
    """

    shares: tuple[float, ...]
    removed: Mapping[float, int]
    candidates: int
    hard: Bool[ndarray, " test"]
    right: Mapping[tuple[str, float], Shaped[ndarray, "run test"]]
    kinds: tuple[str, ...] = KINDS

    def accuracy(self, what: str, share: float, *, hard: bool = False) -> Estimate:
        """Return the accuracy (or R2) on the test examples after this removal, with its interval over seeds: 1 is perfect."""
        return _mean(self._chosen(what, share, hard), new_tests=False)

    def change(
        self, what: str, share: float, *, against: str = RANDOM, hard: bool = False, new_tests: bool = False
    ) -> Estimate:
        """Return the accuracy (or R2) on the tests after this removal minus that after another (default: random), paired by seed.

        Below 0: removing these examples costs more accuracy than removing those of `against` (NOTHING: than removing none).
        The interval is over seeds and takes the test examples as given: it says what happens to these. With `new_tests`
        both vary, and it says what to expect on other test examples of the same kind (the variances of the two margins
        are added, which is too wide rather than too narrow; Owen, 2007). NaN bounds below two seeds.
        """
        base = self._chosen(against, 0.0 if against == NOTHING else share, hard)
        return _mean(self._chosen(what, share, hard) - base, new_tests=new_tests)

    def _chosen(self, what: str, share: float, hard: bool) -> NDArray[np.float64]:
        right = self.right[what, share].astype(np.float64)
        return right[:, self.hard] if hard else right


def remove(
    task: Task,
    record: Record,
    directory: Path | str,
    *,
    shares: Sequence[float] = (0.05, 0.1, 0.2),
    ids: str | Path | Iterable[object] | None = None,
    seeds: int = 5,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
    compute: Compute = Compute(),
) -> Removal:
    """Retrain without the most memorized, influential and suspect examples of `record`, and without random ones.

    With `ids` (or the path of a file of them, as in `byrote.controls.drop`), exactly these examples are removed, and as many
    random ones: `shares` do not count then. For each share of the real training examples, as many are removed in all four
    ways, in `seeds` runs each. The
    runs lie in `directory`, one record for each way and share; finished ones are not trained again, and more shares or
    seeds add to what is there. `compute` is as in `byrote.collect`. No canaries are planted, and the training examples that
    were canaries in `record` always stay in.

    It misleads when the record has few runs: the most memorized are then partly, and the influential mostly, chosen by
    chance. The influential are chosen for the very test examples they are measured on. The recipe is kept, so with fewer
    examples there are fewer updates: compare with random removal, not with the full set. Raises WrongRecord when `record` is
    not of this task, InvalidData for shares that remove no example or all, and for a task without test examples.
    """
    if task.test is None:
        raise InvalidData("Removal is measured on test examples, and this task has none. Give byrote.Task(test=).")
    if seeds < 2:
        raise InvalidData(f"{seeds} seed cannot give an interval. Give 2 or more.")
    candidates = check_same(task, record)
    if ids is None:
        counts = {share: removed_count(share, len(candidates)) for share in dict.fromkeys(shares)}
        designs, kinds = _designs(task, record, candidates, counts), KINDS
    else:
        counts, designs = _chosen(task, candidates, ids)
        kinds = (CHOSEN, RANDOM)
    watch, right = JointProgress(len(designs), progress), dict[tuple[str, float], NDArray[Any]]()
    for (what, share), design in designs.items():
        which = f"-{design.digest[:8]}" if what == CHOSEN else ""  # other lists may be as long
        where = subdirectory(directory, f"{what}-{design.count}{which}")
        found = collect(task, where, runs=seeds, design=design, seed=seed, compute=compute, progress=watch)
        watch.next()
        right[what, share] = _right(found, seeds)
    return Removal(tuple(counts), counts, len(candidates), _hard(task, record), right, kinds)


def removed_count(share: float, candidates: int) -> int:
    """Return how many examples a share is; raise InvalidData when that is none or all."""
    count = round(share * candidates) if 0 < share < 1 else 0
    if not 0 < count < candidates:
        raise InvalidData(f"A share of {share} of {candidates} examples cannot be removed. Give one between 0 and 1.")
    return count


def subdirectory(directory: Path | str, name: str) -> Path | str:
    """Return where something of this name lies in a directory, which may be a URL."""
    return f"{directory.rstrip('/')}/{name}" if isinstance(directory, str) else directory / name


class JointProgress:
    """Adds up the progress of several collections, each taken to be as long as the current one."""

    def __init__(self, collections: int, show: Callable[[Progress], None] | None) -> None:
        self.collections, self.done, self.show = collections, 0, show or (lambda _: None)

    def __call__(self, now: Progress) -> None:
        """Show how far all of them are."""
        self.show(
            Progress(
                self.done * now.of_steps + now.steps,
                self.collections * now.of_steps,
                self.done * now.of_runs + now.runs,
                self.collections * now.of_runs,
                now.finished,
            )
        )

    def next(self) -> None:
        """Go on to the next collection."""
        self.done += 1


def _designs(
    task: Task, record: Record, candidates: Int[ndarray, " candidate"], counts: Mapping[float, int]
) -> dict[tuple[str, float], Without]:
    """Return what each record is trained without, by kind of removal and share; NOTHING comes first."""
    ranked = {what: to_task(task, record, order) for what, order in orders(record).items()}
    designs = {(NOTHING, 0.0): Without(NOTHING, candidates, 0)}
    for share, count in counts.items():
        designs |= {(what, share): Without(what, order, count) for what, order in ranked.items()}
        designs[RANDOM, share] = Without(RANDOM, candidates, count, shuffled=True)
    return designs


def _chosen(
    task: Task, candidates: Int[ndarray, " candidate"], ids: str | Path | Iterable[object]
) -> tuple[dict[float, int], dict[tuple[str, float], Without]]:
    """Return how many examples were named, by their share, and what each record is trained without."""
    control = drop(ids)
    named_ids = named(control, task, control.ids)
    order = candidates[named_ids[candidates]]
    if len(order) < named_ids.sum():
        raise InvalidData(
            f"{named_ids.sum() - len(order)} of the {named_ids.sum()} ids are of examples that the record has as canaries, which always stay in. Leave them out."
        )
    if not 0 < len(order) < len(candidates):
        raise InvalidData(f"{len(order)} of {len(candidates)} examples are named. Name some, and leave some in.")
    share = len(order) / len(candidates)
    designs = {
        (NOTHING, 0.0): Without(NOTHING, candidates, 0),
        (CHOSEN, share): Without(CHOSEN, order, len(order)),
        (RANDOM, share): Without(RANDOM, candidates, len(order), shuffled=True),
    }
    return {share: len(order)}, designs


def _right(record: Record, runs: int) -> Shaped[ndarray, "run test"]:
    """Return which test examples the first `runs` runs get right at the end."""
    test = np.flatnonzero(record.population.where("test"))
    return read_outcomes(record, runs=record.runs[:runs], positions=test).correct


def _hard(task: Task, record: Record) -> Bool[ndarray, " test"]:
    """Return the test examples that the record's models get right least often; of equals, those with the largest loss."""
    population = record.population
    test = np.flatnonzero(population.where("test"))
    right = read_outcomes(record, positions=test).correct.mean(axis=0)
    loss = read_outcomes(record, column="loss", positions=test, missing="nan").correct.mean(axis=0)
    chosen = test[np.lexsort((-loss, right))[: max(1, round(HARD * len(test)))]]
    return np.isin(make_ids("test", () if task.test is None else task.test.ids), population.ids[chosen])


def _mean(values: NDArray[np.float64], *, new_tests: bool) -> Estimate:
    runs, tests = values.shape
    variance = values.mean(axis=1).var(ddof=1) if runs > 1 else np.nan
    if new_tests:
        variance += runs * values.mean(axis=0).var(ddof=1) / tests if tests > 1 else np.nan
    low, high = student(values.mean(), variance, runs, level=LEVEL)
    return Estimate(float(values.mean()), float(low), float(high), runs, "seed", LEVEL)
