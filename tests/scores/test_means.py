"""The scores that are a mean, a spread or a sum over presentations: AUM, data maps, mean confidence, CSL."""

import numpy as np
import pytest
from numpy.typing import NDArray

from byrote.errors import MissingEvidence
from byrote.scores import aum, confidence, correctness, csl, mean_confidence, variability
from byrote.signature import Score

MEANS = [aum, confidence, correctness, mean_confidence]
ALL = [*MEANS, variability, csl]
NAMES = [score.name for score in ALL]


def _seen(dtype: type[np.floating] = np.float64) -> NDArray[np.floating]:
    rng = np.random.default_rng(0)
    values = rng.random((7, 50)).astype(dtype)
    values[rng.random((7, 50)) < 0.4] = np.nan
    values[:, 0] = np.nan
    return values


def _loop(score: Score, history: NDArray[np.floating]) -> float:
    presented = [float(value) for value in history if not np.isnan(value)]
    if not presented:
        return np.nan
    if score is csl:
        return sum(presented)
    mean = sum(presented) / len(presented)
    if score is variability:
        return (sum((value - mean) ** 2 for value in presented) / len(presented)) ** 0.5
    return mean


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("score", ALL, ids=NAMES)
def test_equals_the_loop(score: Score, dtype: type[np.floating]) -> None:
    seen = _seen(dtype)
    expected = [_loop(score, history) for history in seen.T]
    assert np.isnan(expected[0])
    np.testing.assert_allclose(score(seen), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("score", ALL, ids=NAMES)
def test_a_missing_step_changes_nothing(score: Score) -> None:
    seen = _seen()
    padded = np.insert(seen, [0, 3, 7], np.nan, axis=0)
    np.testing.assert_allclose(score(padded), score(seen), rtol=1e-12)


@pytest.mark.parametrize("score", ALL, ids=NAMES)
def test_order_of_the_steps_does_not_matter(score: Score) -> None:
    seen = _seen()
    np.testing.assert_allclose(score(seen[::-1].copy()), score(seen), rtol=1e-12)


@pytest.mark.parametrize("score", ALL, ids=NAMES)
def test_a_batch_of_one_and_a_single_step(score: Score) -> None:
    expected = 0.0 if score is variability else 0.25
    np.testing.assert_array_equal(score(np.array([[0.25]])), [expected])


@pytest.mark.parametrize("score", MEANS, ids=[score.name for score in MEANS])
def test_means_move_with_the_values(score: Score) -> None:
    seen = _seen()
    np.testing.assert_allclose(score(seen - 3), score(seen) - 3, rtol=1e-12)


def test_a_negative_margin_is_not_clipped() -> None:
    np.testing.assert_array_equal(aum(np.array([[-5.0, 1.0], [-7.0, 2.0]])), [-6.0, 1.5])


def test_variability_is_half_at_most_and_zero_when_settled() -> None:
    np.testing.assert_array_equal(variability(np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 1.0]])), [0.5, 0, 0])


def test_csl_of_twice_the_training_is_twice_as_large() -> None:
    seen = _seen()
    np.testing.assert_allclose(csl(np.concatenate([seen, seen])), 2 * csl(seen), rtol=1e-12)


def test_a_run_that_diverged_stays_visible() -> None:
    np.testing.assert_array_equal(csl(np.array([[np.inf], [1.0]])), [np.inf])
    np.testing.assert_array_equal(aum(np.array([[np.inf], [-np.inf]])), [np.nan])


def test_mean_confidence_reads_the_first_steps_only() -> None:
    seen = _seen()
    np.testing.assert_array_equal(mean_confidence.bind(until=3)(seen), confidence(seen[:3]))
    np.testing.assert_array_equal(mean_confidence(seen, until=7), confidence(seen))
    assert str(mean_confidence.bind(until=3)) == "mean_confidence(until=3)"


@pytest.mark.parametrize("until", [0, -1, 8])
def test_mean_confidence_refuses_steps_that_are_not_there(until: int) -> None:
    with pytest.raises(MissingEvidence, match=rf"until={until}, .* 7 steps.*from 1 to 7"):
        mean_confidence(_seen(), until=until)
