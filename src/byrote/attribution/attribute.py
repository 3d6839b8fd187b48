"""Attribution of a record: train runs again, take gradients of its test examples, and measure the agreement with influence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from byrote.attribution.agreement import COMPARED, agreement
from byrote.attribution.kept import About, Attribution
from byrote.attribution.tracin import tracin
from byrote.attribution.trak import trak
from byrote.errors import InvalidData, MissingEvidence, unknown
from byrote.evidence.outcomes import read_outcomes
from byrote.locate import Checkpoint, replay
from byrote.locate.survey import StageWatcher, silent
from byrote.objectives import Classification
from byrote.record import Population, Record
from byrote.task.task import Task
from byrote.training.matching import check_classes, population_of
from byrote.training.tensors import to_tensors

CHECKPOINTS = 3
"""How many checkpoints of a run TracIn adds up, evenly spread, the last one among them."""

SKETCH = 2048
"""Numbers that a gradient is reduced to by default; for TRAK a tenth of the examples, if that is less."""

BLOCK = 512


def attribute(
    task: Task,
    record: Record,
    method: str = "tracin",
    *,
    runs: Sequence[int] = (0,),
    targets: int = 100,
    sketch: int | None = None,
    seed: int = 0,
    device: str | None = None,
    progress: StageWatcher | None = None,
) -> Attribution:
    """Train runs of a record again, and attribute its test examples to the training examples that these were trained on.

    The targets are the test examples on which the record's runs are divided most evenly, see `divided`. TracIn adds up three
    checkpoints of a run, at a third, two thirds and the end of training, and is averaged over the runs that were trained on the
    example; TRAK takes the models at the end. `sketch` is how many numbers gradients are reduced to (None: 2,048, for TRAK a
    tenth of the examples if that is less; 0: they are not reduced). Nothing is attributed to canaries.
    Nothing is written: see `write_attribution`.

    It misleads as `tracin` and `trak` do; `agreement` says how much, from four other runs on. Memory: examples x
    targets numbers, and what the method needs. Raises ByroteError for a method that does not exist, MissingEvidence for runs
    that are not there, and what `replay` raises.
    """
    check_classes(task, "Attribution")
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    if targets < 1 or not runs or (sketch is not None and sketch < 0):
        raise InvalidData(
            f"Attribution was given targets={targets}, {len(runs)} runs and sketch={sketch}. Give 1 or more, and a sketch of 0 or more."
        )
    chosen = tuple(dict.fromkeys(runs))
    plan = _plan(task, record, chosen, divided(record, targets, seed), seed, device, progress or silent)
    value, epochs, size = METHODS[method](plan, chosen, sketch)
    plan.progress("comparing with influence", 0, 0)
    compared = len([run for run in record.runs if run not in chosen])
    measured = None
    if compared >= COMPARED:
        blocks = ((part, value[:, part]) for part in _parts(len(plan.targets)))
        measured = agreement(blocks, record, plan.examples, plan.targets, models=chosen, seed=seed)
    full = np.full((len(record.population), len(plan.targets)), np.nan, np.float32)
    full[plan.examples] = value
    return Attribution(About(method, chosen, epochs, size, seed, compared, measured), plan.targets, full)


def divided(record: Record, most: int, seed: int) -> Int[ndarray, " target"]:
    """Return the test examples on which the runs are divided most evenly, at most so many; equals in an order drawn by `seed`.

    Where every run is right, or none, influence is 0 for all, and there is nothing to attribute. The choice depends
    on how many runs are right and not on which, so it does not favour any training example.
    """
    test = np.flatnonzero(record.population.where("test"))
    right = read_outcomes(record, positions=test).correct.sum(axis=0)
    order = np.random.default_rng(seed).permutation(len(test))
    distance = np.abs(right - len(record.runs) / 2)[order]
    return test[order[np.argsort(distance, kind="stable")[:most]]]


@dataclass(frozen=True, eq=False)
class _Plan:
    """Positions of the training examples and of the targets, and what it takes to train runs again."""

    task: Task
    record: Record
    population: Population
    examples: Int[ndarray, " example"]
    targets: Int[ndarray, " target"]
    seed: int
    device: str | None
    progress: StageWatcher

    def trained(self, run: int, epochs: Sequence[int]) -> list[Checkpoint]:
        """Train a run again and return its model after these epochs."""
        last, found = self.task.recipe.epochs, list[Checkpoint]()
        for each in replay(self.task, self.record, run, device=self.device):
            self.progress(f"training run {run} again", each.epoch, last)
            if each.epoch in epochs:
                found.append(each)
        return found

    def tensors(self, examples: Int[ndarray, " example"], like: Checkpoint) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return inputs and labels of training examples and of the targets, where the model is."""
        device = str(next(like.model.parameters()).device)
        return (
            *to_tensors(self.population, Classification(), device, examples),
            *to_tensors(self.population, Classification(), device, self.targets),
        )


def _plan(
    task: Task,
    record: Record,
    runs: Sequence[int],
    targets: Int[ndarray, " target"],
    seed: int,
    device: str | None,
    progress: StageWatcher,
) -> _Plan:
    """Check that the runs can be trained again, before any time is lost, and find what they were trained on."""
    for run in runs:
        next(replay(task, record, run, epochs=(0,), device=device))
    member = np.any([record.member(run) for run in runs], axis=0)
    examples = np.flatnonzero(member & record.population.where("train"))
    if not len(examples):
        raise MissingEvidence(f"Run {runs[0]} was trained on canaries only. Name runs with real training examples.")
    return _Plan(task, record, population_of(task, record), examples, targets, seed, device, progress)


Found = tuple[Float[ndarray, "example target"], tuple[int, ...], int | None]
"""Values, after which epochs gradients were taken, and the size of the sketch."""


def _by_tracin(plan: _Plan, runs: Sequence[int], sketch: int | None) -> Found:
    """Return the mean over the runs that were trained on the example."""
    size, last = (SKETCH if sketch is None else sketch) or None, plan.task.recipe.epochs
    epochs = tuple(sorted({-(-last * part // CHECKPOINTS) for part in range(1, CHECKPOINTS + 1)}))
    total, count = np.zeros((len(plan.examples), len(plan.targets))), np.zeros((len(plan.examples), 1))
    for run in runs:
        found = plan.trained(run, epochs)
        member = plan.record.member(run)[plan.examples]
        tensors = plan.tensors(plan.examples[member], found[-1])
        models, rates = [each.model for each in found], [each.learning_rate for each in found]
        plan.progress(f"taking gradients of run {run}", 0, 0)
        for part, value in tracin(models, rates, *tensors, sketch=size, seed=plan.seed, block=BLOCK):
            total[np.ix_(member, part)] += value
        count[member] += 1
    return total / count, epochs, size


def _by_trak(plan: _Plan, runs: Sequence[int], sketch: int | None) -> Found:
    """Return what the models of all runs say together."""
    last = plan.task.recipe.epochs
    size = (min(SKETCH, max(1, len(plan.examples) // 10)) if sketch is None else sketch) or None
    start = next(replay(plan.task, plan.record, runs[0], epochs=(0,), device=plan.device))
    tensors = plan.tensors(plan.examples, start)
    trak([start.model], *tensors, sketch=size)  # it refuses a sketch before any time is lost
    models = [plan.trained(run, (last,))[0].model for run in runs]
    plan.progress("taking gradients", 0, 0)
    blocks = trak(models, *tensors, sketch=size, seed=plan.seed, block=BLOCK)
    return np.concatenate([value for _, value in blocks], axis=1), (last,), size


METHODS: dict[str, Callable[[_Plan, Sequence[int], int | None], Found]] = {"tracin": _by_tracin, "trak": _by_trak}
"""Each method of attribution by the name that `byrote attribute --method` takes."""


def _parts(targets: int) -> list[Int[ndarray, " target"]]:
    return [np.arange(start, min(start + BLOCK, targets)) for start in range(0, targets, BLOCK)]
