"""skorch: real fits whose record is checked example by example."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from byrote.errors import InvalidData
from byrote.integrations.skorch import RunCallback
from byrote.record import Record, finished_runs
from byrote.recorder import own_runs
from integrations.trained import TEST, TRAIN, X, Y, check_frozen, check_seen, cross_entropy

skorch = pytest.importorskip("skorch")
from skorch.callbacks import EarlyStopping  # noqa: E402

pytestmark = pytest.mark.slow


def net(module: Any, *callbacks: Any, **options: Any) -> Any:
    torch.manual_seed(0)
    given = {"max_epochs": 2, "lr": 0.0, "batch_size": 8, "train_split": None, "verbose": 0, **options}
    return skorch.NeuralNetClassifier(module, callbacks=list(callbacks), iterator_train__shuffle=True, **given)


class Softmax(nn.Sequential):
    """What the default criterion of skorch's classifier wants."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(5, 3), nn.Softmax(dim=1))


@pytest.mark.parametrize("kind", ["probabilities", "logits"])
def test_each_example_gets_what_was_said_about_it(kind: str, tmp_path: Path) -> None:
    for run in own_runs(tmp_path / "record", TRAIN, TEST, runs=1):
        if kind == "logits":
            made = net(nn.Linear(5, 3), RunCallback(run), criterion=nn.CrossEntropyLoss)
        else:
            made = net(Softmax, RunCallback(run))
        made.fit(run.train, y=None)
    layer = made.module_ if kind == "logits" else made.module_[0]
    losses = cross_entropy(layer(torch.from_numpy(X)).detach().numpy())
    check_frozen(Record(tmp_path / "record"), 0, 2, losses)
    assert made.predict(X).shape == (50,), "the net works without ids as before"


def test_a_net_that_stops_early_is_complete_and_an_interrupted_one_is_not(tmp_path: Path) -> None:
    (run,) = own_runs(tmp_path / "record", TRAIN, TEST, runs=1)

    class Slow(nn.Linear):
        calls = 0

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            if self.calls > 2:
                raise KeyboardInterrupt
            return super().forward(inputs)

    with pytest.warns(UserWarning, match="Run 0 ended within an epoch"):
        net(Slow(5, 3), RunCallback(run), criterion=nn.CrossEntropyLoss).fit(run.train, y=None)
    assert finished_runs(tmp_path / "record") == ()
    stops = EarlyStopping(monitor="train_loss", patience=2)
    made = net(nn.Linear(5, 3), RunCallback(run), stops, criterion=nn.CrossEntropyLoss, max_epochs=5)
    made.fit(run.train, y=None)
    record = Record(tmp_path / "record")
    np.testing.assert_array_equal(record.at_step(0, "loss", 4), record.at_step(0, "loss", 5))
    assert np.isnan(record.at_step(0, "loss_seen", 5)).all()
    losses = cross_entropy(made.module_(torch.from_numpy(X)).detach().numpy())
    check_seen(record, 0, 1, losses[[int(name.split()[-1]) for name in record.population.ids if "row" in name] + list(range(40, 50))])  # fmt: skip


def test_arrays_without_ids_are_refused(tmp_path: Path) -> None:
    (run,) = own_runs(tmp_path / "record", TRAIN, TEST, runs=1)
    with pytest.raises(InvalidData, match=r"net.fit\(run.train, y=None\)"):
        net(nn.Linear(5, 3), RunCallback(run), criterion=nn.CrossEntropyLoss).fit(X, Y)
