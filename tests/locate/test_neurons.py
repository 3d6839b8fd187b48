"""Critical neurons: the one that remembers is found first, and counts are right."""

import copy
import itertools
from collections.abc import Callable
from importlib import import_module

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from byrote.errors import ByroteError, InvalidData
from byrote.locate import CriticalNeurons, critical_neurons
from byrote.locate.neurons import Flipped
from byrote.locate.silencing import silencing
from locate.built import COPIES, MEMORY, clean, memorized, network
from probes.networks import ARCHITECTURES, build, convolutional, examples, untouched

NEURONS = import_module("byrote.locate.neurons")
both = pytest.mark.parametrize("architecture", ARCHITECTURES)


def found(**options: float) -> CriticalNeurons:
    return critical_neurons(network(), memorized(), clean(), clean(), **options)


@pytest.mark.parametrize("preserve", [0.0, 1.0])
def test_the_neuron_that_remembers_is_the_first_and_only(preserve: float) -> None:
    result = found(preserve=preserve)
    assert result.layer == ("read",) * 7 + ("hold",) * 7
    assert result.unit == (*range(7), *range(7))
    assert (result.memorized.count == 1).all()
    assert {result.unit[order[0]] for order in result.memorized.order} == {MEMORY}
    assert (result.memorized.kept == 1).all()
    assert result.memorized.mean_kept().value == 1


def test_clean_examples_hang_on_every_copy() -> None:
    """Class 1 falls back to class 0 when its three units are silent; class 0 has nothing to fall back to."""
    result = found(copies=1, noise=0.0)
    assert result.clean.count[1::2].tolist() == [COPIES] * 10
    assert np.isinf(result.clean.count[::2]).all()
    for order in result.clean.order[1::2]:
        assert sorted(result.unit[neuron] for neuron in order) == [3, 4, 5]
    assert np.isnan(result.clean.kept[::2]).all()
    assert result.clean.kept[1] == 0.5


def test_random_neurons_flip_as_chance_has_it() -> None:
    """The memory passes through 2 of 14 neurons: the first of two is drawn after 5 on average, variance 13."""
    result = critical_neurons(network(), memorized(400), clean(2), clean(4), copies=1, noise=0.0)
    count, draws = result.random_memorized.count, 14
    first = np.array([min(pair) for pair in itertools.combinations(range(1, draws + 1), 2)])
    assert first.mean() == 5
    assert abs(count.mean() - first.mean()) < 4.5 * first.std() / np.sqrt(len(count))
    assert np.median(count) > result.memorized.median().value
    last = [result.unit[order[-1]] for order in result.random_memorized.order]
    assert set(last) == {MEMORY}


def test_by_layer_and_median() -> None:
    result = found(copies=1, noise=0.0)
    share = result.by_layer(result.memorized)
    assert share["read"].value + share["hold"].value == 1
    assert share["read"].n == 12
    median = result.clean.median()
    assert (median.n, median.low) == (20, COPIES)
    assert median.high == np.inf
    assert np.isnan(Flipped(np.array([2.0, 3.0]), ((0,), (1,)), np.ones(2)).median().low)
    nobody = Flipped(np.full(2, np.nan), ((), ()), np.full(2, np.nan))
    assert np.isnan(nobody.median().value)
    assert nobody.median().n == nobody.mean_kept().n == 0


def test_interval_of_the_median_holds_it_as_often_as_it_says() -> None:
    """2,000 samples of 15; the order statistics' exact coverage is 96.5 %, at least the 90 % asked for."""
    rng, hits = np.random.default_rng(0), 0
    for _ in range(2000):
        values = rng.exponential(size=15)
        ends = Flipped(values, ((),) * 15, values).median()
        hits += ends.low <= np.log(2) <= ends.high
    assert 0.95 < hits / 2000 < 0.98


def test_bounds_and_wrong_predictions() -> None:
    result = found(most=2)
    assert np.isinf(result.clean.count).all()
    inputs, labels = clean()
    wrong = critical_neurons(network(), memorized(), (inputs, 1 - labels), clean())
    assert np.isnan(wrong.clean.count).all()
    assert wrong.clean.order == ((),) * 20


@both
def test_silencing_is_setting_weights_to_zero(architecture: Callable[[], nn.Module]) -> None:
    model, (inputs, _) = build(architecture), examples(5)
    with silencing(model, inputs, None) as run:
        assert run(inputs[:, None], torch.ones(5, run.neurons).double())[:, 0].allclose(model(inputs))
        for neuron in range(run.neurons):
            mask = torch.ones(5, run.neurons).double()
            mask[2, neuron] = 0
            zeroed = copy.deepcopy(model)
            layer = zeroed.get_submodule(run.layer[neuron])
            with torch.no_grad():
                layer.weight[run.unit[neuron]] = 0
                layer.bias[run.unit[neuron]] = 0
            expected = model(inputs)
            expected[2] = zeroed(inputs)[2]
            torch.testing.assert_close(run(inputs[:, None], mask)[:, 0], expected)


@both
@pytest.mark.parametrize("preserve", [0.0, 0.7])
def test_the_predicted_rise_is_the_derivative(architecture: Callable[[], nn.Module], preserve: float) -> None:
    """Central differences of the objective over each neuron's mask, example by example."""
    model, (inputs, labels), others = build(architecture), examples(3), examples(6, seed=1)
    copies = inputs[:, None] + 0.05 * torch.randn(4, 1, 6, 6, generator=torch.Generator().manual_seed(1)).double()

    with silencing(model, inputs, None) as run:

        def objective(place: int, mask: Tensor) -> Tensor:
            mine = run(copies[place : place + 1], mask[None])[0]
            loss = nn.functional.cross_entropy(mine, labels[place].expand(4))
            rest = run(others[0][None], mask[None])[0]
            return loss - preserve * nn.functional.cross_entropy(rest, others[1])

        one = torch.ones(run.neurons).double()
        expected = torch.stack(
            [
                torch.stack(
                    [(objective(p, one - h) - objective(p, one + h)) / 2e-5 for h in 1e-5 * torch.eye(run.neurons)]
                )
                for p in range(3)
            ]
        )
        mask = torch.ones(3, run.neurons).double()
        rise = NEURONS._predicted_rise(run, copies, labels, mask, others, preserve)
    torch.testing.assert_close(rise, expected.detach(), rtol=1e-4, atol=1e-7)


@both
def test_the_model_is_untouched_and_the_batch_does_not_matter(
    architecture: Callable[[], nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, inputs = build(architecture), examples(12)[0]
    labels = model(inputs).argmax(1)
    known, rest = (inputs[:5], labels[:5]), (inputs[5:], labels[5:])
    with untouched(model):
        first = critical_neurons(model, known, rest, rest)
    monkeypatch.setattr(NEURONS, "ROWS", 1)
    again = critical_neurons(model, known, rest, rest)
    for name in ("memorized", "clean", "random_memorized", "random_clean"):
        one, other = getattr(first, name), getattr(again, name)
        np.testing.assert_array_equal(one.count, other.count)
        np.testing.assert_array_equal(one.kept, other.kept)
        assert one.order == other.order
        assert all(len(set(order)) == len(order) for order in one.order)
    assert np.isfinite(first.clean.count).any()
    assert np.isinf(first.clean.count).any()


def test_noise_has_its_norm() -> None:
    pattern = torch.randn(5, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    inputs = examples(3)[0]
    added = NEURONS._noise(inputs, pattern, 0.01) - inputs[:, None]
    norms = added.flatten(2).norm(dim=2) / inputs.flatten(1).norm(dim=1)[:, None]
    torch.testing.assert_close(norms, torch.full((3, 5), 0.01).double())


def test_named_modules() -> None:
    result = critical_neurons(network(), memorized(), clean(), clean(), modules=["relu2"])
    assert set(result.layer) == {"relu2"}
    assert {result.unit[order[0]] for order in result.memorized.order} == {MEMORY}


@pytest.mark.usefixtures("unchecked_shapes")
def test_refusals() -> None:
    with pytest.raises(ByroteError, match=r"no layer named 'conv'"):
        critical_neurons(network(), memorized(), clean(), clean(), modules=["conv"])
    with pytest.raises(InvalidData, match=r"copies=0, noise=0\.01, preserve=1\.0, most=None\. Take 1 or more copies"):
        found(copies=0)
    with pytest.raises(InvalidData, match=r"most=0\. Take"):
        found(most=0)
    with pytest.raises(InvalidData, match=r"given 0 other inputs and 0 labels\. Give one or more of each\."):
        critical_neurons(network(), memorized(), clean(), tuple(part[:0] for part in clean()))
    with pytest.raises(InvalidData, match=r"labels from 4 to 4, and the model has 2 classes"):
        critical_neurons(network(), (memorized()[0], memorized()[1] + 3), clean(), clean())
    with pytest.raises(InvalidData, match=r"No layer with neurons is called before the last\."):
        critical_neurons(nn.Linear(2, 2).double(), memorized(), clean(), clean())
    with pytest.raises(InvalidData, match=r"Give floating-point"):
        critical_neurons(network(), (memorized()[0].long(), memorized()[1]), clean(), clean())


def test_hooks_are_gone_after_an_error() -> None:
    model = build(convolutional)
    inputs, labels = examples(4)
    with pytest.raises(RuntimeError), silencing(model, inputs, None) as run:
        run(inputs[:, None, :, :2], torch.ones(4, run.neurons).double())
    assert not any(module._forward_hooks for module in model.modules())
    assert labels.shape == (4,)
