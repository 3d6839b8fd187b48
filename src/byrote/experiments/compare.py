"""Compare: train with remedies against memorization and without, and see what each does to memorization and accuracy.

All arms share the design, the canaries and the seeds, so they are compared run by run. Runs are spent on fewer and fewer arms.
"""

import json
import threading
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.typing import NDArray

from byrote import notebook
from byrote.errors import Diverged, InvalidData, Remedy, WrongRecord
from byrote.experiments.halving import FOLLOWED, Plan, Round, make_plan, smallest_budget, spend
from byrote.experiments.measures import MEASURES, Values, gap, hard_examples, measured, same_examples
from byrote.experiments.paired import Judged, change, front, front_shares, judge, ratio
from byrote.experiments.remedies import Arm, Given, arms_of
from byrote.experiments.removal import subdirectory
from byrote.experiments.timing import durations
from byrote.inputs.opening import open_task
from byrote.record import Record, finished_runs, make_ids
from byrote.record.storage import Place, exists, place, read_bytes, replacing
from byrote.stats.estimate import Estimate
from byrote.task.canaries import Canaries
from byrote.task.loading import CANARY_SHARE
from byrote.task.task import Task
from byrote.training.collect import collect, processes
from byrote.training.compute import Compute
from byrote.training.progress import Progress, Watcher
from byrote.training.workers import worker_pool

BUDGET = 108
"""Runs of a comparison of many arms, when the user does not say."""

EACH = 10
"""Runs of each arm, when the user does not say and all are followed to the end."""

FEWEST_CANARIES = 30
"""Canaries of each usual kind at least, where the data allow it."""

STATED = "comparison.json"
"""What a comparison is, in its directory: its arms and its rounds, stated before anything is trained, and which arms failed."""

UNIT = 1_000
"""Steps of progress that one run is shown as."""


@dataclass(frozen=True, eq=False)
class Result:
    """What was measured of one arm. `arm` is the text of its controls, `name` its directory, `values` hold one number per run.

    `changes` are paired differences to the unchanged task over the runs that both have, with 90 % intervals over runs, not
    corrected for the number of arms; that of `cost` is a ratio. `levels` are these changes added to the mean of the unchanged
    task, so that arms with other numbers of runs can be compared; its own are Student's. `judged` says what is shown when the
    number of arms is taken into account, None for an arm that was set aside earlier. `on_front`: no arm has both less
    memorization and more accuracy; `front_share` is how often that is so when all are measured again.
    """

    arm: str
    name: str
    family: str
    strength: float | None
    runs: int
    values: Values
    changes: Mapping[str, Estimate]
    levels: Mapping[str, Estimate]
    judged: Judged | None
    on_front: bool
    front_share: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """What remedies do to memorization and accuracy. `results` begin with the unchanged task.

    `failed` says of arms whose training diverged what happened, `skipped` why usual controls were left out. `judged_runs` is
    how many runs the verdicts rest on. `objective` is what is learned, `tested` whether there are test examples: else
    accuracy is that on training examples that were left out.
    """

    name: str
    directory: Place
    objective: str
    tested: bool
    plan: Plan
    judged_runs: int
    results: tuple[Result, ...]
    failed: Mapping[str, str]
    skipped: Mapping[str, str]
    canaries: str

    def _repr_html_(self) -> str:
        rows = [
            (each.arm, each.runs, *(notebook.number(size.value, size.low, size.high) for size in _shown(each)))
            for each in self.results
        ]
        columns = (
            "way of training",
            "runs",
            "memorization",
            "accuracy",
            "change of memorization",
            "change of accuracy",
        )
        note = (
            "Intervals at 90 % over runs, each for itself. byrote.write_comparison writes the page, with what is shown."
        )
        return notebook.table(f"Remedies for {self.name}", columns, rows, note)

    @property
    def unchanged(self) -> Result:
        """The task as it is."""
        return self.results[0]


@dataclass(frozen=True)
class Stated:
    """What a comparison will do: which `arms` it trains in which rounds, why usual controls are `skipped`, how many
    runs of the plan are `missing`, and about how many `seconds` they take (None: unknown).
    """

    arms: tuple[str, ...]
    plan: Plan
    skipped: Mapping[str, str]
    missing: int
    seconds: float | None


Announce = Callable[[Stated], None]


def compare(
    task: Task | str,
    controls: Sequence[Given] | None = None,
    directory: Path | str | None = None,
    *,
    runs: int | None = None,
    canaries: Canaries | None = None,
    seed: int = 0,
    compute: Compute = Compute(),
    progress: Watcher | None = None,
    on_plan: Announce | None = None,
) -> Comparison:
    """Train `task` unchanged and with each control, and compare memorization, leakage, accuracy, calibration and cost.

    `controls` are values of `byrote.controls`, their texts, or classes (or bare names) for all their strengths; several in
    one tuple, or joined by `+` in a text, act together. Default: about a dozen usual remedies; those that cannot act on the
    task are skipped. `runs` are trained in all, in rounds (see `halving.make_plan`): first all arms; then those nearest to
    the front of low memorization and high accuracy. `on_plan` is called with the rounds, and about how long they take, before
    anything is trained.

    Each arm is a record in `directory` (default: comparisons/NAME), which `byrote report` opens. Finished runs are never
    trained again: the same call goes on where it stopped, and more `runs` go to the arms of the last round. Canaries are
    those of `byrote.audit`, FEWEST_CANARIES of each usual kind at least. An arm whose training diverges is reported, and the
    others go on.

    It misleads when read as the best that a remedy can do: only the strengths given are tried, with the recipe as it is.
    Intervals are over runs, with the examples as given. Raises InvalidData for controls that cannot act, that contradict each
    other or are there twice, and for too few runs; WrongRecord when the directory holds another comparison.
    """
    found = open_task(task) if isinstance(task, str) else task
    arms, skipped = arms_of(found, controls)
    return compare_arms(
        arms,
        place(directory if directory is not None else Path("comparisons") / found.name),
        runs=default_budget(len(arms) - 1) if runs is None else runs,
        canaries=enough_canaries(found) if canaries is None else canaries,
        seed=seed,
        compute=compute,
        progress=progress,
        on_plan=on_plan,
        source=task if isinstance(task, str) else "",
        skipped=skipped,
    )


def compare_arms(
    arms: Sequence[Arm],
    where: Place,
    *,
    runs: int,
    canaries: Canaries,
    seed: int = 0,
    compute: Compute = Compute(),
    progress: Watcher | None = None,
    on_plan: Announce | None = None,
    source: str = "",
    skipped: Mapping[str, str] = MappingProxyType({}),
    beside: Collection[str] = (),
    keep_models: bool = False,
) -> Comparison:
    """Train these arms within so many runs in all, and measure them; the first is the one that others are compared with.

    `beside` are the ids of training examples that no measure counts, `keep_models` keeps the weights of all runs. Else as
    `compare`, which makes the arms of controls.
    """
    plan, failed = _state(where, arms, seed, runs, canaries)
    missing = max(plan.total - sum(min(len(_finished(where, arm)), plan.ends[-1]) for arm in arms), 0)
    workers = _workers(arms[0].task, canaries, seed, compute, plan)
    if on_plan is not None:
        on_plan(
            Stated(
                tuple(map(str, arms)),
                plan,
                skipped,
                missing,
                _seconds(arms, where, plan, canaries, seed, compute, missing, workers),
            )
        )
    with _pool(workers, compute) as pool:
        settings = _Settings(where, source, canaries, seed, compute, keep_models)
        trainer = _Trainer(arms, settings, pool, failed, _Whole(missing, progress))
        followed = spend(plan, [arm.family for arm in arms], trainer.look)
    _write(where, arms, seed, plan, canaries, trainer.failed)
    if progress is not None:
        progress(Progress(0, 0, 0, 0, stage="measuring"))
    return _measure(arms, where, plan, followed, trainer.failed, skipped, canaries, beside)


def default_budget(arms: int) -> int:
    """Return how many runs compare so many arms (without the unchanged one) when the user does not say."""
    return EACH * (arms + 1) if arms <= FOLLOWED else max(BUDGET, smallest_budget(arms))


def enough_canaries(task: Task) -> Canaries:
    """Return one per cent of the training examples of each usual kind; FEWEST_CANARIES at least, where the data allow it."""
    n = len(task.train)
    return Canaries.of_each(min(max(FEWEST_CANARIES, round(CANARY_SHARE * n)), n // 15))


def _seconds(
    arms: Sequence[Arm],
    where: Place,
    plan: Plan,
    canaries: Canaries,
    seed: int,
    compute: Compute,
    missing: int,
    workers: int,
) -> float | None:
    """Return about how long the missing runs take, those of an arm `Arm.cost` times as long as of the first; None: unknown."""
    if not missing:
        return 0.0
    each = durations(arms[0].task, [where / arms[0].name], canaries, seed, compute, together=plan.ends[0])
    if each is None:
        return None
    left = sum(arm.cost * max(plan.ends[-1] - len(_finished(where, arm)), 0) for arm in arms)
    runs = left if len(plan.rounds) == 1 else missing  # else which arms go on is not known yet
    return each.run * runs / workers + each.arm * len(arms)


@dataclass(frozen=True)
class _Settings:
    """What all arms of a comparison are trained with, and where."""

    where: Place
    source: str
    canaries: Canaries
    seed: int
    compute: Compute
    keep_models: bool


class _Trainer:
    """Trains arms up to a number of runs, as far as they are not there, several arms at once when processes are shared."""

    def __init__(
        self,
        arms: Sequence[Arm],
        settings: _Settings,
        pool: Executor | None,
        failed: dict[str, str],
        watch: "_Whole",
    ) -> None:
        self.arms, self.settings, self.where = arms, settings, settings.where
        self.pool, self.failed, self.watch = pool, failed, watch
        self.preparing = threading.Lock()

    def look(self, there: Sequence[int], runs: int) -> Float[ndarray, "2 arm run"]:
        """Train, and return memorization and accuracy of each run; NaN where an arm failed."""
        todo = [arm for arm in there if self.arms[arm].name not in self.failed]
        if self.pool is None:
            for arm in todo:
                self.train(arm, runs)
        else:
            self._together(todo, runs)
        return np.stack([self._seen(arm, runs) for arm in there], axis=1)

    def train(self, position: int, runs: int) -> None:
        """Train one arm; note when its training diverges."""
        arm = self.arms[position]
        own = self.settings
        compute = own.compute if self.pool is None else replace(own.compute, executor=self.pool, workers=None)
        wanted = max(runs, len(_finished(self.where, arm)))  # those of a later round may be there already
        watch = self.watch.of(position)
        held = _Held(self.preparing)

        def begun(now: Progress) -> None:
            held.release()  # torch's random state, which preparing needs, is this process's
            watch(now)

        held.acquire()
        try:
            collect(
                arm.task, subdirectory(_text(self.where), arm.name), runs=wanted, canaries=own.canaries, seed=own.seed,
                compute=compute, source=own.source if not position else "", keep_models=own.keep_models, progress=begun,
            )  # fmt: skip
        except Diverged as error:
            if not position:
                raise
            self.failed[arm.name] = error.fact
        finally:
            held.release()

    def _together(self, todo: Sequence[int], runs: int) -> None:
        workers = int(getattr(self.pool, "_max_workers", 1))
        with ThreadPoolExecutor(min(len(todo) or 1, -(-workers // runs) + 1)) as threads:
            futures = [threads.submit(self.train, arm, runs) for arm in todo]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                for future in futures:
                    future.cancel()
                _end(self.pool)
                raise

    def _seen(self, position: int, runs: int) -> Float[ndarray, "2 run"]:
        arm = self.arms[position]
        if arm.name in self.failed:
            return np.full((2, runs), np.nan)
        record = Record(subdirectory(_text(self.where), arm.name))
        train, test = record.population.where("train") & ~_never(arm, record), record.population.where("test")
        rows: list[tuple[float, float]] = []
        for run in range(runs):
            right, member = record.at_step(run, record.objective.outcome, record.last_step), record.member(run)
            rows.append((gap(right, member, train), float(right[test if test.any() else train & ~member].mean())))
        return np.array(rows, np.float64).T


class _Held:
    """A lock that is released once, by whichever comes first."""

    def __init__(self, lock: threading.Lock) -> None:
        self.lock, self.mine = lock, False

    def acquire(self) -> None:
        self.lock.acquire()
        self.mine = True

    def release(self) -> None:
        if self.mine:
            self.mine = False
            self.lock.release()


class _Whole:
    """Adds up the progress of all arms, over the runs of the whole plan that were missing when it began."""

    def __init__(self, missing: int, show: Watcher | None) -> None:
        self.missing, self.show, self.lock = missing, show, threading.Lock()
        self.runs, self.steps = dict[int, int](), dict[int, float]()
        self._say(())

    def of(self, arm: int) -> Watcher:
        """Return the watcher of the next collection of this arm."""
        runs, steps = self.runs.get(arm, 0), self.steps.get(arm, 0.0)

        def watch(now: Progress) -> None:
            with self.lock:
                self.runs[arm] = runs + now.runs
                self.steps[arm] = steps + now.of_runs * now.steps / max(now.of_steps, 1)
                self._say(now.finished)

        return watch

    def _say(self, finished: tuple[int, ...]) -> None:
        if self.show is None:
            return
        done = sum(self.runs.values())
        most = max(self.missing, done)
        self.show(Progress(min(round(UNIT * sum(self.steps.values())), UNIT * most), UNIT * most, done, most, finished))


def _workers(task: Task, canaries: Canaries, seed: int, compute: Compute, plan: Plan) -> int:
    """Return how many runs are trained at once: 1 where a GPU trains, or an executor whose width is unknown."""
    if compute.executor is not None or compute.device != "cpu" or compute.workers == 1:
        return int(getattr(compute.executor, "_max_workers", 1))
    return processes(task, canaries, seed, compute, plan.total)


@contextmanager
def _pool(workers: int, compute: Compute) -> Generator[Executor | None]:
    """Yield processes that all arms share, or None where one process trains, a GPU does, or an executor of the user."""
    if compute.executor is not None or compute.device != "cpu" or workers == 1:
        yield None
        return
    with worker_pool(workers) as pool:
        yield pool


def _end(pool: Any) -> None:
    pool.shutdown(wait=False, kill_workers=True)


def _state(
    where: Place, arms: Sequence[Arm], seed: int, budget: int, canaries: Canaries
) -> tuple[Plan, dict[str, str]]:
    """Return the rounds, which are written down before anything is trained, and which arms have failed already."""
    families = len({arm.family for arm in arms[1:]})
    if not exists(where / STATED):
        plan, failed = make_plan(len(arms) - 1, families, budget), {}
    else:
        plan, failed = _stated(where, arms, seed, canaries)
        if budget < plan.total and make_plan(len(arms) - 1, families, budget) != plan:
            raise InvalidData(
                f"{where} holds a comparison of {plan.total} runs, and {budget} are asked for. Give {plan.total} or more.",
                Remedy("another_directory"),
            )
        plan = plan.extended(budget)
    _write(where, arms, seed, plan, canaries, failed)
    return plan, failed


def _stated(where: Place, arms: Sequence[Arm], seed: int, canaries: Canaries) -> tuple[Plan, dict[str, str]]:
    try:
        found = json.loads(read_bytes(where / STATED))
        there = dict(found["arms"]), int(found["seed"]), str(found["canaries"])
        plan = Plan(tuple(Round(int(each[0]), int(each[1])) for each in found["rounds"]))
        failed = {str(name): str(why) for name, why in found["failed"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise WrongRecord(
            f"{where / STATED} cannot be read ({error}). Remove it.", Remedy("another_directory")
        ) from None
    here = {arm.name: str(arm) for arm in arms}, seed, str(canaries)
    if there != here:
        other = sorted(set(there[0].values()) ^ set(here[0].values()))
        what = f"of other arms ({', '.join(other[:3])})" if other else "with another seed or other canaries"
        raise WrongRecord(f"{where} holds a comparison {what}.", Remedy("another_directory"))
    return plan, failed


def _write(
    where: Place, arms: Sequence[Arm], seed: int, plan: Plan, canaries: Canaries, failed: Mapping[str, str]
) -> None:
    body = {
        "arms": {arm.name: str(arm) for arm in arms},
        "seed": seed,
        "canaries": str(canaries),
        "rounds": [[each.arms, each.runs] for each in plan.rounds],
        "failed": dict(failed),
    }
    if isinstance(where, Path):
        where.mkdir(parents=True, exist_ok=True)
    with replacing(where / STATED) as path:
        path.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")


def _measure(
    arms: Sequence[Arm],
    where: Place,
    plan: Plan,
    followed: Sequence[int],
    failed: Mapping[str, str],
    skipped: Mapping[str, str],
    canaries: Canaries,
    beside: Collection[str],
) -> Comparison:
    """Measure all arms that did not fail."""
    fine = [at for at, arm in enumerate(arms) if arm.name not in failed]
    records = {at: Record(subdirectory(_text(where), arms[at].name)) for at in fine}
    same_examples(list(records.values()))
    base = records[0]
    hard = hard_examples(base)
    values = {
        at: measured(record, [run for run in record.runs if run in base.runs], hard, ~_never(arms[at], record, beside))
        for at, record in records.items()
    }
    start = plan.judged_from
    last = [at for at in followed if at in fine]
    fresh = [np.stack([values[at][name][start:] for at in last]) for name in ("memorization", "accuracy")]
    judged = dict(zip(last[1:], judge(*fresh), strict=True))
    changes = {at: _changes(each, values[0]) for at, each in values.items()}
    levels = {at: _levels(changes[at], values[0], unchanged=not at) for at in fine}
    on_front = front(*([levels[at][name].value for at in fine] for name in ("memorization", "accuracy")))
    shares = front_shares(
        *([_difference(values[at], values[0], name) for at in fine] for name in ("memorization", "accuracy"))
    )
    results = [
        Result(
            str(arms[at]), arms[at].name, arms[at].family, _strength(arms[at]), len(values[at]["accuracy"]), values[at],
            changes[at], levels[at], judged.get(at), bool(on_front[row]), float(shares[row]),
        )
        for row, at in enumerate(fine)
    ]  # fmt: skip
    return Comparison(
        name=arms[0].task.name,
        directory=where,
        objective=base.objective.name,
        tested=bool(base.population.where("test").any()),
        plan=plan,
        judged_runs=fresh[0].shape[1],
        results=tuple(results),
        failed={str(arm): failed[arm.name] for arm in arms if arm.name in failed},
        skipped=skipped,
        canaries=str(canaries),
    )


def _shown(result: Result) -> list[Estimate]:
    """Return what a comparison shows of an arm in a notebook."""
    names = ("memorization", "accuracy")
    return [*(result.levels[name] for name in names), *(result.changes[name] for name in names)]


def _changes(values: Values, unchanged: Values) -> dict[str, Estimate]:
    return {
        each.name: (ratio if each.name == "cost" else change)(values[each.name], unchanged[each.name])
        for each in MEASURES
    }


def _levels(changes: Mapping[str, Estimate], base: Values, *, unchanged: bool) -> dict[str, Estimate]:
    """Return the changes added to the means of the unchanged task; for that task itself, its means."""
    found: dict[str, Estimate] = {}
    for name, moved in changes.items():
        own = Estimate.of_mean(base[name], "run", level=moved.level)
        shifted = replace(moved, value=own.value + moved.value, low=own.value + moved.low, high=own.value + moved.high)
        found[name] = own if unchanged else moved if name == "cost" else shifted
    return found


def _difference(values: Values, unchanged: Values, name: str) -> NDArray[np.float64]:
    n = min(len(values[name]), len(unchanged[name]))
    return values[name][:n] - unchanged[name][:n]


def _strength(arm: Arm) -> float | None:
    strength = arm.controls[0].strength if len(arm.controls) == 1 else None
    return float(strength) if isinstance(strength, int | float) else None


def _never(arm: Arm, record: Record, beside: Collection[str] = ()) -> Bool[ndarray, " example"]:
    """Return which examples this arm is never trained on, and those beside that are not counted."""
    return np.isin(record.population.ids, make_ids("train", sorted(arm.task.excluded.union(beside))))


def _finished(where: Place, arm: Arm) -> tuple[int, ...]:
    return finished_runs(where / arm.name)


def _text(where: Place) -> Path | str:
    return where if isinstance(where, Path) else str(where)
