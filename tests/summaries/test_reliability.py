"""Split-half reliability against the correlation of two whole records."""

import numpy as np
import pytest
from numpy.typing import NDArray

from byrote.errors import Unsupported
from byrote.scores import memorization
from byrote.summaries import halvings, repeated_split_half, spearman, split_half


def _halves(seed: int, noise: float, n: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=n) + noise * rng.normal(size=(2, n))


def test_steps_up_the_correlation_of_the_halves() -> None:
    first, second = _halves(0, 1.0, 50)
    r = np.corrcoef(first, second)[0, 1]
    assert split_half(first, second).value == pytest.approx(2 * r / (1 + r))
    rho = spearman(first, second)
    measured = split_half(first, second, rank=True)
    assert (measured.value, measured.low, measured.high) == pytest.approx(
        tuple(2 * end / (1 + abs(end)) for end in (rho.value, rho.low, rho.high))
    )
    assert (measured.n, measured.unit) == (50, "example")


def test_is_the_reliability_of_the_whole_and_covers() -> None:
    """Noise of variance 2 in a half is 1 in the mean: reliability .5. 1,000 samples: error .0095."""
    estimates = [split_half(*_halves(seed, np.sqrt(2), 60)) for seed in range(1000)]
    assert np.mean([e.low <= 0.5 <= e.high for e in estimates]) == pytest.approx(0.9, abs=0.03)
    assert np.median([e.value for e in estimates]) == pytest.approx(0.5, abs=0.03)


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
