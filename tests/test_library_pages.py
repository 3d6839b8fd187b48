"""The pages about training libraries: their lines run as they stand there, with data and models of the reader."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import byrote
from test_docs import blocks

pytestmark = [pytest.mark.pages, pytest.mark.filterwarnings("ignore")]  # what these libraries say about themselves

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(80, 5)).astype(np.float32), RNG.integers(0, 2, 80)
X[:, 0] += 2 * Y
DATA = {"x": X[:60], "y": Y[:60], "x_test": X[60:], "y_test": Y[60:], "RUNS": 2}


def run(page: str, folder: Path, **given: Any) -> dict[str, Any]:
    """Run the blocks of a page one after the other, and return all names."""
    names = {**DATA, **given}
    with contextlib.chdir(folder):
        for block in blocks(page):
            exec(compile(block, page, "exec"), names)  # noqa: S102 - our own page
    return names


def check(folder: Path) -> None:
    record = byrote.Record(folder / "audits/mine")
    assert record.runs == (0, 1)
    assert np.isfinite(record.at_step(0, "loss", record.last_step)).all()
    assert np.isfinite(record.at_step(0, "loss_seen", 1)).sum() == 42


def test_lightning(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning")

    class MyModule(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(5, 2)

        def forward(self, inputs: Any) -> Any:
            return self.layer(inputs)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            inputs, labels = batch
            return nn.functional.cross_entropy(self(inputs), labels)

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=0.05)

    train, test = byrote.Examples(X[:60], Y[:60]), byrote.Examples(X[60:], Y[60:])
    run("docs/lightning.md", tmp_path, MyModule=MyModule, train_data=train, test_data=test)
    check(tmp_path)
    assert (tmp_path / "audits/mine/report.html").stat().st_size > 50_000


def test_hugging_face(tmp_path: Path) -> None:
    transformers, datasets = pytest.importorskip("transformers"), pytest.importorskip("datasets")
    rows = [{"input_ids": [1 + int(y), *RNG.integers(3, 9, 4).tolist()], "label": int(y), "text": "dropped"} for y in Y]

    def make_model() -> Any:
        size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
        return transformers.BertForSequenceClassification(transformers.BertConfig(vocab_size=9, num_labels=2, **size))

    train, test = datasets.Dataset.from_list(rows[:60]), datasets.Dataset.from_list(rows[60:])
    given = {"make_model": make_model, "train_data": train, "test_data": test}
    run("docs/huggingface.md", tmp_path, collate=transformers.default_data_collator, **given)
    check(tmp_path)


def test_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    run("docs/keras.md", tmp_path)
    check(tmp_path)


def test_skorch(tmp_path: Path) -> None:
    pytest.importorskip("skorch")

    class MyModule(nn.Sequential):
        def __init__(self) -> None:
            super().__init__(nn.Linear(5, 2), nn.Softmax(dim=1))

    run("docs/skorch.md", tmp_path, MyModule=MyModule)
    check(tmp_path)


def test_estimators(tmp_path: Path) -> None:
    for needed in ("sklearn", "xgboost", "lightgbm"):
        pytest.importorskip(needed)
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"size": X[:, 0], "city": RNG.choice(["Bern", "Zug"], 80)})
    names = run("docs/estimators.md", tmp_path, X=X, y=np.array(["no", "yes"])[Y], table=table)
    assert (tmp_path / "audits/forest/report.html").stat().st_size > 50_000
    record = byrote.Record(tmp_path / "audits/forest")
    assert record.classes == ("no", "yes")
    assert record.at_step(0, "correct", 1)[record.member(0)].mean() > 0.9
    for name in ("task", "boosted", "light"):
        predict = names[name].model.function(names[name].train, 0)
        assert predict(names[name].test.inputs).shape == (16, 2)
