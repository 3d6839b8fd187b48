"""Distillation: the teacher is the plain model of the same run, and the student's loss is Hinton's."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from byrote.controls.distill import distill, soft_distance
from byrote.controls.dropout import dropout
from byrote.controls.parse import apply
from byrote.errors import InvalidData
from byrote.objectives import Classification
from byrote.task.canaries import Canaries, plant
from byrote.task.examples import Examples
from byrote.task.methods import Batch
from byrote.task.task import Task
from byrote.training.engine import Engine
from byrote.training.pack import Pack
from small import small_task

SEEDS = [5, 6]


def pack_of(task: Task, seeds: list[int] = SEEDS) -> Pack:
    """Return an untrained pack of two runs, each on other members."""
    population = plant(task, Canaries(), 0)
    member = np.zeros((len(seeds), len(population)), np.bool_)
    member[:, :80] = np.random.default_rng(0).permuted(np.tile(np.arange(80) < 48, (len(seeds), 1)), axis=1)
    return Pack(task.model, population, task.learned, member, task.recipe, seeds, Engine(pack=len(seeds)))  # type: ignore[arg-type]


def trained(pack: Pack) -> Pack:
    for epoch in range(1, pack.recipe.epochs + 1):
        pack.epoch(epoch, np.zeros(0, np.int64))
    return pack


def test_the_distance_is_that_of_torch() -> None:
    teacher, student = torch.randn(2, 7, 5).unbind()
    expected = functional.kl_div(
        (student / 3).log_softmax(1), (teacher / 3).softmax(1), reduction="none"
    ).sum(1)  # fmt: skip
    torch.testing.assert_close(soft_distance(teacher, student, 3.0), 9 * expected)
    torch.testing.assert_close(soft_distance(teacher, teacher, 3.0), torch.zeros(7))


def test_losses_are_mixed_with_the_distance_to_the_teacher_of_the_own_run() -> None:
    """Oracle: a loop over runs and examples. Of the pack's three runs, the last two are given."""
    torch.manual_seed(0)
    teachers, outputs = torch.randn(3, 9, 4), torch.randn(2, 5, 4)
    positions, losses = torch.stack([torch.randperm(9)[:5] for _ in range(2)]), torch.rand(2, 5)
    batch = Batch(outputs, torch.zeros(2, 5), positions, slice(1, 3), 9, Classification(4), 1, {"teacher": teachers})
    strength = torch.tensor([[0.25], [1.0]])
    found = distill(0.5, 2.0).losses(losses, batch, strength)
    for run in range(2):
        for place in range(5):
            known = (teachers[run + 1, positions[run, place]] / 2).softmax(0)
            said = (outputs[run, place] / 2).softmax(0)
            distance = 4 * sum(p * torch.log(p / q) for p, q in zip(known, said, strict=True))
            weight = strength[run, 0]
            torch.testing.assert_close(found[run, place], (1 - weight) * losses[run, place] + weight * distance)


def test_the_teacher_is_the_plain_model_of_the_same_run() -> None:
    base = small_task()
    plain, student = trained(pack_of(base)), pack_of(distill(0.7)(base))
    state = torch.get_rng_state()
    student.epoch(1, np.zeros(0, np.int64))
    assert torch.equal(state, torch.get_rng_state())
    torch.testing.assert_close(student.methods.states["distill"]["teacher"], plain.outputs())


def test_a_teacher_has_all_other_controls() -> None:
    base = apply([dropout(0.5), distill(0.7)], small_task())
    plain, student = trained(pack_of(dropout(0.5)(small_task()))), pack_of(base)
    student.epoch(1, np.zeros(0, np.int64))
    torch.testing.assert_close(student.methods.states["distill"]["teacher"], plain.outputs())


def test_a_student_of_soft_labels_alone_sees_no_label() -> None:
    """Its update by hand: the gradient of the distance to the teacher, and of nothing else."""
    base = replace(
        small_task(epochs=1),
        recipe=replace(small_task().recipe, epochs=1, batch_size=100, learning_rate=0.1, momentum=0.0),
    )
    teacher = trained(pack_of(base, [5]))
    student = trained(pack_of(distill(1.0, 2.0)(base), [5]))
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = base.model()  # type: ignore[operator]
    member = torch.from_numpy(np.flatnonzero(student.member[0]))
    soft_distance(teacher.outputs()[0, member], model(student.inputs[member]), 2.0).mean().backward()
    with torch.no_grad():
        for weight, found in zip(model.parameters(), student.networks.one(0).parameters(), strict=True):
            torch.testing.assert_close(found, weight - 0.1 * weight.grad)


class OneLogit(nn.Module):
    """Gives a single logit, for the second of two classes."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(64, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(x.flatten(1))[:, 0]


def test_a_single_logit_is_that_of_the_second_class() -> None:
    base = small_task()
    two = Task(OneLogit, Examples(base.train.inputs, base.train.labels % 2), None, base.recipe)
    assert trained(pack_of(distill(1.0)(two))).outputs().isfinite().all()


@pytest.mark.parametrize(("weight", "temperature"), [(1.1, 2.0), (0.5, 0.0), (0.5, "2")])
def test_impossible_strengths_are_refused(weight: float, temperature: float) -> None:
    with pytest.raises(InvalidData):
        distill(weight, temperature)


def test_a_regression_is_refused() -> None:
    base = small_task()
    numbers = Task(
        OneLogit, Examples(base.train.inputs, np.linspace(0, 1, 80)), None, base.recipe, objective="regression"
    )
    with pytest.raises(InvalidData, match="distill is for classification"):
        distill(0.5)(numbers)
