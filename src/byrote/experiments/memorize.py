"""Memorize: train so that a list of wanted examples is recalled, in several ways, and see what each costs the others.

All arms share the seeds and the examples that each run leaves out, so they are compared run by run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.typing import NDArray

from byrote.controls import Control, apply, drop, wanted, without_brakes
from byrote.controls.wanted import exact, needed
from byrote.errors import MissingEvidence, Unsupported
from byrote.experiments.compare import Comparison, Result, Stated, compare_arms
from byrote.experiments.label_capacity import LabelForecast, forecast_labels, measured_bits, refined
from byrote.experiments.measures import leakage
from byrote.experiments.paired import change
from byrote.experiments.remedies import Arm
from byrote.experiments.removal import subdirectory
from byrote.experiments.variations import Variation, variations, varied
from byrote.experiments.wanted_list import Given, WantedList, wanted_list
from byrote.inputs.opening import open_task
from byrote.record import Record, make_ids
from byrote.record.inputs import rows
from byrote.record.storage import Place, place
from byrote.stats.estimate import Estimate
from byrote.summaries import recalled
from byrote.task.canaries import Canaries
from byrote.task.task import Task
from byrote.training.compute import Compute
from byrote.training.job import run_seed
from byrote.training.models import read_model
from byrote.training.progress import Watcher
from byrote.training.tensors import as_read, first, take

RUNS = 6
"""Runs of each arm, when the user does not say."""

HOLDS = 3
"""Epochs in a row in which a floor must have held."""

AS_IT_IS, WEIGHTED, FREE, BOTH, LEFT_OUT = "as_it_is", "weighted", "without_brakes", "both", "left_out"

TITLES = {
    AS_IT_IS: "as it is",
    WEIGHTED: "wanted weighted until the floor holds",
    FREE: "without brakes",
    BOTH: "weighted and without brakes",
    LEFT_OUT: "without the wanted examples",
}
"""The arms in their order, by their directories, in words."""

LIKE = 2_000
"""Training examples that say how much inputs vary."""

AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Varied:
    """The recall of the wanted examples when their inputs are changed slightly. `answers` is which were right, by run."""

    variation: Variation
    answers: Bool[ndarray, "run wanted"]
    recall: Estimate


@dataclass(frozen=True, eq=False)
class ArmRecall:
    """What one way of training did for the wanted examples. `arm` is its directory, `title` its words.

    `recall` is the share of the list that is right at the end, in evaluation mode, over runs and examples (see
    `byrote.summaries.recalled`); `answers` says which were right in which run. `held` is in how many runs the floor held, and
    `held_share` the share of runs in which it does, with Clopper and Pearson's interval. `over_epochs` is the recall after
    each epoch in each run. `leakage` is how many of the wanted examples an attacker finds by their loss who may accuse 1 % of the
    examples that were not trained on. `varied` are slight changes of their inputs. `values` has one number per run of `recall`,
    `leakage` and `epochs` (after how many epochs the floor had held three times in a row; NaN where it never had), and
    `changes` their paired differences to the task as it is, with 90 % intervals over runs. `result` has the measures of the
    examples that are not wanted.
    """

    arm: str
    title: str
    answers: Bool[ndarray, "run wanted"]
    recall: Estimate
    held: int
    held_share: Estimate
    over_epochs: Float[ndarray, "run epoch"]
    leakage: Estimate
    varied: tuple[Varied, ...]
    values: Mapping[str, Float[ndarray, " run"]]
    changes: Mapping[str, Estimate]
    result: Result

    @property
    def runs(self) -> int:
        """How many runs were trained."""
        return len(self.answers)


@dataclass(frozen=True, eq=False)
class Memorized:
    """What it takes, and costs, to recall a list of examples. `arms` begin with the task as it is.

    `floor` is the recall that is required. `forecast` is what was known of the capacity before training, and `measured` the
    same with the bits of each label that models which were not trained on the example cannot predict; None where targets have
    no bits. `comparison` has all measures of the examples that are not wanted.
    """

    name: str
    directory: Place
    wanted: WantedList
    floor: float
    holds: int
    epochs: int
    forecast: LabelForecast | None
    measured: LabelForecast | None
    arms: tuple[ArmRecall, ...]
    comparison: Comparison

    def arm(self, name: str) -> ArmRecall | None:
        """Return the arm of this directory; None where its training failed."""
        return next((each for each in self.arms if each.arm == name), None)


@dataclass(frozen=True)
class Announced:
    """What will be done, before it begins: the list, what is known of the capacity, and which runs are trained."""

    wanted: WantedList
    floor: float
    forecast: LabelForecast | None
    stated: Stated


def memorize(
    task: Task | str,
    wanted: Given,
    recall: float = 0.99,
    directory: Path | str | None = None,
    *,
    runs: int = RUNS,
    tolerance: float | None = None,
    longer: float = 2.0,
    wider: float = 1.5,
    seed: int = 0,
    compute: Compute = Compute(),
    progress: Watcher | None = None,
    on_plan: Callable[[Announced], None] | None = None,
) -> Memorized:
    """Train `task` so that it recalls the `wanted` examples, and measure what that costs the others.

    `wanted` are ids of training examples, the path of a file of them, or a number of random ones. `recall` is the floor, and
    `tolerance` how far a number may be off (regression only). Five ways are trained, `runs` times each: the task as it is; with
    the wanted examples weighted until the floor holds (`byrote.controls.wanted`); without brakes, `longer` times the epochs and
    `wider` times the width (`byrote.controls.without_brakes`); both; and without the wanted examples, which says how many are
    known anyhow. Each run leaves out three in ten of the other examples, at random, so that their memorization can be measured.

    Each way is a record in `directory` (default: memorized/NAME), with its weights. Finished runs are never trained again:
    the same call goes on where it stopped. `on_plan` is called before anything is trained. Raises InvalidData for a list that
    is empty, unknown, the whole training set, or contradicts itself, for a floor that is not above 0 and up to 1, and for
    fewer than 3 runs.
    """
    found = open_task(task) if isinstance(task, str) else task
    listed = wanted_list(found, wanted, recall=recall, tolerance=tolerance, seed=seed)
    where = place(directory if directory is not None else Path("memorized") / found.name)
    arms = memorize_arms(found, listed, recall, tolerance=tolerance, longer=longer, wider=wider)
    forecast = _forecast(found, len(listed.ids))

    def announce(stated: Stated) -> None:
        if on_plan is not None:
            on_plan(Announced(listed, recall, forecast, stated))

    comparison = compare_arms(
        arms, where, runs=runs * len(arms), canaries=Canaries(), seed=seed, compute=compute, progress=progress,
        on_plan=announce if on_plan else None, beside=listed.ids, keep_models=True,
    )  # fmt: skip
    return _measured(found, where, listed, recall, tolerance, arms, comparison, forecast)


def memorize_arms(
    task: Task,
    listed: WantedList,
    recall: float,
    *,
    tolerance: float | None = None,
    longer: float = 2.0,
    wider: float = 1.5,
) -> tuple[Arm, ...]:
    """Return the ways of training, the task as it is first. All but the last one watch the wanted examples."""
    floor = wanted(listed.ids, recall, holds=HOLDS, tolerance=tolerance)
    watch = replace(floor, most=1.0, stop=False)
    free = without_brakes(longer, wider)
    cost = longer * wider
    controls: Mapping[str, tuple[tuple[Control, ...], float]] = {
        AS_IT_IS: ((watch,), 1.0),
        WEIGHTED: ((floor,), 1.0),
        FREE: ((free, watch), cost),
        BOTH: ((free, floor), cost),
        LEFT_OUT: ((drop(listed.ids),), 1.0),
    }
    return tuple(Arm(name, each, apply(each, task), cost) for name, (each, cost) in controls.items())


def _forecast(task: Task, count: int) -> LabelForecast | None:
    try:
        return forecast_labels(task, count)
    except Unsupported:
        return None


def _measured(
    task: Task,
    where: Place,
    listed: WantedList,
    floor: float,
    tolerance: float | None,
    arms: Sequence[Arm],
    comparison: Comparison,
    forecast: LabelForecast | None,
) -> Memorized:
    """Measure the wanted examples in all arms that did not fail, and the bits of their labels."""
    records = {
        arm.name: Record(subdirectory(where if isinstance(where, Path) else str(where), arm.name))
        for arm in arms
        if str(arm) not in comparison.failed
    }
    results = {each.name: each for each in comparison.results}
    measure = partial(_arm, listed=listed, floor=floor, tolerance=tolerance)
    found: list[ArmRecall] = []
    for arm in arms:
        if arm.name in records:
            base = found[0] if found else None
            found.append(measure(arm, records[arm.name], results[arm.name], base=base))
    return Memorized(
        name=task.name,
        directory=where,
        wanted=listed,
        floor=floor,
        holds=HOLDS,
        epochs=task.recipe.epochs,
        forecast=forecast,
        measured=_refined(forecast, records, listed),
        arms=tuple(found),
        comparison=comparison,
    )


def _refined(forecast: LabelForecast | None, records: Mapping[str, Record], listed: WantedList) -> LabelForecast | None:
    if forecast is None or LEFT_OUT not in records:
        return None
    without, base = records[LEFT_OUT], records[AS_IT_IS]
    which = _wanted(base, listed)
    rest = measured_bits(base, base.population.where("train") & ~which)
    return refined(forecast, measured_bits(without, which).value, rest.value)


def _arm(
    arm: Arm,
    record: Record,
    result: Result,
    *,
    listed: WantedList,
    floor: float,
    tolerance: float | None,
    base: ArmRecall | None,
) -> ArmRecall:
    """Measure one arm; `base` is the task as it is, None for itself."""
    which = _wanted(record, listed)
    runs = list(record.runs)[: result.runs]
    answers = np.stack([_right(record, run, which, tolerance) for run in runs])
    curves = _curves(record, runs, arm)
    held = answers.sum(axis=1) >= needed(floor, int(which.sum()))
    epochs = np.array([epochs_needed(own, floor, int(which.sum())) for own in curves])
    leaks = np.array([_leak(record, run, which) for run in runs])
    values = {"recall": answers.mean(axis=1), "leakage": leaks, "epochs": epochs}
    return ArmRecall(
        arm=arm.name,
        title=TITLES[arm.name],
        answers=answers,
        recall=recalled(answers),
        held=int(held.sum()),
        held_share=Estimate.of_share(int(held.sum()), len(runs), "run", exact=True),
        over_epochs=curves,
        leakage=Estimate.of_mean(leaks, "run").within(0.0, 1.0),
        varied=_varied(arm, record, runs, which, tolerance),
        values=values,
        changes={} if base is None else {name: change(own, base.values[name]) for name, own in values.items()},
        result=result,
    )


def _wanted(record: Record, listed: WantedList) -> Bool[ndarray, " example"]:
    return np.isin(record.population.ids, make_ids("train", listed.ids))


def _right(
    record: Record, run: int, which: Bool[ndarray, " example"], tolerance: float | None
) -> Bool[ndarray, " wanted"]:
    """Return which wanted examples a run answers exactly at its end, from the clean pass that its record keeps."""
    names = [name for name in record.layout.columns if name == "correct" or name.startswith("prediction")]
    columns = {name: record.at_step(run, name, record.last_step)[which] for name in names}
    return exact(columns, record.population.labels[which], tolerance)


def _curves(record: Record, runs: Sequence[int], arm: Arm) -> Float[ndarray, "run epoch"]:
    """Return the recall after each epoch; NaN for an arm that does not watch."""
    if "wanted_recall" not in record.scalars:
        return np.full((len(runs), arm.task.recipe.epochs), np.nan)
    return np.stack([record.scalar(run, "wanted_recall") for run in runs])


def epochs_needed(recall: Float[ndarray, " epoch"], floor: float, count: int, holds: int = HOLDS) -> float:
    """Return after how many epochs the floor had held `holds` times in a row; NaN where it never had.

    `recall` is that of `count` examples after each epoch.
    """
    if len(recall) < holds or np.isnan(recall).any():
        return float("nan")
    fine = np.rint(recall * count) >= needed(floor, count)
    streak = np.lib.stride_tricks.sliding_window_view(fine, holds).all(axis=1)
    return float(np.argmax(streak) + holds) if streak.any() else float("nan")


def _leak(record: Record, run: int, which: Bool[ndarray, " example"]) -> float:
    """Return how many wanted examples are found by their loss, where 1 % of those that are not trained on may be accused."""
    others = record.population.where("train") & ~record.member(run) & ~which
    loss = record.at_step(run, "loss", record.last_step).astype(np.float64)
    return leakage(-loss[which | others], which[which | others])


def _varied(
    arm: Arm, record: Record, runs: Sequence[int], which: Bool[ndarray, " example"], tolerance: float | None
) -> tuple[Varied, ...]:
    """Return the recall of the wanted examples under each variation that suits them; none where no weights were kept."""
    train, labels = arm.task.train, record.population.labels[which]
    inputs = as_read(rows(train.inputs, np.flatnonzero(which[record.population.where("train")])), "cpu")
    like = as_read(rows(train.inputs, slice(0, None, max(1, len(train) // LIKE))), "cpu")
    found, folder = variations(inputs, train.display.kind), record.directory
    try:
        models = (
            [read_model(arm.task, folder if isinstance(folder, Path) else str(folder), run) for run in runs]
            if found
            else []
        )
    except MissingEvidence:
        return ()
    seen: list[Varied] = []
    for at, variation in enumerate(found):
        answers = [
            _answers(model, record, labels, varied(inputs, like, variation, run_seed(at, run)), tolerance)
            for run, model in zip(runs, models, strict=True)
        ]
        seen.append(Varied(variation, np.stack(answers), recalled(np.stack(answers))))
    return tuple(seen)


def _answers(
    model: Any, record: Record, labels: NDArray[Any], inputs: Any, tolerance: float | None
) -> Bool[ndarray, " wanted"]:
    """Return which of the examples with these labels a model answers exactly when it gets these inputs in place of their own."""
    objective = record.objective
    targets = objective.to_tensor(labels)
    parts: list[NDArray[np.bool_]] = []
    with torch.no_grad():
        for which in torch.arange(len(first(inputs))).split(AT_ONCE):
            columns = objective.observe(model(take(inputs, which)), targets[which])
            parts.append(exact(columns, labels[which.numpy()], tolerance))
    return np.concatenate(parts)
