"""The scores that read one step of one run: EL2N and the loss, with its sign as an attack."""

import numpy as np
import pytest

from byrote.errors import ByroteError
from byrote.scores import el2n, loss
from byrote.summaries import auroc


def test_el2n_is_the_distance_to_the_label() -> None:
    probabilities = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    residual = np.array([sum((p - y) ** 2 for p, y in zip(row, (1, 0, 0), strict=True)) for row in probabilities])
    np.testing.assert_allclose(el2n(np.sqrt(residual)), [0, np.sqrt(2), np.sqrt(2 / 3)])


def test_missing_stays_missing() -> None:
    values = np.array([np.nan, 0.5])
    np.testing.assert_array_equal(el2n(values), values)
    np.testing.assert_array_equal(loss(values), values)


def test_the_step_is_an_option_and_does_not_change_the_numbers_given() -> None:
    values = np.array([0.1, 0.5])
    assert el2n.options == {"step": 20}
    assert loss.options == {"step": -1}
    assert el2n.bind(step=5).options == {"step": 5}
    np.testing.assert_array_equal(el2n.bind(step=5)(values), el2n(values))
    with pytest.raises(ByroteError, match=r"'epoch'.*options: step"):
        el2n.bind(epoch=5)


def test_a_low_loss_says_member() -> None:
    """An overfitted model: least squares with more weights than members, then softmax.

    -loss separates members; loss itself ranks the wrong way round. At 100 against 100 a coin has a standard
    deviation of .04, so .9 is 10 of them away.
    """
    rng = np.random.default_rng(0)
    points, labels = rng.normal(size=(200, 400)), rng.integers(2, size=200)
    member = np.arange(200) < 100
    targets = 2.0 * np.eye(2)[labels] - 1
    logits = 3 * points @ np.linalg.lstsq(points[member], targets[member], rcond=None)[0]
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(200), labels]
    assert auroc(-loss(losses), member).value > 0.9
    assert auroc(loss(losses), member).value < 0.1
    assert loss.high == "hard"
    assert loss.sign == 1
