"""Exposure against TensorFlow Privacy, where that is installed: see tests/peers.py."""

import numpy as np
import pytest
from scipy import stats

from byrote.summaries import exposure, extrapolated_exposure
from peers import tensorflow_privacy_exposures

peer = tensorflow_privacy_exposures()
pytestmark = pytest.mark.skipif(peer is None, reason="tensorflow-privacy 0.8.12 is not installed")


def theirs(how: str, loss: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Return what it says; with ranks it returns the canaries in the order of their losses, whatever ours was."""
    assert peer is not None
    return getattr(peer, f"compute_exposure_{how}")({0: loss.tolist()}, candidates.tolist())[0]


@pytest.mark.parametrize("n", [7, 1000])
@pytest.mark.parametrize("ties", [False, True])
def test_it_differs_by_the_canary_itself(n: int, ties: bool) -> None:
    """The space is the candidates and the canary, log2(n + 1). Theirs leaves the canary out of the space and counts it in
    the rank, so that it is smaller by log2((n + 1) / n), and below 0 for a canary after all candidates."""
    rng = np.random.default_rng(0)
    candidates, loss = rng.normal(size=n), np.sort(np.append(rng.normal(size=20), 9.0))
    if ties:
        candidates, loss = candidates.round(), loss.round()
    found = theirs("interpolation", loss, candidates)
    np.testing.assert_allclose(found, exposure(loss, candidates) - np.log2((n + 1) / n), atol=1e-12)
    assert found[-1] < 0 == exposure(loss, candidates)[-1]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_extrapolated_it_differs_by_how_the_skew_normal_is_fitted(seed: int) -> None:
    """By likelihood there, by moments here. From 30,000 candidates of a skew normal both are near the truth: within .08
    bits of it at up to 3 bits, and at 14 bits ours errs by .5 bits and theirs by .2, as a standard deviation."""
    candidates = stats.skewnorm.rvs(3, 5, 2, size=30_000, random_state=seed)
    loss = np.array([3.0, 4.0, 5.0, 6.0, 7.0])
    truth = -stats.skewnorm.logcdf(loss, 3, 5, 2) / np.log(2)
    for found in (extrapolated_exposure(loss, candidates).exposure, theirs("extrapolation", loss, candidates)):
        np.testing.assert_allclose(found[2:], truth[2:], atol=0.08)
        np.testing.assert_allclose(found[:2], truth[:2], rtol=0.1)
