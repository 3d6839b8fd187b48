"""Calibrated loss against a loop over targets."""

import numpy as np
import pytest

from attackers import area, balanced, draws, others, to_loss
from byrote.scores import calibrated_loss


def test_it_is_the_loop_over_targets() -> None:
    rng = np.random.default_rng(0)
    member = balanced(rng, 8, 10, 3)
    loss = to_loss(rng.normal(size=member.shape) + member)
    loss[4, 2] = np.inf
    value = np.where(np.isfinite(loss), loss, np.nan)
    found, drawn = calibrated_loss(loss, member), draws(value)
    for run in range(8):
        for example in range(10):
            expected = np.mean(others(value, member, drawn, run, example)[1]) - value[run, example]
            assert found[run, example] == pytest.approx(expected, rel=1e-10, nan_ok=True)


def test_it_sees_more_than_the_loss_where_some_are_hard() -> None:
    rng = np.random.default_rng(1)
    member = balanced(rng, 16, 3000, 8)
    loss = to_loss(rng.normal(0, 4, 3000) + rng.normal(size=member.shape) + member)
    assert area(calibrated_loss(loss, member), member) > area(-loss, member) + 0.1
