"""Accounting, rewinding and retraining point at the layer that holds what is memorized."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from byrote.errors import ByroteError, InvalidData
from byrote.locate import Checkpoint, gradient_accounting, layer_retraining, layer_rewinding, layers
from byrote.task.recipe import Recipe
from locate.built import clean, initial, memorized, network
from probes.networks import ARCHITECTURES, build, examples, perceptron, untouched

LAYERS = ("read", "hold", "say")
both = pytest.mark.parametrize("architecture", ARCHITECTURES)
RECIPE = Recipe(epochs=5, batch_size=7, optimizer="sgd", learning_rate=0.05)


def sizes(model: nn.Module, one: torch.Tensor, label: torch.Tensor) -> dict[str, float]:
    """Return the squared gradient norm of each layer, by a loop."""
    model = copy.deepcopy(model).eval()
    names = layers(model)
    nn.functional.cross_entropy(model(one[None]), label[None]).backward()
    state = dict(model.named_parameters())
    return {
        name: sum(float((state[key].grad ** 2).sum()) for key in keys if key in state and state[key].grad is not None)
        for name, keys in names.items()
    }


@both
def test_accounting_equals_a_loop(architecture: Callable[[], nn.Module]) -> None:
    model = build(architecture)
    inputs, labels = examples(9)
    known, other = (inputs[:4], labels[:4]), (inputs[4:], labels[4:])
    rows = gradient_accounting(model, known, other)
    assert [row.layer for row in rows] == list(layers(model))
    first, second = (
        np.array([list(sizes(model, one, label).values()) for one, label in zip(*part, strict=True)])
        for part in (known, other)
    )
    for place, row in enumerate(rows):
        for estimate, part in ((row.memorized, first), (row.clean, second)):
            shares = part[:, place] / part.sum(1)
            half = stats.t.ppf(0.95, len(part) - 1) * shares.std(ddof=1) / np.sqrt(len(part))
            np.testing.assert_allclose(estimate.value, shares.mean())
            np.testing.assert_allclose([estimate.low, estimate.high], [shares.mean() - half, shares.mean() + half])
            assert estimate.n == len(part)
        a, b = first[:, place].mean(), second[:, place].mean()
        np.testing.assert_allclose(row.by_memorized.value, a / (a + b))
        spread = sum(part[:, place].var(ddof=1) / len(part) / part[:, place].mean() ** 2 for part in (first, second))
        ends = np.log(a / b) + np.array([-1, 1]) * stats.t.ppf(0.95, 3) * np.sqrt(spread)
        np.testing.assert_allclose([row.by_memorized.low, row.by_memorized.high], 1 / (1 + np.exp(-ends)))
    np.testing.assert_allclose(sum(row.memorized.value for row in rows), 1)


def test_accounting_points_at_the_layer() -> None:
    rows = {row.layer: row for row in gradient_accounting(network(), memorized(), clean())}
    assert tuple(rows) == LAYERS
    assert rows["hold"].memorized.low > 0.9 > 0.6 > rows["hold"].clean.high
    assert rows["hold"].by_memorized.low > 0.8
    assert max(rows["read"].by_memorized.high, rows["say"].by_memorized.high) < 0.5


def test_accounting_where_nothing_pulls_or_one_example_is_all() -> None:
    still = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)).double()
    with torch.no_grad():
        for weight in still.parameters():
            weight.zero_()
    still[1].bias.data[0] = 1e4  # class 0 for certain
    rows = gradient_accounting(still, (torch.ones(3, 2).double(), torch.zeros(3, dtype=torch.int64)), clean(4))
    assert all(np.isnan(row.memorized.value) and row.memorized.n == 0 for row in rows)
    alone = gradient_accounting(network(), memorized(1), clean())[0]
    assert np.isfinite(alone.memorized.value)
    assert np.isnan([alone.memorized.low, alone.by_memorized.low, alone.by_memorized.high]).all()


def test_rewinding_points_at_the_layer() -> None:
    earlier = [Checkpoint(0, initial(), 0.1), Checkpoint(3, network(), 0.1)]
    rows = layer_rewinding(network(), iter(earlier), memorized(), clean())
    assert [(row.epoch, row.layer) for row in rows] == [(epoch, name) for epoch in (0, 3) for name in LAYERS]
    for row in rows:
        lost = row.epoch == 0 and row.layer == "hold"
        assert (row.memorized.value, row.clean.value, row.gap.value) == ((0, 1, 1) if lost else (1, 1, 0))
        assert (row.memorized.n, row.clean.n, row.gap.n) == (12, 20, 32)
        assert row.gap.low > 0.5 if lost else row.gap.low < 0


def test_rewinding_named_modules_together() -> None:
    rows = layer_rewinding(network(), [Checkpoint(0, initial(), 0.1)], memorized(), clean(), modules=["read", "hold"])
    assert [(row.layer, row.memorized.value) for row in rows] == [("read", 1.0), ("hold", 0.0)]


def test_retraining_points_at_the_layer() -> None:
    rows = layer_retraining(network(), initial(), memorized(), clean(), RECIPE)
    for row in rows:
        held = row.layer == "hold"
        assert row.memorized.value == row.reset_memorized.value == (0.0 if held else 1.0)
        assert row.clean.value == row.reset_clean.value == 1.0
        assert row.gap.value == (1.0 if held else 0.0)
        assert 0 < row.clean.low < 1


def test_retraining_brings_back_what_clean_examples_teach() -> None:
    """With `say` reset to nothing, the classes are learned again and the mark, which no clean example has, is not."""
    blank = initial()
    with torch.no_grad():
        blank.get_submodule("say").weight.zero_()
        blank.get_submodule("say").bias[0] = 1.0
    row = layer_retraining(network(), blank, memorized(), clean(), RECIPE)[2]
    assert (row.layer, row.reset_clean.value, row.clean.value, row.memorized.value) == ("say", 0.5, 1.0, 0.0)


def test_retraining_takes_no_other_step_than_plain_sgd_on_the_layer() -> None:
    """One step on all examples: clean accuracy apart, the weights are the gradient step's."""
    from byrote.locate.retraining import _train

    inputs, labels = clean()
    model, keys = initial(), ("hold.weight", "hold.bias")
    _train(
        model,
        "hold",
        keys,
        (inputs, labels),
        Recipe(epochs=1, batch_size=20, optimizer="sgd", learning_rate=0.3, weight_decay=0.1),
        0,
    )
    plain = initial()
    nn.functional.cross_entropy(plain(inputs), labels).backward()
    for (name, weight), before in zip(model.named_parameters(), plain.parameters(), strict=True):
        expected = before - 0.3 * (before.grad + 0.1 * before) if name in keys else before
        torch.testing.assert_close(weight, expected)


def test_normalisation_elsewhere_keeps_its_statistics() -> None:
    from byrote.locate.retraining import _train

    model, before = build(perceptron), build(perceptron).state_dict()
    _train(model, "1", layers(model)["1"], examples(20), RECIPE, 0)
    changed = {name for name, value in model.state_dict().items() if not value.equal(before[name])}
    assert changed == {"1.weight", "1.bias"}
    model = build(perceptron)
    _train(model, "2", layers(model)["2"], examples(20), RECIPE, 0)
    assert not model.state_dict()["2.running_mean"].equal(before["2.running_mean"])


@both
def test_models_are_untouched_and_seeds_decide(architecture: Callable[[], nn.Module]) -> None:
    model, other = build(architecture), build(architecture, 1)
    known, rest = examples(6), examples(9, seed=1)
    with untouched(model):
        gradient_accounting(model, known, rest)
    with untouched(model), untouched(other):
        layer_rewinding(model, [Checkpoint(1, other, 0.1)], known, rest)
    with untouched(model), untouched(other):
        first = layer_retraining(model, other, known, rest, RECIPE)
    assert layer_retraining(model, other, known, rest, RECIPE) == first


@pytest.mark.usefixtures("unchecked_shapes")
def test_refusals() -> None:
    none = (torch.zeros(0, 2).double(), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(InvalidData, match=r"layer_rewinding was given 0 inputs and 0 labels\. Give one or more"):
        layer_rewinding(network(), [Checkpoint(0, initial(), 0.1)], none, clean())
    with pytest.raises(InvalidData, match=r"the model has 2 classes"):
        gradient_accounting(network(), (memorized()[0], memorized()[1] + 3), clean())
    with pytest.raises(InvalidData, match=r"gradient_accounting was given 12 inputs and 2 labels\. Give one label"):
        gradient_accounting(network(), (memorized()[0], memorized()[1][:2]), clean())
    fixed = network().requires_grad_(False)
    with pytest.raises(InvalidData, match="No weight of this model requires a gradient"):
        gradient_accounting(fixed, memorized(), clean())
    large = clean()[0] * 1e308, clean()[1]
    with pytest.raises(ByroteError, match=r"Retraining the layer 'read' diverged in epoch 1 with .*Lower the learning"):
        layer_retraining(network(), initial(), memorized(), large, RECIPE)
