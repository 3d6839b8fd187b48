import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from byrote.errors import ByroteError, InvalidData
from byrote.objectives.classification import observe
from byrote.record import Population, Step
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.schedule import cosine, linear
from byrote.task.task import Task
from byrote.training.checks import check_model
from byrote.training.engine import Engine
from byrote.training.loop import train
from people import CLASSES, FEATURES, TEST, N, members, noisy, people, perceptron


def task_of(model: Any) -> Task:
    examples = people()
    return Task(model, Examples(examples.inputs, examples.labels), classes=tuple("abc"[:CLASSES]))


RECIPE = Recipe(epochs=3, batch_size=8, optimizer="sgd", learning_rate=linear(0.3), momentum=0.0)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """As in a collection; and layers this small are slowed down by a second thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(
    model: Callable[[], nn.Module] = perceptron,
    recipe: Recipe = RECIPE,
    seed: int = 7,
    *,
    population: Population | None = None,
    count: int = 20,
) -> list[Step]:
    population = population or people()
    return [step for (step,) in train(model, population, members(population, count)[None], recipe, [seed], Engine())]


def assert_same(first: list[Step], second: list[Step]) -> None:
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert a.step == b.step
        for one, other in ((a.clean, b.clean), (a.seen, b.seen)):
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                np.testing.assert_array_equal(one.positions, other.positions)
                for name, values in one.values.items():
                    np.testing.assert_array_equal(values, other.values[name])


def losses(steps: list[Step]) -> NDArray[np.float32]:
    """Return the clean loss of everyone after the last step."""
    assert steps[-1].clean is not None
    return steps[-1].clean.values["loss"]


def by_hand(
    population: Population, member: NDArray[np.bool_], recipe: Recipe, seed: int
) -> tuple[list[dict[int, Tensor]], Tensor]:
    """Plain SGD, weight by weight: the logits of each presentation, per step, and everyone's at the end."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        first, _, second = perceptron()
    weights = [first.weight, first.bias, second.weight, second.bias]
    inputs, labels = torch.from_numpy(population.inputs), torch.from_numpy(population.labels)

    def forward(x: Tensor) -> Tensor:
        return torch.clamp(x @ weights[0].T + weights[1], min=0) @ weights[2].T + weights[3]

    shuffle = torch.Generator().manual_seed(seed)
    who = [i for i in range(len(member)) if member[i]]
    updates = int(np.ceil(len(who) / recipe.batch_size))
    velocity = [torch.zeros_like(w) for w in weights]
    spoken: list[dict[int, Tensor]] = []
    for epoch in range(recipe.epochs):
        order = [who[int(i)] for i in torch.randperm(len(who), generator=shuffle)]
        said: dict[int, Tensor] = {}
        for update, batch in enumerate(np.array_split(order, updates)):
            share = (epoch * updates + update) / (recipe.epochs * updates)
            rate = 0.3 * (1 - share)
            logits = forward(inputs[batch])
            said |= dict(zip(batch.tolist(), logits.detach(), strict=True))
            loss = -torch.log_softmax(logits, 1)[torch.arange(len(batch)), labels[batch]].mean()
            gradients = torch.autograd.grad(loss, weights)
            with torch.no_grad():
                for k, (w, g) in enumerate(zip(weights, gradients, strict=True)):
                    velocity[k] = recipe.momentum * velocity[k] + g + 0.01 * w
                    w -= rate * velocity[k]
        spoken.append(said)
    return spoken, forward(inputs).detach()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_equals_a_loop_by_hand(momentum: float) -> None:
    population, recipe = people(), replace(RECIPE, momentum=momentum, weight_decay=0.01)
    member = members(population, 20)
    steps = run(recipe=recipe)
    spoken, final = by_hand(population, member, recipe, 7)
    labels = torch.from_numpy(population.labels)
    for step, said in zip(steps, spoken, strict=True):
        assert step.seen is not None
        assert sorted(step.seen.positions.tolist()) == np.flatnonzero(member).tolist()
        expected = observe(torch.stack([said[int(i)] for i in step.seen.positions]), labels[step.seen.positions])
        for name, values in step.seen.values.items():
            np.testing.assert_allclose(values, expected[name], rtol=1e-5, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(losses(steps), observe(final, labels)["loss"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("model", [perceptron, noisy])
def test_same_seed_same_bits_whatever_the_callers_random_state(model: Callable[[], nn.Module]) -> None:
    torch.manual_seed(1)
    first = run(model)
    torch.manual_seed(2)
    assert_same(first, run(model))
    assert not np.array_equal(losses(first), losses(run(model, seed=8)))


def test_what_the_caller_draws_between_steps_does_not_matter() -> None:
    population, steps = people(), []
    for (step,) in train(noisy, population, members(population, 20)[None], RECIPE, [7], Engine()):
        torch.rand(5)
        steps.append(step)
    assert_same(steps, run(noisy))


def test_the_callers_random_state_is_left_as_it_was() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    check_model(task_of(noisy), people())
    for _ in train(noisy, people(), members(people(), 20)[None], RECIPE, [7], Engine()):
        assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    np.testing.assert_array_equal(np.random.get_state()[1], before[2])  # noqa: NPY002


def test_only_members_are_trained_on() -> None:
    population = people()
    stranger = 25
    inputs = population.inputs.copy()
    inputs[stranger] += 100
    changed = run(noisy, population=population.with_inputs(inputs))
    others = np.arange(len(population)) != stranger
    plain = run(noisy)
    np.testing.assert_array_equal(losses(changed)[others], losses(plain)[others])
    assert losses(changed)[stranger] != losses(plain)[stranger]
    for step in plain:
        assert step.seen is not None
        assert sorted(step.seen.positions.tolist()) == [*range(20), N + TEST]


def test_a_members_label_is_what_it_is_trained_on() -> None:
    population = people()
    labels = population.labels.copy()
    labels[3] = (labels[3] + 1) % CLASSES
    assert (losses(run(population=replace(population, labels=labels))) != losses(run())).all()


@pytest.mark.parametrize("model", [perceptron, noisy])
@pytest.mark.parametrize(
    ("every", "asked"), [(0, [0, 0, 0, N + 10]), (1, [10, 10, 10, N + 10]), (2, [0, 10, 0, N + 10])]
)
def test_who_is_asked_in_a_clean_pass(model: Callable[[], nn.Module], every: int, asked: list[int]) -> None:
    steps = run(model, replace(RECIPE, epochs=4, evaluate_every=every))
    positions = [[] if step.clean is None else step.clean.positions.tolist() for step in steps]
    assert [len(p) for p in positions] == asked
    for p in positions[:-1]:
        assert set(p) in (set(), set(range(N, N + 10)))
    never = run(model, replace(RECIPE, epochs=4, evaluate_every=0))
    for one, other in zip(steps, never, strict=True):
        assert one.seen is not None
        assert other.seen is not None
        np.testing.assert_array_equal(one.seen.values["loss"], other.seen.values["loss"])


class Spy(nn.Module):
    """Notes in which mode it was asked about how many."""

    def __init__(self, calls: list[tuple[bool, int]]) -> None:
        super().__init__()
        self.layer, self.calls = noisy(), calls

    def forward(self, x: Tensor) -> Tensor:
        self.calls.append((self.training, len(x)))
        return self.layer(x)


@pytest.mark.parametrize("count", [8, 16, 9, 17, 23, 31])
def test_no_batch_is_left_with_one_example_and_clean_passes_are_in_evaluation_mode(count: int) -> None:
    calls: list[tuple[bool, int]] = []
    steps = run(lambda: Spy(calls), count=count - 1)
    trained = [size for training, size in calls if training]
    assert sum(trained) == count * RECIPE.epochs
    assert max(trained) <= RECIPE.batch_size
    assert max(trained) - min(trained) <= 1
    assert min(trained) > 1
    asked = [size for training, size in calls if not training]
    assert sum(asked) == sum(len(step.clean.positions) for step in steps if step.clean)


def test_evaluation_mode_is_not_the_training_mode() -> None:
    """Asked alone or in company, a clean pass says the same; dropout and the batch's own mean would not."""
    population = people()
    columns = {k: v for k, v in vars(population).items() if isinstance(v, np.ndarray) and k != "inputs"}
    fewer = replace(population, **{k: np.delete(v, [N, N + 3], axis=0) for k, v in columns.items()})
    fewer = fewer.with_inputs(np.delete(population.inputs, [N, N + 3], axis=0))
    alone, together = run(noisy, population=fewer), run(noisy, population=population)
    kept = np.delete(np.arange(len(population)), [N, N + 3])
    np.testing.assert_allclose(losses(alone), losses(together)[kept], rtol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"momentum": 0.9},
        {"optimizer": "adamw", "learning_rate": 0.01},
        {"learning_rate": cosine(0.3)},
        {"learning_rate": linear(0.3, warmup=0.5)},
        {"learning_rate": 0.3},
        {"weight_decay": 0.1},
        {"weight_decay": linear(0.1)},
        {"batch_size": 4},
    ],
    ids=str,
)
def test_every_knob_takes_effect(change: dict[str, Any]) -> None:
    assert not np.allclose(losses(run(recipe=replace(RECIPE, **change))), losses(run()), rtol=1e-3)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_no_learning_without_a_learning_rate(optimizer: Any) -> None:
    steps = run(recipe=replace(RECIPE, learning_rate=0.0, optimizer=optimizer, weight_decay=0.1))
    torch.manual_seed(7)
    with torch.no_grad():
        logits = perceptron()(torch.from_numpy(people().inputs))
    np.testing.assert_allclose(losses(steps), observe(logits, torch.from_numpy(people().labels))["loss"], rtol=1e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_it_learns(optimizer: Any) -> None:
    recipe = Recipe(epochs=40, batch_size=8, optimizer=optimizer, learning_rate=linear(0.05), momentum=0.9)
    seen = [float(step.seen.values["loss"].mean()) for step in run(recipe=recipe) if step.seen]
    assert seen[-1] < 0.5 * seen[0]
    assert sum(b < a for a, b in pairwise(seen)) > 25


def test_byte_pictures_are_divided_by_255() -> None:
    population = people()
    bytes_ = np.random.default_rng(1).integers(0, 256, (len(population), 1, FEATURES)).astype(np.uint8)
    floats = (bytes_ / np.float32(255)).astype(np.float32)
    flat = lambda: nn.Sequential(nn.Flatten(), perceptron())  # noqa: E731
    pictures, numbers = (run(flat, population=population.with_inputs(each)) for each in (bytes_, floats))
    assert_same(pictures, numbers)


def test_whole_numbers_reach_the_model_as_they_are() -> None:
    """Token ids in any integer type train the same embedding: bytes among them are no brightness."""
    population = people()
    ids = np.random.default_rng(1).integers(0, 200, population.inputs.shape)
    embedded = lambda: nn.Sequential(nn.EmbeddingBag(256, 8), nn.Linear(8, CLASSES))  # noqa: E731
    first, *others = [
        run(embedded, population=population.with_inputs(ids.astype(kind))) for kind in (np.int64, np.uint8, np.int32)
    ]
    for other in others:
        assert_same(first, other)


def test_divergence_is_said() -> None:
    with pytest.raises(
        ByroteError, match=r"Training diverged in step \d: .*learning_rate=1e\+20.*Lower the learning rate"
    ):
        run(recipe=replace(RECIPE, learning_rate=1e20))


def test_divergence_in_the_very_last_update_is_said() -> None:
    """One update of a batch of everyone: what the model said before it was still finite."""
    with pytest.raises(ByroteError, match="Training diverged in step 1"):
        run(recipe=Recipe(epochs=1, batch_size=100, optimizer="sgd", learning_rate=1e38))


def test_a_run_without_members_is_refused() -> None:
    population = people()
    with pytest.raises(InvalidData, match="trained on no example at all"):
        next(train(perceptron, population, np.zeros((1, len(population)), np.bool_), RECIPE, [0], Engine()))


def raising() -> nn.Module:
    raise FileNotFoundError("weights.pt")


class Strict(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise AssertionError("images only")


class Undefined(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, :CLASSES] * torch.nan


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (lambda: nn.Linear(FEATURES, 7), r"outputs of shape \(2, 7\) for 2 examples, but the task has 3 classes"),
        (lambda: nn.Flatten(0), r"outputs of shape \(10,\) for 2 examples"),
        (lambda: nn.LSTM(FEATURES, CLASSES), r"returns tuple of 2: .* instead of a tensor\. Say which part"),
        (lambda: nn.Linear(FEATURES + 1, CLASSES), r"cannot read inputs of shape \(2, 5\) .*: mat1 and mat2"),
        (Strict, r"cannot read inputs of shape \(2, 5\) .*: images only"),
        (Undefined, "untrained model gives NaN or infinite outputs"),
        (lambda: "resnet18", "returned str. It must return a torch.nn.Module"),
        (lambda: nn.Linear, "returned type"),
        (raising, r"Task.model\(\) raises FileNotFoundError: weights.pt"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(model: Any, told: str) -> None:
    with pytest.raises(InvalidData, match=told):
        check_model(task_of(model), people())


class InPlace(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mul_(-1)[:, :CLASSES]


def test_checking_a_model_changes_no_example() -> None:
    population = people()
    check_model(task_of(InPlace), population)
    np.testing.assert_array_equal(population.inputs, people().inputs)
