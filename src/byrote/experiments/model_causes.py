"""Why does this model memorize? An experiment on the user's own problem: what is changed, what it does, with intervals.

Not to be confused with `byrote.explain.causes`, which says why single examples are memorized.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.controls import Control
from byrote.errors import ByroteError, Unsupported, WorkerDied, WrongRecord
from byrote.experiments import laws
from byrote.experiments.arms import AS_IS, BudgetProgress, CausesPlan, arm_directory, plan_causes
from byrote.experiments.effects import Effects, effects
from byrote.experiments.responses import NAMES, Measured, measure, tails
from byrote.record import Record
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.task.designs import Together
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.progress import Lines, Watcher


@dataclass(frozen=True, eq=False)
class Sweep:
    """How memorization and accuracy change along one thing, all else as it is.

    `places` are shares of the examples, or widths in those of the model as it is. `law` is the power law of a size sweep,
    `line` the straight line over log2 of the width, `ends` the gap at the last place minus at the first.
    """

    places: tuple[float, ...]
    gap: tuple[Estimate, ...]
    canaries: tuple[Estimate, ...]
    accuracy: tuple[Estimate, ...]
    law: laws.PowerLaw | NotMeasured | None
    line: laws.Line | None
    ends: Estimate


@dataclass(frozen=True, eq=False)
class TimeCurve:
    """Memorization of mislabeled canaries, and accuracy on the test examples, after epochs of one training."""

    epochs: tuple[int, ...]
    canaries: tuple[Estimate, ...]
    accuracy: tuple[Estimate, ...] | None


@dataclass(frozen=True, eq=False)
class ModelCauses:
    """Why this model memorizes, as far as this experiment says.

    `values[name]` are the numbers `[arm, run]` of each response (`gap`, `canaries`, `tail`, `accuracy`), in the order of
    `kept`, the arms of the plan that could be trained. `failed` says of each other arm why. `effects` are those of the
    factors on each response, and on the logarithm of the seconds of a run; the first, `gap`, is the one that causes are named
    by, so that no more than one thing is tested. `levels` are the cells of the design that are there.
    """

    plan: CausesPlan
    kept: tuple[str, ...]
    failed: Mapping[str, str]
    values: Mapping[str, Float[ndarray, "arm run"]]
    effects: Mapping[str, Effects | NotMeasured]
    sizes: Sweep | NotMeasured
    widths: Sweep | NotMeasured
    time: TimeCurve | NotMeasured
    tested: bool

    def as_is(self, name: str) -> Estimate:
        """Return a response of the task as it is, with Student's interval over its runs, within what there can be."""
        found = Estimate.of_mean(self.values[name][self.kept.index(AS_IS)], "run")
        bounds = {"accuracy": (-float("inf"), 1.0), "canaries": (-1.0, 1.0)}
        return found.within(*bounds[name]) if name in bounds else found

    @property
    def named(self) -> tuple[int, ...]:
        """The factors whose effect on the gap is shown, by Holm's rule at 10 %."""
        found = self.effects["gap"]
        return () if isinstance(found, NotMeasured) else found.shown()


def model_causes(
    task: Task,
    directory: Path | str,
    *,
    runs: int = 96,
    seed: int = 0,
    only: Sequence[str] = (),
    remedies: Sequence[Control | str] = (),
    compute: Compute = Compute(),
    progress: Watcher | None = None,
) -> ModelCauses:
    """Find out by experiment why the model of a task memorizes: train it with less data, less variety, more noise and so on.

    Trains at most `runs` models, in records under `directory`; what is there already is not trained again. `only` names the
    factors to examine (`noise`, `variety`, `data`, `time`, `width`, `regularization`, `augmentation`; default: all that the
    task has), `remedies` are controls such as "dropout(0.3)" that are examined in place of the usual regularization. All
    cells share seeds, canaries and initial weights, so they are compared in pairs. An arm that diverges or learns nothing is
    named in `failed`, and the others go on.

    Raises InvalidData for a budget that is too small and for a remedy that cannot act, WrongRecord when the directory holds
    another experiment, and the error of the model as it is when that cannot be trained.
    """
    return run_causes(
        plan_causes(task, runs=runs, seed=seed, only=only, remedies=remedies), directory, compute=compute, progress=progress
    )  # fmt: skip


def run_causes(
    plan: CausesPlan, directory: Path | str, *, compute: Compute = Compute(), progress: Watcher | None = None
) -> ModelCauses:
    """Train what is missing of a plan, and measure; see `model_causes`."""
    watch = BudgetProgress(plan, directory, progress or Lines())
    measured: dict[str, Measured] = {}
    failed: dict[str, str] = {}
    as_is: Record | None = None
    for arm in plan.arms:
        try:
            record = collect(
                arm.task, arm_directory(directory, arm), runs=plan.budget.runs, design=Together(), canaries=plan.canaries,
                seed=plan.seed, compute=compute, progress=watch,
            )  # fmt: skip
            as_is = as_is or record  # the first arm
            found = measure(record, as_is, plan.budget.runs, plan.counted, plan.untouched)
        except (WrongRecord, WorkerDied):
            raise
        except ByroteError as error:
            if arm.name == AS_IS:
                raise
            failed[arm.name] = error.fact
            watch.next()
            continue
        watch.next()
        if found.learned_nothing and arm.name == AS_IS:
            raise Unsupported(
                f"The model as it is learned nothing: it is right about {found.learned.mean():.1%} of what it was trained on, and "
                f"{found.baseline:.1%} is what ignoring the input gives. Let it learn first; then there is memorization to explain."
            )
        if found.learned_nothing:
            failed[arm.name] = "The models learned nothing, so they memorized nothing either; that is no success."
            continue
        measured[arm.name] = found
    assert as_is is not None
    return _concluded(plan, measured, failed, as_is)


def _concluded(
    plan: CausesPlan, measured: Mapping[str, Measured], failed: Mapping[str, str], as_is: Record
) -> ModelCauses:
    kept = tuple(measured)
    arms = list(measured.values())
    values = {
        "gap": np.stack([arm.gap for arm in arms]),
        "canaries": np.stack([arm.canaries for arm in arms]),
        "tail": tails(arms),
        "accuracy": np.stack([arm.accuracy for arm in arms]),
    }
    design = plan.budget.design
    there = [cell for cell, arm in enumerate(plan.rows) if plan.arms[arm].name in measured]
    at = [kept.index(plan.arms[plan.rows[cell]].name) for cell in there]
    with np.errstate(invalid="ignore"):
        seconds = np.log(np.stack([arm.seconds for arm in arms]))
    found = {
        name: _effects(design.levels[there], each[at], design.interactions())
        for name, each in {**values, "seconds": seconds}.items()
    }
    return ModelCauses(
        plan=plan,
        kept=kept,
        failed=failed,
        values={name: values[name] for name in NAMES},
        effects=found,
        sizes=_sweep(plan, plan.by_size, kept, values, "data", law=True),
        widths=_sweep(plan, plan.by_width, kept, values, "width", law=False),
        time=_over_time(as_is, plan.budget.runs),
        tested=arms[0].tested,
    )


def _effects(
    levels: Int[ndarray, "cell factor"], values: Float[ndarray, "cell run"], groups: Sequence[Sequence[tuple[int, int]]]
) -> Effects | NotMeasured:
    if not np.isfinite(values).all():
        return NotMeasured(
            "Some run has no value of it, for example because it was trained on all canaries or on none."
        )
    try:
        return effects(levels, values, groups)
    except ByroteError as error:
        return NotMeasured.because(error)


def _sweep(
    plan: CausesPlan,
    by: Sequence[tuple[float, int]],
    kept: Sequence[str],
    values: Mapping[str, Float[ndarray, "arm run"]],
    what: str,
    *,
    law: bool,
) -> Sweep | NotMeasured:
    if not by:
        return NotMeasured(f"There was no sweep of {what}: see what was not examined.")
    there = [(place, kept.index(plan.arms[arm].name)) for place, arm in by if plan.arms[arm].name in kept]
    if len(there) < 3:
        return NotMeasured(f"Of the sweep of {what}, {len(there)} of {len(by)} arms could be trained, and it takes 3.")
    places = np.array([place for place, _ in there])
    rows = {name: each[[at for _, at in there]] for name, each in values.items()}
    straight = laws.line(np.log2(places), rows["gap"])
    return Sweep(
        places=tuple(places.tolist()),
        gap=laws.means(rows["gap"]),
        canaries=laws.means(rows["canaries"]),
        accuracy=laws.means(rows["accuracy"]),
        law=laws.power_law(places, rows["gap"]) if law else None,
        line=None if law else straight,
        ends=straight.contrast(rows["gap"][0], rows["gap"][-1]),
    )


def _over_time(record: Record, runs: int) -> TimeCurve | NotMeasured:
    if record.manifest["steps"]["unit"] != "epoch":
        return NotMeasured("Time was not followed: a byrote.Fit is one step.")
    population = record.population
    planted, test = population.canary == "mislabeled", population.where("test")
    curves: list[Float[ndarray, " step"]] = []
    tests: list[Float[ndarray, " step"]] = []
    for run in record.runs[:runs]:
        right, member = record.over_steps(run, record.objective.outcome), record.member(run)
        known = np.isfinite(right[:, planted]).all(axis=1)
        sides = [right[:, planted & side] for side in (member, ~member)]
        if not all(side.shape[1] for side in sides):
            return NotMeasured("Time was not followed: a run has canaries on one side only.")
        curves.append(np.where(known, sides[0].mean(axis=1) - sides[1].mean(axis=1), np.nan))
        tests.append(right[:, test].mean(axis=1) if test.any() else np.full(len(right), np.nan))
    steps = np.flatnonzero(np.isfinite(np.array(curves)).all(axis=0))
    if len(steps) < 3:
        return NotMeasured(
            f"Time was not followed: there are {len(steps)} evaluations during training, and it takes 3."
        )
    return TimeCurve(
        epochs=tuple((steps + 1).tolist()),
        canaries=laws.means(np.array(curves)[:, steps].T.astype(np.float64)),
        accuracy=laws.means(np.array(tests)[:, steps].T.astype(np.float64)) if test.any() else None,
    )
