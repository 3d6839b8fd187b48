"""Example-tied dropout: masks by a slow loop, the ids reach the modules in packs, and it does what the record found."""

import copy
import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from byrote.controls.example_tied_dropout import (
    WithMemory,
    example_tied_dropout,
    is_shared,
    owns,
    places,
    remembering,
)
from byrote.errors import InvalidData
from byrote.objectives import Classification
from byrote.record import Population
from byrote.task.canaries import Canaries, plant
from byrote.task.examples import Examples
from byrote.task.methods import numbers_of
from byrote.task.models import cnn
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.adapter import learner
from byrote.training.engine import Engine
from byrote.training.loop import packs
from byrote.training.stacked import obstacle, together
from small import perceptron, small_task

IDS = np.array([f"train/{i}" for i in range(400)])


def own_by_hand(name: str, units: int, own: float, place: int) -> list[bool]:
    """Written with Python's unbounded integers."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    found: list[bool] = []
    for unit in range(units):
        mixed = number ^ ((unit + place * 2**20) * 0x9E3779B1) % 2**32
        for _ in range(2):
            mixed = (mixed ^ mixed >> 16) * 0x45D9F3B % 2**32
        found.append((mixed ^ mixed >> 16) < own * 2**32)
    return found


def test_the_own_units_of_an_example_follow_from_its_id_by_a_hash() -> None:
    mask = owns(torch.from_numpy(numbers_of(IDS)), 50, 0.2, 1).numpy()
    for row in (0, 17, 399):
        assert mask[row].tolist() == own_by_hand(str(IDS[row]), 50, 0.2, 1)


def test_own_units_are_as_many_as_said_and_independent_of_each_other() -> None:
    """Counts per example, per unit, and shared by two examples are those of independent draws."""
    first, second = (owns(torch.from_numpy(numbers_of(IDS)), 300, 0.1, place).double() for place in (0, 1))
    assert float(first.mean()) == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / 120_000))
    for axis, count in ((0, 400), (1, 300)):
        assert float(first.mean(axis).var()) == pytest.approx(0.09 / count, rel=0.35)
    together = first @ first.T
    off = together[~torch.eye(400, dtype=torch.bool)]
    assert float(off.mean()) == pytest.approx(300 * 0.01, rel=0.05)
    assert float(off.var()) == pytest.approx(300 * 0.01 * 0.99, rel=0.1)
    assert float((first * second).mean()) == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize(
    ("units", "share", "expected"), [(10, 0.0, 10), (10, 0.3, 7), (512, 0.8, 102), (1, 0.9, 1), (4, 0.95, 1)]
)
def test_shared_units(units: int, share: float, expected: int) -> None:
    assert int(is_shared(units, torch.tensor(share)).sum()) == expected


def tied(share: float, own: float = 0.25) -> nn.Module:
    network = WithMemory(own)(perceptron())
    together([network]).set_knob("example_tied_dropout", [share])
    return network


def test_training_and_evaluation_are_what_is_written_by_hand() -> None:
    network, inputs = tied(0.5), torch.rand(3, 8, 8)
    ids = ["train/5", "train/6", "canary/1"]
    hidden = torch.relu(network[1](inputs.flatten(1)))  # type: ignore[index]
    shared = torch.arange(32) < 16
    own = torch.tensor([own_by_hand(name, 32, 0.25, 0) for name in ids])
    last = network[3]  # type: ignore[index]
    for training in (True, False):
        network.train(training)
        with remembering(network, ids):
            torch.testing.assert_close(network(inputs), last(hidden * (own | shared)))
        torch.testing.assert_close(network(inputs), last(hidden * shared * (0.5 + 0.5 * 0.25) / 0.5))
    given = torch.from_numpy(numbers_of(np.array(ids)))[None]
    torch.testing.assert_close(together([network])(inputs[None], slice(0, 1), given)[0], last(hidden * (own | shared)))
    torch.testing.assert_close(network(inputs), last(hidden * shared * (0.5 + 0.5 * 0.25) / 0.5))


def test_each_run_of_a_stack_is_told_of_its_own_examples() -> None:
    networks = [tied(0.5) for _ in range(3)]
    alone = [copy.deepcopy(network) for network in networks]
    stack, inputs = together(networks), torch.rand(2, 4, 8, 8)
    who = torch.from_numpy(numbers_of(IDS[:8])).view(2, 4)
    outputs = stack(inputs, slice(1, 3), who)
    for place, run in enumerate((1, 2)):
        expected = together([alone[run]])(inputs[place : place + 1], slice(0, 1), who[place : place + 1])
        torch.testing.assert_close(outputs[place], expected[0])
    torch.testing.assert_close(stack.ask(inputs[0])[1], alone[1](inputs[0]))


@pytest.mark.parametrize(("shape", "make"), [((8, 8), lambda: cnn((8, 8), 4)), ((3, 8), lambda: nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Flatten(), nn.Linear(18, 4))), ((1, 8, 8), lambda: nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 4)))])  # fmt: skip
def test_units_are_features_or_channels_and_stacks_are_possible(
    shape: tuple[int, ...], make: Callable[[], nn.Module]
) -> None:
    def changed() -> nn.Module:
        return WithMemory(0.1)(make())

    inputs = torch.rand(5, *shape)
    assert not obstacle(changed, inputs, torch.arange(5) % 4, Classification())
    network = changed()
    together([network]).set_knob("example_tied_dropout", [0.5])
    heard: list[torch.Tensor] = []
    (name,) = places(make)
    network.get_submodule(name).register_forward_hook(lambda module, given, output: heard.append(output))
    network(inputs)
    axis = 1 if len(shape) == 3 else -1
    per_unit = heard[0].movedim(axis, 0).flatten(1).sum(1)
    assert (per_unit[len(per_unit) // 2 :] == 0).all()
    assert (per_unit[: len(per_unit) // 2] > 0).any()


def test_no_memory_units_and_a_wrong_count_are_refused() -> None:
    with pytest.raises(InvalidData, match="has no memory units"), remembering(perceptron(), ["train/1"]):
        pass
    network = tied(0.5)
    with remembering(network, ["train/1"]), pytest.raises(InvalidData, match="told of 1 examples and given 3"):
        network(torch.rand(3, 8, 8))
    with pytest.raises(InvalidData, match="has no place"):
        example_tied_dropout(0.5)(replace(small_task(), model=lambda: nn.Sequential(nn.Conv2d(1, 4, 8), nn.Flatten())))
    with pytest.raises(InvalidData, match=r"Give a number, from 0\.001 to 1"):
        example_tied_dropout(0.5, own=0)


def memorizable() -> Task:
    """Return four noisy patterns, with wrong labels that a wide network learns by heart."""
    rng = np.random.default_rng(0)
    patterns, labels = rng.normal(size=(4, 64)), np.arange(160) % 4
    inputs = (patterns[labels] + rng.normal(0, 1.2, (160, 64))).astype(np.float32)
    recipe = Recipe(epochs=40, batch_size=20, learning_rate=0.003)

    def model() -> nn.Module:
        return nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 4))

    return Task(model, Examples(inputs, labels), None, recipe)


def test_wrong_labels_are_known_with_their_own_units_and_not_without() -> None:
    task = example_tied_dropout(0.8)(memorizable())
    population = plant(task, Canaries(mislabeled=20), 0)
    wrong = population.canary == "mislabeled"
    member = np.ones((1, len(population)), np.bool_)
    ((_, pack),) = packs(learner(task), population, member, task.recipe, [0], Engine(), task.learned)
    for epoch in range(1, task.recipe.epochs + 1):
        steps = pack.epoch(epoch, np.arange(len(population)))
    clean = steps[0].clean
    assert clean is not None
    without = np.zeros(len(population), np.bool_)
    without[clean.positions] = clean.values["correct"]
    with_own = known(pack.networks.one(0), population)
    assert with_own[wrong].mean() > 0.9
    assert without[wrong].mean() < 0.25
    assert without[~wrong].mean() > 0.8


def known(model: nn.Module, population: Population) -> np.ndarray:
    """Return which examples are predicted as labelled with their own memory units."""
    with torch.no_grad(), remembering(model.eval(), population.ids.tolist()):
        return model(torch.from_numpy(population.inputs)).argmax(1).numpy() == population.labels
