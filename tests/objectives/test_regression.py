"""Regression against torch.nn losses and against NumPy by hand."""

from typing import Any

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
@pytest.mark.parametrize("targets", [TARGETS, TARGETS[:, :1], TARGETS[:, 0]], ids=["two", "one column", "one"])
def test_the_loss_is_that_of_torch_on_standardized_targets(loss: Any, targets: np.ndarray) -> None:
    objective = Regression(loss=loss, delta=0.7).fitted(targets, 0)
    standard = (targets.astype(np.float64) - targets.mean(0, dtype=np.float64)) / targets.std(0, dtype=np.float64)
    outputs = OUTPUTS[:, : objective.outputs]
    peer = LOSSES[loss](outputs, torch.from_numpy(standard.astype(np.float32)).reshape(outputs.shape)).mean(1)
    given = outputs.reshape(targets.shape)  # a model of one target may give a plain list
    found = objective.losses(given, objective.to_tensor(targets))
    torch.testing.assert_close(found, peer)
    np.testing.assert_array_equal(objective.observe(given, objective.to_tensor(targets))["loss"], found.numpy())


@pytest.mark.parametrize("targets", [TARGETS, TARGETS[:, :1], TARGETS[:, 0]], ids=["two", "one column", "one"])
def test_observes_in_units_of_the_variance_and_predicts_in_units_of_the_targets(targets: np.ndarray) -> None:
    objective = Regression().fitted(targets, 0)
    outputs = OUTPUTS[:, : objective.outputs].reshape(targets.shape)
    found = objective.observe(outputs, objective.to_tensor(targets))
    mean, scale = targets.mean(0, dtype=np.float64), targets.std(0, dtype=np.float64)
    np.testing.assert_allclose([objective.mean, objective.scale], [np.atleast_1d(mean), np.atleast_1d(scale)], 1e-12)
    predicted = outputs.double().numpy() * scale + mean
    error = ((predicted - targets) / scale).reshape(40, -1)
    names = ["prediction"] if objective.outputs == 1 else ["prediction_0", "prediction_1"]
    assert list(found) == list(objective.columns()) == ["loss", "r2", "residual", *names]
    assert {values.dtype for values in found.values()} == {np.dtype(np.float32)}
    np.testing.assert_allclose(found["r2"], 1 - (error**2).mean(1), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["residual"], np.sqrt((error**2).sum(1)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.stack([found[name] for name in names], 1), predicted.reshape(40, -1), rtol=1e-5)


def test_the_mean_of_r2_over_the_training_examples_is_their_r2() -> None:
    targets = TARGETS[:, 0]
    objective = Regression().fitted(targets, 0)
    found = objective.observe(OUTPUTS[:, 0], objective.to_tensor(targets))
    total = ((targets - targets.mean()) ** 2).sum()
    np.testing.assert_allclose(found["r2"].mean(), 1 - ((targets - found["prediction"]) ** 2).sum() / total, rtol=1e-5)


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
    ("targets", "match"),
    [
        (np.array([1.0, np.nan]), "1 of 2.*'1'"),
        (np.array([np.inf, np.nan, 0]), "2 of 3.*'0'"),
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\)"),
        (np.array([1e300, 0]), "'0'"),
    ],
)
def test_refuses_targets_that_are_no_numbers(targets: np.ndarray, match: str) -> None:
    with pytest.raises(InvalidData, match=match):
        Regression().check(targets, IDS[: len(targets)])


@pytest.mark.parametrize("targets", [[[0, 5], [1, 5]], [[5, 0], [5, 1]]])
def test_refuses_targets_that_do_not_vary(targets: list[list[int]]) -> None:
    with pytest.raises(InvalidData, match=f"Target {targets[0].index(5)} has the same value"):
        Regression().fitted(np.array(targets, np.float32), 0)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"loss": "hubber"}, "'hubber'.*'huber'"),
        ({"delta": 0.0}, "0.0.*above 0"),
        ({"mean": (1.0,)}, "one finite number per target"),
        ({"mean": (1.0, 2.0), "scale": (1.0,)}, "one finite number per target"),
        ({"mean": (0.0,), "scale": (0.0,)}, "above 0"),
        ({"mean": (np.nan,), "scale": (1.0,)}, "nan.*finite"),
    ],
    ids=str,
)
def test_refuses_options_that_cannot_train(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ByroteError, match=match):
        Regression(**options)


def test_unlike_is_a_standard_deviation_away() -> None:
    targets = np.array([0, 1, 2, 3, 4], np.float32)  # the standard deviation is 1.414
    objective = Regression().fitted(targets, 0)
    assert objective.unlike(targets, targets[2]).tolist() == [True, False, False, False, True]
