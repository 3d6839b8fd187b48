"""Paired differences, verdicts and the front, against their definitions."""

import numpy as np
import pytest
from scipy import stats

from byrote.experiments.halving import MARGIN
from byrote.experiments.paired import change, front, front_shares, judge, ratio


def test_a_change_is_the_t_interval_of_the_differences_of_the_runs_that_both_have() -> None:
    rng = np.random.default_rng(0)
    unchanged, other = rng.normal(0.2, 1, 9), rng.normal(0.1, 1, 6)
    found = change(other, unchanged)
    low, high = stats.t.interval(0.9, 5, (other - unchanged[:6]).mean(), stats.sem(other - unchanged[:6]))
    assert (found.value, found.low, found.high, found.n) == pytest.approx(
        ((other - unchanged[:6]).mean(), low, high, 6)
    )


def test_equal_differences_have_no_interval() -> None:
    found = change(np.array([0.5, 0.75, 0.25]), np.array([0.25, 0.5, 0.0]))
    assert found.value == 0.25
    assert np.isnan([found.low, found.high]).all()


def test_a_ratio_is_the_geometric_mean_of_the_ratios() -> None:
    found = ratio(np.array([2.0, 6.0, 12.0]), np.array([1.0, 2.0, 3.0]))
    assert found.value == pytest.approx(24 ** (1 / 3))
    assert found.low < found.value < found.high
    assert np.isnan(ratio(np.array([2.0, np.nan]), np.array([np.nan, 1.0])).value)


def test_intervals_of_verdicts_hold_for_all_arms_at_once() -> None:
    rng, covered = np.random.default_rng(4), 0
    for _ in range(400):
        shared = rng.normal(0, 1, (2, 1, 6))
        found = judge(*(shared + rng.normal(0, 1, (2, 6, 6))))
        assert len(found) == 5
        covered += all(part.low <= 0 <= part.high for each in found for part in (each.memorization, each.accuracy))
    assert 0.9 - 2 * np.sqrt(0.09 / 400) <= covered / 400 <= 0.96


@pytest.mark.parametrize(
    ("memorization", "accuracy", "verdict"),
    [
        (-0.1, 0.0, "better"),
        (-0.1, -MARGIN / 2, "better"),
        (0.0, 0.05, "better"),
        (-0.1, 0.05, "better"),
        (-0.1, -0.05, "trade"),
        (0.1, 0.05, "trade"),
        (0.1, 0.0, "worse"),
        (0.0, -0.05, "worse"),
        (0.1, -0.05, "worse"),
        (0.0, 0.0, "open"),
    ],
)
def test_each_verdict(memorization: float, accuracy: float, verdict: str) -> None:
    noise = np.array([0.0005, -0.0005, 0.0002, -0.0002, 0.0])
    found = judge(np.stack([0 * noise, memorization + noise]), np.stack([0 * noise, accuracy + noise]))
    assert [each.verdict for each in found] == [verdict]


def test_less_memorization_at_an_unknown_cost_is_not_called_better() -> None:
    noise = np.array([0.05, -0.05, 0.02, -0.02, 0.0])
    (found,) = judge(np.stack([0 * noise, -0.5 + noise]), np.stack([0 * noise, noise]))
    assert found.verdict == "less"


def test_the_front_is_what_no_other_arm_beats_in_both() -> None:
    rng = np.random.default_rng(5)
    memorization, accuracy = rng.random(30).round(1), rng.random(30).round(1)
    memorization[3] = np.nan
    for at, on_front in enumerate(front(memorization.tolist(), accuracy.tolist())):
        beaten = any(
            memorization[other] <= memorization[at]
            and accuracy[other] >= accuracy[at]
            and (memorization[other], accuracy[other]) != (memorization[at], accuracy[at])
            for other in range(30)
        )
        assert on_front == (at != 3 and not beaten)


def test_how_often_an_arm_is_on_the_front_when_measured_again() -> None:
    rng = np.random.default_rng(6)
    spread = rng.normal(0, 0.01, (2, 3, 12))
    spread -= spread.mean(axis=2, keepdims=True)
    clear, close, behind = (-0.1, 0.02), (-0.1, 0.02), (0.1, -0.1)
    means = np.array([clear, close, behind]).T[..., None]
    memorization, accuracy = ([np.zeros(12), *part] for part in means + spread)
    shares = front_shares(memorization, accuracy)
    assert shares[0] == 0.0  # the unchanged task is beaten in both
    assert shares[3] == 0.0
    assert 0.6 < shares[1] < 0.9  # beaten by its equal in both numbers in a quarter of the draws
    assert shares[1] == pytest.approx(shares[2], abs=0.1)
