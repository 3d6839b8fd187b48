"""Dataset inference: calibrated at the null, finds a set that was trained on, and follows no column of noise."""

import numpy as np
import pytest

from byrote.errors import Unsupported
from byrote.lm.dataset_inference import dataset_inference

SUSPECT = np.arange(120) < 60


def scores(seed: int, gain: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_t(3, (120, 4)) + gain * SUSPECT[:, None] * np.array([1, 0.5, 0, 0])


def test_p_values_are_uniform_at_the_null() -> None:
    """200 sets: .05 with a standard error of .015, the mean .5 with .02."""
    p = np.array([dataset_inference(scores(i, 0.0), SUSPECT, permutations=99, seed=i).p_value for i in range(200)])
    assert np.mean(p <= 0.05) < 0.1
    assert p.mean() == pytest.approx(0.5, abs=0.07)


def test_a_set_that_was_trained_on_is_found() -> None:
    found = dataset_inference(scores(0, 1.5), SUSPECT)
    assert found.p_value < 0.01
    assert found.auroc.low > 0.5
    assert found.weights.argmax() == 0
    assert found.documents == 120
    assert found.p_value == dataset_inference(scores(0, 1.5), SUSPECT).p_value
    assert dataset_inference(-scores(0, 1.5), SUSPECT).p_value < 0.01, "the half that is fitted learns the sign"
    assert dataset_inference(scores(0, 1.5), ~SUSPECT, seed=1).p_value < 0.01


def test_scores_that_are_missing_are_medians() -> None:
    given = scores(2, 1.5)
    given[5, 0], given[70, 1], given[9, 2] = np.nan, np.inf, -np.inf
    assert dataset_inference(given, SUSPECT).p_value < 0.05
    given[:, 2] = np.nan
    with pytest.raises(Unsupported, match="1 of 4 scores are NaN"):
        dataset_inference(given, SUSPECT)
    with pytest.raises(Unsupported, match="7 suspect documents and 113"):
        dataset_inference(scores(0, 0), np.arange(120) < 7)
