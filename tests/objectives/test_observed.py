"""The columns of regression and multilabel against NumPy, their text, and what they refuse."""

import numpy as np
import pytest
import torch

from byrote.errors import ByroteError, InvalidData
from byrote.objectives import Classification, Multilabel, Regression

N = 9
IDS = np.array([f"e{i}" for i in range(N)])


@pytest.mark.parametrize("width", [1, 2])
def test_columns_of_regression_by_hand(width: int) -> None:
    rng = np.random.default_rng(0)
    targets = rng.normal(-30, 7, (N, width)).astype(np.float32)
    objective = Regression(loss="absolute").fitted(targets, 0)
    mean, scale = targets.astype(np.float64).mean(0), targets.astype(np.float64).std(0)
    np.testing.assert_allclose([objective.mean, objective.scale], [mean, scale], rtol=1e-12)
    z = rng.normal(size=(N, width)).astype(np.float32)
    found = objective.observe(torch.from_numpy(z), objective.to_tensor(targets))
    error = (z * scale + mean - targets) / scale
    expected = {
        "loss": np.abs(error).mean(1),
        "r2": 1 - (error**2).mean(1),
        "residual": np.sqrt((error**2).sum(1)),
        **{"prediction" if width == 1 else f"prediction_{i}": (z * scale + mean)[:, i] for i in range(width)},
    }
    assert set(found) == set(expected) == set(objective.columns())
    for name, values in expected.items():
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-5, err_msg=name)


def test_the_mean_of_r2_over_the_training_examples_is_their_r2() -> None:
    rng = np.random.default_rng(1)
    targets = rng.normal(5, 2, N).astype(np.float32)
    objective = Regression().fitted(targets, 0)
    z = torch.from_numpy(rng.normal(size=N).astype(np.float32))
    found = objective.observe(z, objective.to_tensor(targets))
    total = ((targets - targets.mean()) ** 2).sum()
    np.testing.assert_allclose(found["r2"].mean(), 1 - ((targets - found["prediction"]) ** 2).sum() / total, atol=1e-6)


def test_a_single_label_may_be_a_list_of_logits() -> None:
    objective, z = Multilabel(1), torch.randn(N, generator=torch.Generator().manual_seed(0))
    targets = objective.to_tensor((np.arange(N) % 2)[:, None].astype(np.int8))
    torch.testing.assert_close(objective.losses(z, targets), objective.losses(z[:, None], targets), rtol=0, atol=0)
    one, column = objective.observe(z, targets), objective.observe(z[:, None], targets)
    for name, values in column.items():
        np.testing.assert_array_equal(one[name], values, err_msg=name)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Classification(label_smoothing=1.0), r"1\.0.*below 1"),
        (lambda: Classification(class_weights=(1.0, -2.0)), r"-2\.0.*0 or more"),
        (lambda: Classification(class_weights=(1.0,)).fitted(np.array([0, 1]), 0), "1 class_weights for 2"),
        (lambda: Classification().check(np.array([0, 0.5, *[1] * 7]), IDS), "'e1' is 0.5.*Regression"),
        (lambda: Classification().check(np.array([0, -3, *[1] * 7]), IDS), "-3 of example 'e1'"),
        (lambda: Classification().check(np.zeros((N, 2), np.int64), IDS), r"\(9, 2\).*Multilabel"),
        (lambda: Regression(loss="cubic"), "'cubic'.*squared"),  # pyright: ignore[reportArgumentType]
        (lambda: Regression(loss="huber", delta=0.0), "0.0.*above 0"),
        (lambda: Regression(mean=(1.0,), scale=(0.0,)), "above 0"),
        (lambda: Regression(mean=(1.0, 2.0), scale=(1.0,)), "one finite number per target"),
        (lambda: Regression(mean=(np.nan,), scale=(1.0,)), "nan.*finite"),
        (lambda: Regression().check(np.array([0, np.nan, np.inf, *[1] * 6]), IDS), "2 of 9.*'e1'"),
        (lambda: Regression().check(np.zeros((N, 2, 2)), IDS), r"\(9, 2, 2\)"),
        (lambda: Regression().fitted(np.full((N, 2), [[1, 2]], np.float32), 0), "Target 0 has the same value"),
        (lambda: Multilabel().check(np.zeros(N), IDS), r"\(9,\)"),
        (lambda: Multilabel().check(np.array([[0, 1], [2, 1], *[[0, 0]] * 7]), IDS), "1 of 9.*'e1'"),
    ],
)
def test_refusals_say_what_was_given(make: object, match: str) -> None:
    with pytest.raises(ByroteError, match=match):
        make()  # pyright: ignore[reportCallIssue]
    assert issubclass(InvalidData, ByroteError)
