"""RMIA against a loop over targets, and against the paper's count of wins."""

import numpy as np
import pytest

from attackers import Bools, Floats, area, balanced, caught, draws, others, to_loss
from byrote.errors import Unsupported
from byrote.scores import rmia


def small(seed: int) -> tuple[Floats, Bools]:
    rng = np.random.default_rng(seed)
    member = balanced(rng, 9, 200, 4)
    return to_loss(rng.normal(1, 1, 200) + rng.normal(size=member.shape) + 2 * member), member


@pytest.mark.parametrize("a", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("online", [True, False])
def test_it_is_the_loop_over_targets(online: bool, a: float) -> None:
    loss, member = small(0)
    found, p = rmia(loss, member, online=online, a=a), np.exp(-loss)
    drawn = draws(p)
    for run in range(9):
        for example in range(10):
            inside, outside = (np.mean(side) for side in others(p, member, drawn, run, example))
            expected = (inside + outside) / 2 if online else ((1 + a) * outside + 1 - a) / 2
            assert found[run, example] == pytest.approx(np.log(p[run, example] / expected), rel=1e-9)


@pytest.mark.parametrize("online", [True, False])
def test_it_ranks_as_the_count_of_wins_which_ties(online: bool) -> None:
    """Share of the population z with (p(x | run) / p(x)) / (p(z | run) / p(z)) of at least 1, within each run."""
    loss, member = small(1)
    ratio = np.exp(rmia(loss, member, online=online))
    wins = np.array(
        [[np.mean([r / z >= 1 for z in row[~inside]]) for r in row] for row, inside in zip(ratio, member, strict=True)]
    )
    for row, won in zip(ratio, wins, strict=True):
        assert (np.diff(won[np.argsort(row)]) >= 0).all()
    assert (wins == 1).sum() > 50, "beat everyone, and tie"
    assert len(np.unique(ratio)) == ratio.size
    assert caught(wins, member) < caught(ratio, member)


def test_a_missing_side_is_nan_and_not_zero() -> None:
    loss, member = small(2)
    member[:, 3] = True
    member[:, 4] = False
    online, offline = rmia(loss, member), rmia(loss, member, online=False)
    assert np.isnan(online[:, [3, 4]]).all()
    assert np.isfinite(np.delete(online, [3, 4], axis=1)).all()
    np.testing.assert_array_equal(np.isnan(offline).all(axis=0).nonzero()[0], [3])


def test_a_probability_of_zero_is_the_smallest_there_is() -> None:
    loss, member = small(3)
    loss[2, 5] = np.inf
    value = rmia(loss, member)
    assert np.isfinite(value).all()
    assert value[2, 5] < -690
    loss[2, 5] = 5000.0
    np.testing.assert_allclose(rmia(loss, member)[2, 5], value[2, 5])


def test_it_finds_members() -> None:
    loss, member = small(4)
    assert area(rmia(loss, member), member) > 0.75
    assert area(rmia(loss, member, online=False), member) > 0.7


@pytest.mark.parametrize("a", [-0.1, 1.1, float("nan")])
def test_an_offline_a_outside_0_to_1_is_refused(a: float) -> None:
    loss, member = small(0)
    with pytest.raises(Unsupported, match=rf"a={a}\..*from 0 to 1"):
        rmia(loss, member, a=a)
