"""The Trainer of Lightning: real fits of a few batches, whose record is checked example by example."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from byrote.errors import InvalidData
from byrote.integrations.lightning import RunCallback
from byrote.record import Record, finished_runs
from byrote.recorder import OwnRun, own_runs
from integrations.trained import TEST, TRAIN, X, check_frozen, cross_entropy

lightning = pytest.importorskip("lightning")
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
]  # Lightning's advice about workers and its own old names


class Plain(lightning.LightningModule):
    """A module as people write it, which knows nothing of ids."""

    def __init__(self, rate: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.rate = nn.Linear(5, 3), rate

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.layer(inputs)

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        inputs, labels = batch
        loss = nn.functional.cross_entropy(self(inputs), labels)
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=self.rate)


class Returns(Plain):
    """Calls no `forward`, and returns its logits."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        logits = self.layer(batch[0])
        return {"loss": nn.functional.cross_entropy(logits, batch[1]), "logits": logits}


class Silent(Plain):
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return nn.functional.cross_entropy(self.layer(batch[0]), batch[1])


def fit(run: OwnRun, module: Any, folder: Path, *callbacks: Any, epochs: int = 2, resume: Any = None) -> None:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    trainer = lightning.Trainer(
        max_epochs=epochs, default_root_dir=folder, callbacks=[*callbacks, RunCallback(run)],
        enable_checkpointing=any(isinstance(each, ModelCheckpoint) for each in callbacks), **quiet,
    )  # fmt: skip
    trainer.fit(module, DataLoader(run.train, 8, shuffle=True), ckpt_path=resume)


@pytest.mark.parametrize("kind", [Plain, Returns])
def test_each_example_gets_what_was_said_about_it(kind: type[Plain], tmp_path: Path) -> None:
    module = kind()
    for run in own_runs(tmp_path / "record", TRAIN, TEST, runs=2):
        fit(run, module, tmp_path)
    record = Record(tmp_path / "record")
    losses = cross_entropy(module.layer(torch.from_numpy(X)).detach().numpy())
    for run in (0, 1):
        check_frozen(record, run, 2, losses)
        assert np.isnan(record.at_step(run, "loss", 1)).all(), "no clean pass before the last epoch"
    assert "training_step" not in vars(module)


def test_a_training_goes_on_from_its_checkpoint_and_one_that_stops_early_is_complete(tmp_path: Path) -> None:
    (run,) = own_runs(tmp_path / "record", TRAIN, TEST, runs=1)
    saved = ModelCheckpoint(tmp_path / "saved", save_top_k=-1)

    class Breaks(Plain):
        def on_train_epoch_start(self) -> None:
            if self.current_epoch == 2:
                raise RuntimeError("the power failed")

    with pytest.raises(RuntimeError, match="the power failed"):
        fit(run, Breaks(0.1), tmp_path, saved, epochs=3)
    assert finished_runs(tmp_path / "record") == ()
    fit(run, Plain(0.1), tmp_path, epochs=3, resume=saved.best_model_path)
    record = Record(tmp_path / "record")
    assert [np.isfinite(record.at_step(0, "loss_seen", step)).sum() for step in (1, 2, 3)] == [28, 28, 28]

    (run,) = own_runs(tmp_path / "early", TRAIN, TEST, runs=1)
    fit(run, Plain(), tmp_path, EarlyStopping("loss", patience=1, check_on_train_epoch_end=True), epochs=5)
    early = Record(tmp_path / "early")
    np.testing.assert_array_equal(early.at_step(0, "loss", 4), early.at_step(0, "loss", 5))
    assert np.isnan(early.at_step(0, "loss_seen", 5)).all()


def test_what_it_cannot_find_it_asks_for(tmp_path: Path) -> None:
    (run,) = own_runs(tmp_path / "record", TRAIN, TEST, runs=1)
    with pytest.raises(InvalidData, match=r'return \{"loss": loss, "logits": logits\}'):
        fit(run, Silent(), tmp_path)
    with pytest.raises(InvalidData, match="max_epochs=-1"):
        fit(run, Plain(), tmp_path, epochs=-1)
    trainer = lightning.Trainer(max_epochs=1, callbacks=[RunCallback(run)], logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu")  # fmt: skip
    data: Dataset[Any] = torch.utils.data.TensorDataset(torch.from_numpy(X))
    with pytest.raises(InvalidData, match="carries no ids"):
        trainer.fit(Plain(), DataLoader(data, 8))
