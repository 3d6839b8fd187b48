"""Reliability from standard errors against the squared correlation with the truth, and against a formula."""

import numpy as np
import pytest

from byrote.summaries import posterior_reliability


def test_is_the_squared_correlation_of_posterior_means_with_the_truth() -> None:
    rng = np.random.default_rng(0)
    truth, noise = rng.normal(size=20_000), rng.uniform(0.2, 1.5, 20_000)
    seen = truth + noise * rng.normal(size=20_000)
    mean, error = seen / (1 + noise**2), np.sqrt(noise**2 / (1 + noise**2))
    found = posterior_reliability(mean, error)
    assert found.value == pytest.approx(np.corrcoef(mean, truth)[0, 1] ** 2, abs=0.01)
    assert found.low < found.value < found.high


def test_is_a_share_of_variance() -> None:
    found = posterior_reliability(np.array([0.0, 1.0]), np.array([0.5, 0.5]))
    assert found.value == 0.25 / (0.25 + 0.25)
    assert (found.n, found.unit) == (2, "example")


def test_exact_values_are_reliable_and_equal_ones_undefined() -> None:
    assert posterior_reliability(np.arange(5.0), np.zeros(5)).value == 1
    assert np.isnan(posterior_reliability(np.ones(5), np.ones(5)).value)
    assert np.isnan(posterior_reliability(np.full(3, np.nan), np.zeros(3)).value)


def test_examples_without_a_value_are_left_out() -> None:
    value, error = np.array([0.0, np.nan, 1.0, 3.0]), np.array([0.5, 0.1, 0.5, np.nan])
    assert posterior_reliability(value, error) == posterior_reliability(np.array([0.0, 1.0]), np.array([0.5, 0.5]))


def test_the_same_examples_give_the_same_interval() -> None:
    value, error = np.random.default_rng(1).normal(size=(2, 50))
    assert posterior_reliability(value, np.abs(error)) == posterior_reliability(value, np.abs(error))
