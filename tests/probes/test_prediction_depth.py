"""Prediction depth: a network whose depths are known, a brute-force loop, ties, blocks, and what counts as a layer."""

from collections import Counter
from collections.abc import Callable
from importlib import import_module

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from byrote.errors import ByroteError, InvalidData
from byrote.probes import prediction_depth
from probes.networks import ARCHITECTURES, build, examples, perceptron, untouched

DEPTH = import_module("byrote.probes.prediction_depth")


def second_coordinate() -> nn.Module:
    """Reads x[1] and says whether it is above 0: two layers, after each of which only x[1] is left."""
    model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Linear(1, 2, bias=False)).double()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[0.0, 1.0]]))
        model[1].weight.copy_(torch.tensor([[-1.0], [1.0]]))
    return model


def test_depths_that_are_known() -> None:
    """Rows: near its own kind already; near the others in the input; near a wrong label in every layer."""
    model = second_coordinate()
    reference = torch.tensor([[0.0, 1.0], [100.0, -1.0], [0.0, -3.0], [50.0, 7.0]], dtype=torch.float64)
    told = torch.tensor([1, 0, 0, 0])
    queries = torch.tensor([[1.0, 1.1], [99.0, 1.1], [50.0, 7.2]], dtype=torch.float64)
    assert prediction_depth(model, queries, reference, told, k=1).tolist() == [0, 1, 3]


def test_a_vote_that_was_right_by_accident_does_not_count() -> None:
    """Right in the input, wrong after the first layer, right after the last: depth 2."""
    model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.ReLU(), nn.Linear(1, 2)).double()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0.0]]))
        model[2].weight.copy_(torch.tensor([[1.0], [0.0]]))
        model[2].bias.copy_(torch.tensor([1.0, 0.0]))
    query = torch.tensor([[-5.0, 0.0]], dtype=torch.float64)
    reference = torch.tensor([[-3.0, 0.0], [-5.0, 9.0], [4.0, 0.0]], dtype=torch.float64)
    told = torch.tensor([0, 1, 1])
    assert prediction_depth(model, query, reference, told, k=1).tolist() == [2]


def brute(model: nn.Sequential, query: Tensor, reference: Tensor, told: Tensor, k: int) -> float:
    """Layer by layer, in NumPy: input, then after each layer with weights or a ReLU."""
    mine, theirs = query[None].clone(), reference.clone()
    votes = []
    for layer in (nn.Identity(), *model):
        with torch.no_grad():
            mine, theirs = layer(mine.clone()), layer(theirs.clone())
        if isinstance(layer, nn.Identity | nn.ReLU) or list(layer.parameters()):
            distance = np.sqrt(((theirs - mine).flatten(1).numpy() ** 2).sum(1))
            names = told.numpy()[np.argsort(distance, kind="stable")[:k]].tolist()
            count = Counter(names)
            votes.append(next(name for name in names if count[name] == max(count.values())))
    predicted = int(mine.argmax())
    depth = len(votes)
    while depth > 0 and votes[depth - 1] == predicted:
        depth -= 1
    return float(depth)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("k", [1, 2, 5, 30])
def test_equals_brute_force(architecture: Callable[[], nn.Module], k: int) -> None:
    model, (inputs, _), (reference, told) = build(architecture), examples(15), examples(40, seed=1)
    told[:20] = model(reference[:20]).argmax(1)
    found = prediction_depth(model, inputs, reference, told, k=k)
    assert found.tolist() == [brute(model, one, reference, told, k) for one in inputs]
    assert len(found.unique()) > 1 or k == 30
    with untouched(model):
        assert prediction_depth(model, inputs, reference, told, k=k).equal(found)


@pytest.mark.parametrize("block", [1, 10_000, 100_000])
def test_memory_comes_in_blocks_and_changes_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model, (inputs, _), (reference, told) = build(ARCHITECTURES[0]), examples(15), examples(40, seed=1)
    expected = prediction_depth(model, inputs, reference, told, k=3)
    monkeypatch.setattr(DEPTH, "BLOCK_BYTES", block)
    sizes: list[int] = []
    model.register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
    assert prediction_depth(model, inputs, reference, told, k=3).equal(expected)
    width = 36 + 144 + 144 + 144 + 12 + 3
    assert max(sizes) == max(1, block // (24 * width))


def test_a_training_example_does_not_vote_for_itself() -> None:
    model = second_coordinate()
    reference = torch.tensor([[0.0, 1.0], [0.0, -1.0], [0.0, -3.0]], dtype=torch.float64)
    told = torch.tensor([1, 0, 0])
    everyone = torch.arange(3)
    assert prediction_depth(model, reference, reference, told, k=1).tolist() == [0, 0, 0]
    assert prediction_depth(model, reference, reference, told, k=1, own=everyone).tolist() == [3, 3, 0]
    assert prediction_depth(model, reference, reference, told, k=1, own=torch.tensor([-1, 1, 2])).tolist() == [0, 3, 0]


def test_a_tied_vote_goes_to_the_nearest() -> None:
    model = second_coordinate()
    reference = torch.tensor([[0.0, 1.0], [0.0, -1.0]], dtype=torch.float64)
    query = torch.tensor([[0.0, 0.1], [0.0, -0.1]], dtype=torch.float64)
    for order in ([0, 1], [1, 0]):
        told = torch.tensor([1, 0])
        assert prediction_depth(model, query, reference[order], told[order], k=2).tolist() == [0, 0]


def test_neighbours_are_told_apart_far_from_zero() -> None:
    """Distances of .01 at a distance of 10,000 from zero: float32 sums of squares would not see them."""
    model = nn.Sequential(nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(2))
    query = torch.tensor([[10_000.0, 10_001.0]])
    reference = query + torch.tensor([[0.02, 0.0], [-0.01, 0.0]])
    assert prediction_depth(model, query, reference, torch.tensor([0, 1]), k=1).tolist() == [0]


def test_layers_can_be_named_and_one_that_is_called_twice_is_two() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.relu, self.last = nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.relu(self.first(self.relu(x))))

    model = Twice()
    inputs, told = torch.randn(9, 2), torch.zeros(9, dtype=torch.int64)
    with torch.no_grad():
        model.last.weight.zero_()
        model.last.bias.copy_(torch.tensor([0.0, 1.0]))
    assert prediction_depth(model, inputs, inputs, told, k=1).tolist() == [5] * 9
    assert prediction_depth(model, inputs, inputs, told, k=1, layers=["relu"]).tolist() == [3] * 9
    assert prediction_depth(model, inputs, inputs, told, k=1, layers=[]).tolist() == [1] * 9
    assert prediction_depth(model, inputs, inputs, told + 1, k=1).tolist() == [0] * 9


@pytest.mark.usefixtures("unchecked_shapes")
def test_bad_input() -> None:
    model, (inputs, _), (reference, told) = build(perceptron), examples(5), examples(40, seed=1)
    broken = inputs.clone()
    broken[1, 0, 0, 0] = torch.nan
    found, expected = (prediction_depth(model, some, reference, told) for some in (broken, inputs))
    assert found[1].isnan()
    assert found[[0, 2, 3, 4]].equal(expected[[0, 2, 3, 4]])
    assert prediction_depth(model, inputs[:0], reference, told).shape == (0,)
    with pytest.raises(InvalidData, match=r"prediction_depth was given k=41, .*at least k voters\."):
        prediction_depth(model, inputs, reference, told, k=41)
    with pytest.raises(InvalidData, match=r"given k=40, "):
        prediction_depth(model, inputs, reference, told, k=40, own=torch.arange(5))
    with pytest.raises(
        InvalidData, match="`reference_labels` has 39 along the axis reference, and `reference_inputs` has 40"
    ):
        prediction_depth(model, inputs, reference, told[1:])
    with pytest.raises(InvalidData, match=r"`reference_inputs` is a tensor of torch\.uint8"):
        prediction_depth(model, inputs, reference.to(torch.uint8), told)
    with pytest.raises(ByroteError, match="There is no layer named 'conv9'"):
        prediction_depth(model, inputs, reference, told, layers=["conv9"])
    with pytest.raises(InvalidData, match="one row per example"):
        prediction_depth(_Last(nn.LSTM(2, 2)), torch.zeros(5, 4, 2), torch.zeros(5, 4, 2), told[:5], k=1)


class _Last(nn.Module):
    """A recurrent layer that has examples on its second axis."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.transpose(0, 1))[0][-1]
