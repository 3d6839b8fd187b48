"""Attribution of a record: runs trained again, gradients of its test examples, and their agreement with influence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from byrote.attribution.agreement import COMPARED, agreement
from byrote.attribution.kept import About, Attribution, attribution_path
from byrote.attribution.tracin import tracin
from byrote.attribution.trak import trak
from byrote.errors import InvalidData, MissingEvidence
from byrote.evidence.outcomes import read_outcomes
from byrote.locate import Checkpoint, replay
from byrote.locate.survey import Tell, silent
from byrote.record import Population, Record
from byrote.task.task import Task
from byrote.training.matching import population_of
from byrote.training.tensors import to_tensors

CHECKPOINTS = 3
"""How many checkpoints of a run TracIn adds up, evenly spread, the last one among them."""

SKETCH = 2048
"""Numbers that a gradient is reduced to, unless asked otherwise; for TRAK a tenth of the examples, if that is less."""

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
    tell: Tell | None = None,
) -> Attribution:
    """Train runs of a record again, and attribute its test examples to the training examples that these were trained on.

    The targets are the test examples that the record's runs disagree on most, see `divided`. TracIn adds up three
    checkpoints of a run, at a third, two thirds and the end of training, and is averaged over the runs that were trained on the
    example; TRAK takes the models at the end. `sketch` is how many numbers gradients are reduced to (None: 2,048, for TRAK a
    tenth of the examples if that is less; 0: none, they are taken as they are). Canaries are never attributed to.
    Nothing is written: see `write_attribution`.

    When it misleads is said with `tracin`, `trak` and `agreement`, which is measured from four runs on. Memory: examples x
    targets numbers, and what the method needs. Raises MissingEvidence for runs that are not there, and what `replay` raises.
    """
    attribution_path(record, method)
    if targets < 1 or not runs or (sketch is not None and sketch < 0):
        raise InvalidData(
            f"Attribution was asked for {targets} targets from {len(runs)} runs with sketch={sketch}. Give 1 or more, and a sketch of 0 or more."
        )
    chosen = tuple(dict.fromkeys(runs))
    for run in chosen:
        next(replay(task, record, run, epochs=(0,), device=device))  # it refuses before any time is lost
    who = np.flatnonzero(np.any([record.member(run) for run in chosen], axis=0) & record.population.where("train"))
    if not len(who):
        raise MissingEvidence(f"Run {chosen[0]} was trained on canaries only. Name runs with real training examples.")
    asked = divided(record, targets, seed)
    question = _Question(task, record, population_of(task, record), who, asked, seed, device, tell or silent)
    value, epochs, size = (_by_tracin if method == "tracin" else _by_trak)(question, chosen, sketch)
    question.tell("comparing with influence", 0, 0)
    measured = None
    compared = len([each for each in record.runs if each not in chosen])
    if compared >= COMPARED:
        blocks = ((part, value[:, part]) for part in _parts(len(asked)))
        measured = agreement(blocks, record, who, asked, models=chosen, seed=seed)
    full = np.full((len(record.population), len(asked)), np.nan, np.float32)
    full[who] = value
    return Attribution(About(method, chosen, epochs, size, seed, compared, measured), asked, full)


def divided(record: Record, most: int, seed: int) -> Int[ndarray, " target"]:
    """Return the test examples on which the runs are divided most evenly, at most so many; equals in an order drawn by `seed`.

    Where every run is right, or none, influence is 0 for all, and there is nothing to attribute. Who is chosen depends
    on how many runs are right and not on which, so it does not favour any training example.
    """
    test = np.flatnonzero(record.population.where("test"))
    right = read_outcomes(record, positions=test).correct.sum(axis=0)
    order = np.random.default_rng(seed).permutation(len(test))
    distance = np.abs(right - len(record.runs) / 2)[order]
    return test[order[np.argsort(distance, kind="stable")[:most]]]


@dataclass(frozen=True, eq=False)
class _Question:
    """Which targets to attribute to whom, and what it takes to ask that."""

    task: Task
    record: Record
    population: Population
    who: Int[ndarray, " example"]
    targets: Int[ndarray, " target"]
    seed: int
    device: str | None
    tell: Tell

    def trained(self, run: int, epochs: Sequence[int]) -> list[Checkpoint]:
        """Train a run again and return its model after these epochs."""
        last, found = self.task.recipe.epochs, list[Checkpoint]()
        for each in replay(self.task, self.record, run, device=self.device):
            self.tell(f"training run {run} again", each.epoch, last)
            if each.epoch in epochs:
                found.append(each)
        return found

    def tensors(self, who: Int[ndarray, " example"], like: Checkpoint) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return inputs and labels of training examples and of the targets, where the model is."""
        device = str(next(like.model.parameters()).device)
        return (*to_tensors(self.population, device, who), *to_tensors(self.population, device, self.targets))


Found = tuple[Float[ndarray, "example target"], tuple[int, ...], int | None]
"""Values, after which epochs gradients were taken, and the size of the sketch."""


def _by_tracin(question: _Question, runs: Sequence[int], sketch: int | None) -> Found:
    """Return the mean over the runs that were trained on the example."""
    size, last = (SKETCH if sketch is None else sketch) or None, question.task.recipe.epochs
    epochs = tuple(sorted({-(-last * part // CHECKPOINTS) for part in range(1, CHECKPOINTS + 1)}))
    total, count = np.zeros((len(question.who), len(question.targets))), np.zeros((len(question.who), 1))
    for run in runs:
        found = question.trained(run, epochs)
        inside = question.record.member(run)[question.who]
        parts = question.tensors(question.who[inside], found[-1])
        models, rates = [each.model for each in found], [each.learning_rate for each in found]
        question.tell(f"taking gradients of run {run}", 0, 0)
        for part, value in tracin(models, rates, *parts, sketch=size, seed=question.seed, block=BLOCK):
            total[np.ix_(inside, part)] += value
        count[inside] += 1
    return total / count, epochs, size


def _by_trak(question: _Question, runs: Sequence[int], sketch: int | None) -> Found:
    last = question.task.recipe.epochs
    size = (min(SKETCH, max(1, len(question.who) // 10)) if sketch is None else sketch) or None
    start = next(replay(question.task, question.record, runs[0], epochs=(0,), device=question.device))
    parts = question.tensors(question.who, start)
    trak([start.model], *parts, sketch=size)  # it refuses a sketch before any time is lost
    models = [question.trained(run, (last,))[0].model for run in runs]
    question.tell("taking gradients", 0, 0)
    blocks = trak(models, *parts, sketch=size, seed=question.seed, block=BLOCK)
    return np.concatenate([value for _, value in blocks], axis=1), (last,), size


def _parts(targets: int) -> list[Int[ndarray, " target"]]:
    return [np.arange(start, min(start + BLOCK, targets)) for start in range(0, targets, BLOCK)]
