"""The latent margin: near its prediction an example is moved there, far from it hardly, and few margins are no proof."""

import numpy as np
import pytest

import oracles
from byrote.scores._latent import Observations, latent

STRENGTH = 32.0


def _observed(margin: oracles.Floats, margins: float, predicted: float = 0.0) -> Observations:
    nothing = np.zeros(len(margin))
    return Observations(margin, nothing + margins, nothing + predicted, nothing, nothing, nothing, nothing)


def test_near_the_prediction_it_is_the_weighted_mean() -> None:
    found = latent(_observed(np.array([-0.2, 0.1]), 6), STRENGTH)
    np.testing.assert_allclose(found.mean, np.array([-0.2, 0.1]) * 6 / (6 + STRENGTH), atol=0.01)
    np.testing.assert_allclose(found.variance, 1 / (6 + STRENGTH), rtol=0.1)


@pytest.mark.parametrize("margins", [6, 12, 28])
def test_far_from_the_prediction_it_is_hardly_moved(margins: int) -> None:
    """Without the heavy tail it would be moved by 32 / (32 + margins) of the distance, without limit."""
    distance = np.linspace(0, 8, 200)
    moved = distance - latent(_observed(distance, margins), STRENGTH).mean
    assert moved.max() < 4 / np.sqrt(margins)
    assert moved[-1] < 1 / np.sqrt(margins)
    np.testing.assert_allclose(latent(_observed(-distance, margins), STRENGTH).mean, -(distance - moved))


def test_in_between_it_is_open_which_of_the_two_it_is() -> None:
    """So the variance is larger there than at either end."""
    distance = np.linspace(0, 8, 200)
    variance = latent(_observed(distance, 6), STRENGTH).variance
    assert variance.max() > 2 * variance[-1] > 4 * variance[0]
    assert 0 < variance.argmax() < 199


def test_one_margin_is_no_proof() -> None:
    """With one margin of its own, even one that is 5 standard deviations away is moved nearly as far as by a normal prior."""
    assert latent(_observed(np.array([5.0]), 1), STRENGTH).mean[0] < 1.5
    assert latent(_observed(np.array([5.0]), 6), STRENGTH).mean[0] > 4


def test_without_a_margin_it_is_the_prediction() -> None:
    found = latent(_observed(np.zeros(1), 0, predicted=1.5), STRENGTH)
    np.testing.assert_allclose([found.mean[0], found.variance[0], found.own[0]], [1.5, 1 / STRENGTH, 0])
