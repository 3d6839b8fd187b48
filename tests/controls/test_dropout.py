"""Dropout: where it acts, that its masks are those of torch, and that runs, copies and workers all see the same network."""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import cloudpickle
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from byrote.controls.dropout import OWN, dropout, dropped, places, with_dropout
from byrote.errors import InvalidData
from byrote.objectives import Classification
from byrote.task.canaries import Canaries
from byrote.task.models import cnn, mlp
from byrote.task.schedule import linear
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.replay import replay
from byrote.training.stacked import obstacle, together
from small import small_task


def regulated() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 4))


class Functional(nn.Module):
    """Activations are functions, and the last dense layer's weights are looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(64, 16), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(functional.relu(self.first(x.flatten(1)))) + 0 * self.last.weight.sum()


class Shared(nn.Module):
    """One activation and one dropout under several names, registered last, and called between all layers."""

    def __init__(self, rate: float | None = None) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Linear(64, 16), nn.Linear(16, 16), nn.Linear(16, 4)
        self.relu = nn.ReLU()
        self.again = self.relu
        self.drop = nn.Identity() if rate is None else nn.Dropout(rate)
        self.more = self.drop

    def forward(self, x: Tensor) -> Tensor:
        first = self.drop(self.relu(self.one(x.flatten(1))))
        return self.three(self.more(self.again(self.two(first))))


class Attention(nn.Module):
    """Attention reads the weights of its last dense layer, and never calls it."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.attention = nn.Linear(8, 4), nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.view(-1, 8, 8)
        return self.head(self.attention(rows, rows, rows)[0].mean(1))


def encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.4, batch_first=True)
    layer.self_attn.dropout = 0.0  # a plain number, which the control leaves as it is
    return nn.Sequential(nn.Unflatten(2, (8,)), layer, nn.Flatten(), nn.Linear(64, 4))


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 8)), nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout2d(0.2), nn.Flatten(),
        nn.Linear(144, 4),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (partial(mlp, (8, 8), 4, depth=2), ["2", "4"]),
        (partial(cnn, (8, 8), 4), ["7"]),  # behind the dense layer, not behind the convolutions
        (regulated, ["3"]),
        (Functional, ["last"]),
        (Shared, ["relu"]),
        (partial(Shared, 0.3), ["drop"]),
        (Attention, ["head"]),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 4)), ["1", "3"]),
        (lambda: nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.LayerNorm(8), nn.Tanh()), nn.Linear(8, 1), nn.Sigmoid()), ["1.1"]),
    ],
)  # fmt: skip
def test_its_places(make: Callable[[], nn.Module], expected: list[str]) -> None:
    assert places(make) == expected


@pytest.mark.parametrize(
    "make", [regulated, Functional, Shared, partial(Shared, 0.3), Attention, encoder, convolutional]
)
def test_weights_and_names_stay_and_each_model_can_be_trained_in_a_stack(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    plain = make()
    torch.manual_seed(0)
    network = with_dropout(make())
    old, new = (dict(each.named_parameters()) for each in (plain, network))
    assert list(old) == list(new)
    assert all(torch.equal(old[name], new[name]) for name in old)
    inputs, targets = torch.rand(6, 8, 8), torch.arange(6) % 4
    torch.testing.assert_close(network.eval()(inputs), plain.eval()(inputs))
    stacked = [obstacle(each, inputs, targets, Classification()) for each in (make, lambda: with_dropout(make()))]
    assert bool(stacked[0]) == bool(stacked[1])  # fused attention cannot be stacked, with or without
    for module in plain.modules():
        if isinstance(module, OWN):
            module.p = 0.0
    for rate, same in ((0.0, True), (0.5, False)):
        together([network]).set_knob("dropout", [rate])
        assert torch.allclose(network.train()(inputs), plain.train()(inputs), atol=1e-6) is same


@pytest.mark.parametrize(
    ("module", "shape"), [(nn.Dropout(), (300, 100)), (nn.Dropout2d(), (300, 10, 4, 5)), (nn.Dropout1d(), (300, 10, 9)), (nn.AlphaDropout(), (300, 100)), (nn.ReLU(), (300, 100))]
)  # fmt: skip
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_units_are_dropped_as_torch_does(module: nn.Module, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    """Oracle: torch's own modules give the same two values, as often; channels are dropped whole."""
    rate = 0.03
    torch.manual_seed(0)
    own = dropped(torch.ones(shape, dtype=dtype), torch.tensor(rate), module)
    assert own.dtype == dtype
    torchs = type(module)(rate) if isinstance(module, OWN) else nn.Dropout(rate)
    expected = torchs.train()(torch.ones(shape, dtype=torch.float32))
    values, counts = own.float().unique(return_counts=True)
    torch.testing.assert_close(values, expected.unique(), rtol=0.01, atol=0.01)
    units = own.flatten(2)[..., 0] if own.ndim > 2 else own
    assert units.numel() * counts.min() / counts.sum() == pytest.approx(
        rate * units.numel(), abs=3.5 * np.sqrt(rate * units.numel())
    )
    if own.ndim > 2:
        assert (own.flatten(2) == own.flatten(2)[..., :1]).all()


def test_each_run_of_a_stack_has_its_own_rate_and_mask() -> None:
    networks = [with_dropout(Shared()) for _ in range(3)]
    stack = together(networks)
    stack.set_knob("dropout", [0.0, 0.4, 0.4])
    stack.mode(training=True)
    inputs = torch.rand(3, 5, 8, 8)
    outputs = stack(inputs, slice(0, 3))
    torch.testing.assert_close(outputs[0], networks[0].eval()(inputs[0]))
    one = stack.one(1)
    assert one.relu.dropout_knob.item() == pytest.approx(0.4)  # type: ignore[union-attr]
    torch.testing.assert_close(one.eval()(inputs[1]), networks[1].eval()(inputs[1]))
    stack.mode(training=True)
    same = torch.stack([inputs[0]] * 3)
    stack.weights = {name: weight[:1].expand_as(weight) for name, weight in stack.weights.items()}  # type: ignore[union-attr]
    outputs = stack(same, slice(0, 3))
    assert not torch.equal(outputs[1], outputs[2])


@pytest.mark.parametrize("other", [copy.deepcopy, lambda network: cloudpickle.loads(cloudpickle.dumps(network))])
def test_a_copy_drops_by_itself(other: Callable[[nn.Module], nn.Module]) -> None:
    network = with_dropout(Shared())
    copied, inputs = other(network), torch.rand(4, 8, 8)
    together([network]).set_knob("dropout", [0.5])
    torch.testing.assert_close(copied.train()(inputs), network.eval()(inputs))
    together([copied]).set_knob("dropout", [0.5])
    assert not torch.allclose(copied.train()(inputs), copied.eval()(inputs))


def test_a_rate_of_0_switches_the_models_own_dropout_off() -> None:
    task = replace(small_task(), model=regulated)
    off = dropout(0)(task)
    assert off.controls == ("dropout(rate=0)",)
    assert all(module.p == 0 for module in off.model().modules() if isinstance(module, nn.Dropout))  # type: ignore[operator]
    assert dropout(0)(small_task()).controls == ()


def test_a_model_without_a_place_is_refused() -> None:
    with pytest.raises(InvalidData, match=r"dropout has no place. Put nn.Dropout into it"):
        dropout(0.5)(replace(small_task(), model=lambda: nn.Sequential(nn.Conv2d(1, 4, 8), nn.Flatten())))


def test_workers_and_a_replay_train_the_model_of_the_record(tmp_path_factory: pytest.TempPathFactory) -> None:
    task = cloudpickle.loads(cloudpickle.dumps(dropout(linear(0.5))(small_task(epochs=2))))
    record = collect(task, tmp_path_factory.mktemp("dropout"), runs=2, canaries=Canaries(), compute=Compute(workers=1))
    run = record.runs[0]
    model = list(replay(task, record, run))[-1].model
    inputs = torch.from_numpy(task.train.inputs).float() / 255
    with torch.no_grad():
        loss = functional.cross_entropy(model(inputs), torch.from_numpy(task.train.labels), reduction="none")
    kept = record.at_step(run, "loss", record.last_step)[record.population.where("train")]
    np.testing.assert_allclose(kept, loss, rtol=1e-4, atol=1e-6)
    assert record.scalar(run, "dropout")[-1] < record.scalar(run, "dropout")[0] < 0.5
