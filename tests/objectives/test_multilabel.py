"""Several labels per example against torch.nn.BCEWithLogitsLoss and against NumPy by hand."""

import numpy as np
import pytest
import torch

from byrote.errors import InvalidData
from byrote.objectives import Multilabel, parse_objective

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, (50, 3)).astype(np.int8)
OUTPUTS = torch.from_numpy(RNG.normal(0, 2, (50, 3)).astype(np.float32))
OBJECTIVE = Multilabel().fitted(LABELS, 0)
IDS = np.arange(50).astype(np.str_)


def test_the_loss_is_that_of_torch() -> None:
    targets = OBJECTIVE.to_tensor(LABELS)
    expected = torch.nn.BCEWithLogitsLoss(reduction="none")(OUTPUTS, targets).mean(1)
    torch.testing.assert_close(OBJECTIVE.losses(OUTPUTS, targets), expected)
    np.testing.assert_allclose(OBJECTIVE.observe(OUTPUTS, targets)["loss"], expected.numpy(), rtol=1e-5)


def test_observes_each_label_and_all_of_them() -> None:
    found = OBJECTIVE.observe(OUTPUTS, OBJECTIVE.to_tensor(LABELS))
    z = OUTPUTS.double().numpy()
    p = 1 / (1 + np.exp(-z))
    own = np.where(LABELS == 1, p, 1 - p)
    right = (z > 0) == (LABELS == 1)
    assert list(found) == list(OBJECTIVE.columns())
    np.testing.assert_allclose(found["labels_correct"], right.mean(1), rtol=1e-6)
    np.testing.assert_array_equal(found["correct"], right.all(1))
    np.testing.assert_allclose(found["confidence"], own.mean(1), rtol=1e-5)
    np.testing.assert_allclose(found["residual"], np.sqrt(((1 - own) ** 2).sum(1)), rtol=1e-5)
    np.testing.assert_allclose(found["margin"], np.where(LABELS == 1, z, -z).min(1), rtol=1e-6)
    for i in range(3):
        np.testing.assert_array_equal(found[f"correct_{i}"], right[:, i])
        np.testing.assert_allclose(found[f"confidence_{i}"], own[:, i], rtol=1e-5)


def test_probabilities_become_their_logits() -> None:
    z = OUTPUTS.double().numpy()
    np.testing.assert_allclose(OBJECTIVE.from_predictions(1 / (1 + np.exp(-z))), z, rtol=1e-9)
    assert np.isfinite(OBJECTIVE.from_predictions(np.array([[0.0, 1.0, 0.5]]))).all()


@pytest.mark.parametrize("objective", [Multilabel(), OBJECTIVE], ids=str)
def test_is_read_back_from_its_text(objective: Multilabel) -> None:
    assert parse_objective(str(objective)) == objective


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        (np.array([0, 1]), r"shape \(2,\)"),
        (np.zeros((2, 0)), r"shape \(2, 0\)"),
        (np.array([[0, 1], [0, 2]]), "1 of 2.*'1'"),
        (np.array([[0, np.nan], [3, 1]]), "2 of 2.*'0'"),
    ],
)
def test_refuses_what_is_not_0_or_1(labels: np.ndarray, match: str) -> None:
    with pytest.raises(InvalidData, match=match):
        Multilabel().check(labels, IDS[:2])


def test_a_single_label_may_be_a_list_of_logits() -> None:
    objective, z = Multilabel(1), OUTPUTS[:, 0]
    targets = objective.to_tensor(LABELS[:, :1])
    torch.testing.assert_close(objective.losses(z, targets), objective.losses(z[:, None], targets), rtol=0, atol=0)
    one, column = objective.observe(z, targets), objective.observe(z[:, None], targets)
    for name, values in column.items():
        np.testing.assert_array_equal(one[name], values, err_msg=name)


def test_unlike_differs_in_a_label() -> None:
    labels = np.array([[0, 1], [0, 1], [1, 1]], np.int8)
    assert OBJECTIVE.unlike(labels, labels[0]).tolist() == [False, False, True]
