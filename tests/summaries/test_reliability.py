"""Split-half reliability against the correlation of two whole records."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from byrote.errors import Unsupported
from byrote.scores import memorization
from byrote.summaries import halvings, length_of_halves, repeated_split_half, spearman, split_half
from byrote.summaries._correlation_error import correlation_error


def _halves(seed: int, noise: float, n: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=n) + noise * rng.normal(size=(2, n))


def test_steps_up_the_correlation_of_the_halves() -> None:
    first, second = _halves(0, 1.0, 50)
    r = np.corrcoef(first, second)[0, 1]
    assert split_half(first, second).value == pytest.approx(2 * r / (1 + r))
    rho = spearman(first, second)
    measured = split_half(first, second, rank=True)
    half = stats.norm.ppf(0.95) * correlation_error(first, second, rank=True)
    ends = rho.value, np.tanh(np.arctanh(rho.value) - half), np.tanh(np.arctanh(rho.value) + half)
    assert ends[2] > rho.high
    assert (measured.value, measured.high) == pytest.approx(tuple(2 * ends[i] / (1 + abs(ends[i])) for i in (0, 2)))
    assert (measured.n, measured.unit) == (50, "example")
    longer = split_half(first, second, length=3).value
    assert longer == pytest.approx(3 * r / (1 + 2 * r))
    with pytest.raises(Unsupported, match=r"0\.5 times less noise"):
        split_half(first, second, length=0.5)


def test_is_the_reliability_of_the_whole_and_covers() -> None:
    """Noise of variance 2 in a half is 1 in the mean: reliability .5. 1,000 samples: error .0095."""
    estimates = [split_half(*_halves(seed, np.sqrt(2), 60)) for seed in range(1000)]
    assert np.mean([e.low <= 0.5 <= e.high for e in estimates]) == pytest.approx(0.9, abs=0.03)
    assert np.median([e.value for e in estimates]) == pytest.approx(0.5, abs=0.03)


def test_covers_the_reliability_of_a_long_tail() -> None:
    """One in ten values is large, as memorization is. 400 samples: error .015; Fisher's own interval holds .45."""
    held = narrow = 0
    truth = 0.1 * (2 * 9) - 0.3**2  # the variance of values that are 0, or exponential with mean 3 in one of ten
    truth /= truth + 0.5
    for seed in range(400):
        rng = np.random.default_rng(seed)
        halves = (rng.random(300) < 0.1) * rng.exponential(3, 300) + rng.normal(size=(2, 300))
        found = split_half(*halves)
        held += found.low <= truth <= found.high
        r = np.corrcoef(*halves)[0, 1]
        ends = (np.tanh(np.arctanh(r) + side * stats.norm.ppf(0.95) / np.sqrt(297)) for side in (-1, 1))
        low, high = (2 * end / (1 + end) for end in ends)
        narrow += low <= truth <= high
    assert held / 400 == pytest.approx(0.87, abs=0.05)
    assert narrow / 400 < 0.6


@pytest.mark.parametrize("rank", [False, True])
def test_the_error_is_that_of_the_jackknife(rank: bool) -> None:
    first, second = _halves(5, 1.0, 400)
    first, second = np.round(first + first**2, 1), np.round(second, 1)  # a tail, and ties
    kind = stats.spearmanr if rank else stats.pearsonr
    without = [np.arctanh(kind(np.delete(first, i), np.delete(second, i))[0]) for i in range(400)]
    assert correlation_error(first, second, rank=rank) == pytest.approx(np.sqrt(399 * np.var(without)), rel=0.05)
    assert np.isnan(correlation_error(first, first, rank=rank))
    assert np.isnan(correlation_error(first[:3], second[:3], rank=rank))
    assert np.isnan(correlation_error(np.ones(9), second[:9], rank=rank))


def test_uneven_halves_are_stepped_up_by_their_noise() -> None:
    """7 and 3 of 10 runs: halves have 1/3 + 1/2 and 1/4 + 1 by hand, the whole 1/7 + 1/3; even halves have 2."""
    member = np.arange(10) % 10 < np.array([[7], [5]])
    first, second = [0, 1, 2, 7, 8], [3, 4, 5, 6, 9]
    one, two = member[:1, first].T, member[:1, second].T
    assert length_of_halves(one, two) == pytest.approx(((1 / 3 + 1 / 2) + (1 / 4 + 1)) / 2 / (1 / 7 + 1 / 3))
    assert length_of_halves(np.array([[True], [False]]), np.array([[False], [True]])) == 2
    assert length_of_halves(np.array([[True], [True]]), np.array([[False], [True]])) == 2


def test_uneven_halves_tell_the_reliability_of_the_whole() -> None:
    """10 runs of 20,000 examples, 7 with each. Stepped up by 2 it is .03 too low."""
    rng = np.random.default_rng(6)
    p_out = rng.random(20_000)
    member = rng.permuted(np.tile(np.arange(10) < 7, (20_000, 1)), axis=1).T
    correct = rng.random(member.shape) < np.where(member, p_out + (1 - p_out) * 0.8, p_out)
    p_in = p_out + (1 - p_out) * 0.8
    noise = np.mean(p_in * (1 - p_in) / 7 + p_out * (1 - p_out) / 3)
    truth = np.var(p_in - p_out) / (np.var(p_in - p_out) + noise)

    def value(member_or_none: NDArray[np.bool_] | None) -> float:
        found = repeated_split_half(
            lambda half: memorization(correct[half], member[half]), 10, times=3, member=member_or_none
        )
        return float(np.mean([each.value for each in found]))

    assert value(member) == pytest.approx(truth, abs=0.015)
    assert value(None) < truth - 0.015


def test_predicts_how_well_new_runs_agree() -> None:
    """Memorization from 40 runs in two halves predicts the correlation with 40 new runs."""
    rng = np.random.default_rng(1)
    out = rng.random(3000)

    def estimate() -> NDArray[np.float64]:
        member = rng.permuted(np.tile(np.arange(20) < 14, (3000, 1)), axis=1).T
        return memorization(member | (rng.random((20, 3000)) < out), member)

    first, second, third, fourth = (estimate() for _ in range(4))
    predicted = split_half(first, second)
    assert predicted.value == pytest.approx(np.corrcoef(first + second, third + fourth)[0, 1], abs=0.03)


def test_shared_scale_and_order_of_halves_do_not_matter() -> None:
    first, second = _halves(2, 1.0, 50)
    assert split_half(first, second).value == pytest.approx(split_half(second, 3 * first + 1).value)


def test_halves_that_disagree_are_stepped_up_as_those_that_agree() -> None:
    first = np.arange(10.0)
    assert split_half(first, -first).value == -1
    agree = first + np.array([0, 9, 0, 9, 0, 9, 0, 9, 0, 9])
    up, down = split_half(first, agree), split_half(first, -agree)
    assert 0 < up.value < 1
    assert (down.value, down.low, down.high) == pytest.approx((-up.value, -up.high, -up.low))


def test_the_mean_over_pure_noise_is_0() -> None:
    """10,000 draws of 8 examples: the standard error of the mean is .006. Without the mirror image the mean is below -1."""
    rng = np.random.default_rng(0)
    found = [split_half(*rng.normal(size=(2, 8))).value for _ in range(10_000)]
    assert np.mean(found) == pytest.approx(0, abs=0.02)
    assert min(found) >= -1


def test_nan_is_left_out_and_counted_and_infinity_needs_ranks() -> None:
    first, second = _halves(3, 1.0, 20)
    first[0], second[1] = np.nan, np.nan
    assert split_half(first, second) == split_half(first[2:], second[2:])
    assert split_half(first, second).n == 18
    first[2] = np.inf
    with pytest.raises(Unsupported, match=r"1 of 18 pairs.*rank=True"):
        split_half(first, second)
    assert split_half(first, second, rank=True).n == 18


@pytest.mark.parametrize("runs", [6, 7])
def test_halves_are_disjoint_and_of_equal_size(runs: int) -> None:
    cuts = list(halvings(runs, times=5, seed=3))
    assert all(len(first) == len(second) == 3 for first, second in cuts)
    assert all(len({*first, *second}) == 6 and max(*first, *second) < runs for first, second in cuts)
    assert len({tuple(first) for first, _ in cuts}) > 1


def test_each_cut_is_a_split_half_of_the_scores_of_its_halves() -> None:
    values = np.random.default_rng(4).normal(size=(8, 30)) + np.arange(30) / 10
    found = repeated_split_half(lambda half: values[half].mean(axis=0), 8, times=3, rank=True, seed=1, level=0.8)
    rng = np.random.default_rng(1)
    assert len(found) == 3
    for estimate in found:
        order = rng.permutation(8)
        first, second = values[order[:4]].mean(axis=0), values[order[4:]].mean(axis=0)
        assert estimate == split_half(first, second, rank=True, level=0.8)
