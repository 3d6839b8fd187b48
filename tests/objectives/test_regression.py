"""Regression against torch.nn losses and against NumPy by hand."""

import numpy as np
import pytest
import torch

from byrote.errors import ByroteError, InvalidData
from byrote.objectives import Regression, parse_objective

RNG = np.random.default_rng(0)
TARGETS = RNG.normal((100, -3), (20, 0.1), (40, 2)).astype(np.float32)
OUTPUTS = torch.from_numpy(RNG.normal(0, 1.5, (40, 2)).astype(np.float32))
IDS = np.arange(40).astype(np.str_)
LOSSES = {
    "squared": torch.nn.MSELoss(reduction="none"),
    "absolute": torch.nn.L1Loss(reduction="none"),
    "huber": torch.nn.HuberLoss(reduction="none", delta=0.7),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_is_that_of_torch_on_standardized_targets(loss: str) -> None:
    objective = Regression(loss=loss, delta=0.7).fitted(TARGETS, 0)  # pyright: ignore[reportArgumentType]
    standard = (TARGETS.astype(np.float64) - TARGETS.mean(0, dtype=np.float64)) / TARGETS.std(0, dtype=np.float64)
    expected = LOSSES[loss](OUTPUTS, torch.from_numpy(standard.astype(np.float32))).mean(1)
    found = objective.losses(OUTPUTS, objective.to_tensor(TARGETS))
    torch.testing.assert_close(found, expected)
    np.testing.assert_array_equal(objective.observe(OUTPUTS, objective.to_tensor(TARGETS))["loss"], found.numpy())


def test_observes_in_units_of_the_variance_and_predicts_in_units_of_the_targets() -> None:
    objective = Regression().fitted(TARGETS, 0)
    found = objective.observe(OUTPUTS, objective.to_tensor(TARGETS))
    mean, scale = TARGETS.mean(0, dtype=np.float64), TARGETS.std(0, dtype=np.float64)
    predicted = OUTPUTS.double().numpy() * scale + mean
    error = (predicted - TARGETS) / scale
    assert list(found) == list(objective.columns()) == ["loss", "r2", "residual", "prediction_0", "prediction_1"]
    np.testing.assert_allclose(found["r2"], 1 - (error**2).mean(1), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["residual"], np.sqrt((error**2).sum(1)), rtol=1e-4)
    for i in range(2):
        np.testing.assert_allclose(found[f"prediction_{i}"], predicted[:, i], rtol=1e-5)


@pytest.mark.parametrize("shape", [(40,), (40, 1)])
def test_one_target_with_or_without_a_second_axis(shape: tuple[int, ...]) -> None:
    targets = TARGETS[:, 0]
    objective = Regression().fitted(targets.reshape(shape), 0)
    outputs = OUTPUTS[:, 0].reshape(shape)
    found = objective.observe(outputs, objective.to_tensor(targets.reshape(shape)))
    assert objective.outputs == 1
    error = outputs.numpy().ravel() - (targets - targets.mean(dtype=np.float64)) / targets.std(dtype=np.float64)
    np.testing.assert_allclose(found["r2"], 1 - error**2, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["residual"], np.abs(error), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["prediction"], outputs.numpy().ravel() * targets.std() + targets.mean(), rtol=1e-5)


def test_predictions_become_the_outputs_that_predict_them() -> None:
    objective = Regression().fitted(TARGETS, 0)
    outputs = torch.from_numpy(objective.from_predictions(TARGETS))
    assert objective.losses(outputs, objective.to_tensor(TARGETS)).max() < 1e-10


@pytest.mark.parametrize(
    "objective",
    [
        Regression(),
        Regression("huber", 0.25),
        Regression("absolute", mean=(0.1,), scale=(1 / 3,)),
        Regression().fitted(TARGETS, 0),
    ],
    ids=str,
)
def test_is_read_back_from_its_text(objective: Regression) -> None:
    assert parse_objective(str(objective)) == objective


def test_units_that_are_given_are_kept() -> None:
    given = Regression(mean=(1.0, 2.0), scale=(3.0, 4.0))
    assert given.fitted(TARGETS, 0) == given


@pytest.mark.parametrize(
    ("targets", "word"),
    [
        (np.array([1.0, np.nan]), "'1'"),
        (np.array([np.inf, 0]), "'0'"),
        (np.zeros((2, 2, 2)), "shape"),
        (np.array([1e300, 0]), "'0'"),
    ],
)
def test_refuses_targets_that_are_no_numbers(targets: np.ndarray, word: str) -> None:
    with pytest.raises(InvalidData, match=word):
        Regression().check(targets, IDS[:2])


def test_refuses_targets_that_do_not_vary() -> None:
    with pytest.raises(InvalidData, match="Target 1 has the same value"):
        Regression().fitted(np.array([[0, 5], [1, 5]], np.float32), 0)


@pytest.mark.parametrize(
    "options", [{"loss": "hubber"}, {"delta": 0.0}, {"mean": (1.0,)}, {"mean": (0.0,), "scale": (0.0,)}], ids=str
)
def test_refuses_options_that_cannot_train(options: dict[str, object]) -> None:
    with pytest.raises(ByroteError):
        Regression(**options)  # pyright: ignore[reportArgumentType]


def test_unlike_is_a_standard_deviation_away() -> None:
    targets = np.array([0, 1, 2, 3, 4], np.float32)  # the standard deviation is 1.414
    objective = Regression().fitted(targets, 0)
    assert objective.unlike(targets, targets[2]).tolist() == [True, False, False, False, True]
