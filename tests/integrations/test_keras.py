"""Keras 3 on torch: real fits whose record is checked example by example."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byrote.errors import InvalidData, Unsupported
from byrote.record import Record
from byrote.recorder import own_runs
from integrations.trained import TEST, TRAIN, X, Y, check_frozen, cross_entropy

os.environ["KERAS_BACKEND"] = "torch"  # read when keras is imported
keras = pytest.importorskip("keras")
from byrote.integrations.keras import RunCallback  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras and NumPy 2
]


def model(*, softmax: bool) -> Any:
    keras.utils.set_random_seed(0)
    made = keras.Sequential([keras.layers.Dense(3, activation="softmax" if softmax else None)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax)
    made.compile(optimizer=keras.optimizers.SGD(0.0), loss=loss, metrics=["accuracy"])
    return made


@pytest.mark.parametrize("outputs", ["probabilities", "logits"])
def test_each_example_gets_what_was_said_about_it(outputs: Any, tmp_path: Path) -> None:
    for run in own_runs(tmp_path / "record", TRAIN, TEST, runs=2):
        record, made = RunCallback(run, outputs=outputs), model(softmax=outputs == "probabilities")
        made.fit(
            record.batches(8), shuffle=False, epochs=2, callbacks=[record], verbose=0, validation_data=(X[40:], Y[40:])
        )
    weights, bias = made.get_weights()
    for number in (0, 1):
        check_frozen(Record(tmp_path / "record"), number, 2, cross_entropy(X @ weights + bias))
    made.fit(X, Y, verbose=0)


def test_one_output_early_stopping_and_a_later_epoch(tmp_path: Path) -> None:
    def binary() -> Any:
        made = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
        made.compile(optimizer=keras.optimizers.SGD(0.0), loss="binary_crossentropy")
        return made

    two = TRAIN.with_labels(TRAIN.labels % 2)
    (run,) = own_runs(tmp_path / "record", two, runs=1)
    record, made = RunCallback(run), binary()
    stops = keras.callbacks.EarlyStopping(monitor="loss", patience=1)
    made.fit(record.batches(8), shuffle=False, epochs=4, callbacks=[record, stops], verbose=0)
    p = made.predict(TRAIN.inputs, verbose=0)[:, 0]
    kept = Record(tmp_path / "record")
    expected = -np.log(np.where(two.labels == 1, p, 1 - p))[[int(each.split()[-1]) for each in kept.population.ids]]
    np.testing.assert_allclose(kept.at_step(0, "loss", 4), expected, rtol=1e-4)
    (other,) = own_runs(tmp_path / "later", two, runs=1)
    for first, last in ((0, 1), (1, 2)):
        going = RunCallback(other)
        going.params = {"epochs": 2}
        end = [going] if last == 2 else [going, keras.callbacks.LambdaCallback(on_epoch_end=_break)]
        try:
            made.fit(going.batches(8), shuffle=False, epochs=2, initial_epoch=first, callbacks=end, verbose=0)
        except RuntimeError:
            assert last == 1
    assert np.isfinite(Record(tmp_path / "later").at_step(0, "loss_seen", 1)).sum() == 28


def _break(epoch: int, logs: Any) -> None:
    raise RuntimeError("the power failed")


def test_other_data_and_logits_are_refused(tmp_path: Path) -> None:
    (run,) = own_runs(tmp_path / "record", TRAIN, TEST, runs=1)
    with pytest.raises(InvalidData, match=r"Fit it to `batches\(...\)`"):
        model(softmax=True).fit(X, Y, callbacks=[RunCallback(run)], verbose=0)
    record = RunCallback(run)
    with pytest.raises(InvalidData, match="outputs='logits'"):
        model(softmax=False).fit(record.batches(8), shuffle=False, callbacks=[record], verbose=0)


def test_another_backend_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import byrote.integrations.keras"
    given = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    result = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, cwd=tmp_path)
    assert "Keras cannot be imported with its backend (No module named 'tensorflow')" in result.stderr
    assert "KERAS_BACKEND=torch" in result.stderr
    (run,) = own_runs(tmp_path / "record", TRAIN, TEST, runs=1)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(Unsupported, match="Keras computes with 'jax' here"):
        RunCallback(run)
