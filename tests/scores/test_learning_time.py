"""Learning time against the definition, tried at every step."""

import numpy as np
import pytest

from byrote.scores import learning_time


def _definition(history: list[float]) -> float:
    if np.isnan(history).all():
        return np.nan
    for step in range(len(history)):
        later = [value for value in history[step:] if not np.isnan(value)]
        if history[step] == 1 and all(value == 1 for value in later):
            return step + 1
    return np.inf


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_equals_the_definition(steps: int) -> None:
    seen = np.random.default_rng(steps).choice([0.0, 1.0, 1.0, np.nan], size=(steps, 200))
    expected = [_definition(list(history)) for history in seen.T]
    np.testing.assert_array_equal(learning_time(seen), expected)


def test_never_for_good_is_infinite_never_presented_is_undefined() -> None:
    seen = np.array([[0.0, np.nan, 1.0, 1.0, 0.0], [0.0, np.nan, 1.0, 0.0, 1.0]])
    np.testing.assert_array_equal(learning_time(seen), [np.inf, np.nan, 1, np.inf, 2])


def test_training_longer_on_what_is_known_does_not_move_it() -> None:
    seen = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    longer = np.concatenate([seen, np.ones((5, 2))])
    np.testing.assert_array_equal(learning_time(longer), learning_time(seen))
