"""Recall of a list: its value, its interval against simulated lists, and what it refuses."""

import numpy as np
import pytest
from scipy.special import expit

from byrote.errors import ByroteError
from byrote.stats.intervals import wilson
from byrote.summaries import recalled


def test_it_is_the_share_and_of_one_run_wilson_s_interval_but_for_student() -> None:
    right = np.array([[True, True, False, True]])
    found = recalled(right)
    low, high = wilson(3, 4, level=0.9)
    assert (found.value, found.n) == (0.75, 4)
    assert found.low <= low
    assert found.high >= high


def test_all_right_in_all_runs_is_known_no_better_than_the_number_of_examples() -> None:
    for runs in (1, 3, 30):
        assert recalled(np.ones((runs, 50), np.bool_)).low == pytest.approx(float(wilson(50, 50, level=0.9)[0]))


@pytest.mark.parametrize(
    ("runs", "examples", "mean", "of_run", "of_example"), [(6, 100, 3, 0.3, 1.5), (3, 60, 2, 0.5, 1)]
)
def test_the_interval_holds_the_share_of_other_runs_and_examples(
    runs: int, examples: int, mean: float, of_run: float, of_example: float
) -> None:
    rng = np.random.default_rng(0)
    truth = expit(mean + of_run * rng.normal(size=200_000) + of_example * rng.normal(size=200_000)).mean()
    held = 0
    for _ in range(400):
        p = expit(mean + of_run * rng.normal(size=(runs, 1)) + of_example * rng.normal(size=(1, examples)))
        found = recalled(rng.random((runs, examples)) < p)
        held += found.low <= truth <= found.high
    assert 0.86 <= held / 400 <= 0.99


def test_nothing_is_refused() -> None:
    with pytest.raises(ByroteError, match="is empty"):
        recalled(np.ones((3, 0), np.bool_))
