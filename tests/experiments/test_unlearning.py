"""Unlearning: each way does what is written by hand, and what is left is measured against models that never saw the examples."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from byrote.controls.example_tied_dropout import example_tied_dropout
from byrote.errors import ByroteError, InvalidData
from byrote.experiments.unlearning import (
    NOTHING,
    Case,
    Forgotten,
    Silent,
    Unlearned,
    ascent,
    fine_tune,
    observed,
    smaller,
    summarised,
    unlearn,
)
from byrote.task.canaries import Canaries, plant
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.tensors import to_tensors
from small import small_task

WRONG = [str(i) for i in range(16)]


def wide() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 4))


def memorized() -> Task:
    """Return four noisy patterns whose first sixteen training examples have a wrong label, which is learned by heart."""
    rng = np.random.default_rng(0)
    labels = np.arange(180) % 4
    inputs = (rng.normal(size=(4, 64))[labels] + rng.normal(0, 1.2, (180, 64))).astype(np.float32)
    labels[:16] = (labels[:16] + 1) % 4
    recipe = Recipe(epochs=25, batch_size=20, learning_rate=0.003)
    return Task(wide, Examples(inputs[:120], labels[:120]), Examples(inputs[120:], labels[120:]), recipe)


@pytest.fixture(scope="module")
def found() -> Unlearned:
    return unlearn(memorized(), WRONG, ways=("retrain", "fine_tune", "ascent", "neurons"), seeds=3, epochs=4)


@pytest.fixture(scope="module")
def with_sinks() -> Mapping[str, Forgotten]:
    found = unlearn(example_tied_dropout(0.8)(memorized()), WRONG, ways=("sinks",), seeds=3)
    return {way.way: way for way in found.ways}


def test_models_before_know_and_retrained_ones_are_like_those_that_never_saw(found: Unlearned) -> None:
    ways = {way.way: way for way in found.ways}
    assert list(ways) == [NOTHING, "retrain", "fine_tune", "ascent", "neurons"]
    assert found.forgotten == 16
    assert ways[NOTHING].outcome["forget"].value > 0.9
    assert ways[NOTHING].membership.low > 0.9
    assert ways["retrain"].outcome["forget"].value < 0.3
    assert 0.3 < ways["retrain"].membership.value < 0.7
    assert 0.3 < found.never.membership.value < 0.7
    assert ways["fine_tune"].membership.value > ways["retrain"].membership.value
    for part in ("rest", "test"):
        assert ways["retrain"].outcome[part].value == pytest.approx(found.never.outcome[part].value, abs=0.1)
    assert [row["way"] for row in found.rows()] == [*ways, "never saw them"]
    assert found.rows()[0]["forget"] == ways[NOTHING].outcome["forget"].value


def test_memory_units_hold_what_is_to_be_forgotten(with_sinks: Mapping[str, Forgotten]) -> None:
    before, after = with_sinks[NOTHING], with_sinks["sinks"]
    assert before.outcome["forget"].value > 0.9
    assert after.outcome["forget"].value < 0.3
    assert after.outcome["rest"].value > 0.7
    assert after.membership.value < before.membership.value
    assert before.outcome["test"] == after.outcome["test"]


@pytest.mark.parametrize("seed", range(3))
def test_the_membership_test_is_a_loop_over_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    own, other = rng.integers(0, 6, 7).astype(np.float32), rng.integers(0, 6, 9).astype(np.float32)
    pairs = [float(a < b) + float(a == b) / 2 for a in own for b in other]
    assert smaller(own, other) == pytest.approx(np.mean(pairs))


def test_means_and_intervals_are_over_seeds() -> None:
    rng = np.random.default_rng(0)
    masks = {"forget": np.arange(9) < 3, "rest": (np.arange(9) >= 3) & (np.arange(9) < 6), "test": np.arange(9) >= 6}
    models = [{"loss": rng.random(9), "correct": rng.random(9) < 0.5} for _ in range(8)]
    way = summarised("x", models[:4], models[4:], masks, "correct")
    for part, mask in masks.items():
        assert way.loss[part].value == pytest.approx(np.mean([model["loss"][mask].mean() for model in models[:4]]))
        assert way.outcome[part].value == pytest.approx(
            np.mean([model["correct"][mask].mean() for model in models[:4]])
        )
        assert (way.loss[part].n, way.loss[part].unit) == (4, "seed")
    expected = [smaller(own["loss"][:3], other["loss"][:3]) for own, other in zip(models[:4], models[4:], strict=True)]
    assert way.membership.value == pytest.approx(np.mean(expected))
    assert 0 <= way.membership.low <= way.membership.high <= 1


def test_the_membership_test_of_equal_models_is_fair_and_its_interval_covers() -> None:
    """Losses of both sides from one distribution: .5 lies in the 90 % interval about as often as it says."""
    rng, masks = np.random.default_rng(0), {part: np.ones(20, np.bool_) for part in ("forget", "rest", "test")}
    covered = 0
    for _ in range(300):
        models = [{"loss": rng.exponential(size=20), "correct": np.ones(20)} for _ in range(10)]
        area = summarised("x", models[:5], models[5:], masks, "correct").membership
        covered += area.low <= 0.5 <= area.high
    assert 0.85 < covered / 300 < 0.95


def case_of(task: Task, epochs: int, seed: int = 3) -> Case:
    population = plant(task, Canaries(), 0)
    inputs, targets = to_tensors(population, task.learned, "cpu")
    forget = np.arange(len(population)) < 16
    torch.manual_seed(0)
    return Case(task, population, wide(), inputs, targets, forget, population.where("train") & ~forget, seed, epochs)


def by_hand(case: Case, updates: list[tuple[torch.Tensor, float, float]]) -> nn.Module:
    torch.manual_seed(0)
    model = wide()
    for batch, sign, rate in updates:
        loss = sign * functional.cross_entropy(model(case.inputs[batch]), case.targets[batch])
        for weight, gradient in zip(
            model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True
        ):
            weight.data -= rate * gradient
    return model


def sgd() -> Task:
    return replace(
        memorized(), recipe=Recipe(epochs=3, batch_size=8, optimizer="sgd", momentum=0.0, learning_rate=0.05)
    )


def same(first: nn.Module, second: nn.Module) -> None:
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_fine_tuning_is_what_is_written_by_hand() -> None:
    case, order = case_of(sgd(), 2), torch.Generator().manual_seed(3)
    members, updates = torch.arange(16, 120), []
    for epoch in range(2):
        for place, batch in enumerate(members[torch.randperm(104, generator=order)].tensor_split(13)):
            updates.append((batch, 1.0, 0.05 * (1 - (13 * epoch + place) / 26)))
    same(fine_tune(case), by_hand(case, updates))
    same(fine_tune(case_of(sgd(), 0)), case.model)


def test_ascent_raises_the_loss_to_that_of_test_examples_and_no_further() -> None:
    case, order = case_of(sgd(), 1), torch.Generator().manual_seed(3)
    case.targets[:16] = case.model(case.inputs[:16]).argmax(1)  # known: a smaller loss than test examples have
    updates = [(batch, -1.0, 0.05) for batch in torch.arange(16)[torch.randperm(16, generator=order)].tensor_split(2)]
    same(ascent(case), by_hand(case, updates))
    slow = replace(case.task, recipe=replace(case.task.recipe, learning_rate=0.005))
    longer = replace(case, task=slow, epochs=2000)
    test = longer.population.where("test")
    level = observed(case.model, case.task.learned, case.inputs, case.targets)["loss"][test].mean()
    loss = observed(ascent(longer), case.task.learned, case.inputs, case.targets)["loss"][:16].mean()
    assert level <= loss < level + 0.1
    same(case.model, by_hand(case, []))  # the model itself is left as it was


def test_silenced_units_are_those_without_weights() -> None:
    model = wide()
    inputs = torch.rand(5, 64)
    with torch.no_grad():
        expected = model[2](torch.relu(model[0](inputs)) * ~torch.isin(torch.arange(128), torch.tensor([3, 50])))  # type: ignore[index,operator]
        model[0].register_forward_hook(Silent((3, 50)))  # type: ignore[index]
        torch.testing.assert_close(model(inputs), expected)


def test_the_approximate_ways_forget_something(found: Unlearned) -> None:
    ways = {way.way: way for way in found.ways}
    assert ways["neurons"].outcome["forget"].value < ways[NOTHING].outcome["forget"].value - 0.2
    for name in ("fine_tune", "ascent", "neurons"):
        assert ways[name].loss["forget"].value > ways[NOTHING].loss["forget"].value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": ["500"]}, "1 of 1 ids to forget are of no example"),
        ({"ids": []}, "0 of 0 ids"),
        ({"ids": [str(i) for i in range(120)]}, "All training examples are to be forgotten"),
        ({"ways": ["sinks"]}, "has no memory units to switch off"),
        ({"ways": ["amnesia"]}, "no way to forget named 'amnesia'"),
        ({"seeds": 1}, "cannot give an interval"),
    ],
)
def test_what_cannot_be_forgotten_or_verified_is_refused(change: dict, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ByroteError, match=message):
        unlearn(memorized(), **{"ids": WRONG, **change})


def test_a_task_without_test_examples_is_refused() -> None:
    with pytest.raises(InvalidData, match=r"has none\. Give byrote\.Task"):
        unlearn(replace(memorized(), test=None), WRONG)
    with pytest.raises(InvalidData, match="1 of 1 ids to forget are of no example"):
        unlearn(replace(small_task(), excluded=frozenset(["1"])), ["1"])
