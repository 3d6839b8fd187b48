"""Intervals against exact coverage (summed over every possible outcome) and closed forms."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from byrote.stats.estimate import UNDEFINED, Estimate
from byrote.stats.intervals import clopper_pearson, fisher, newcombe, normal_quantile, student, wilson


def _covered(low: NDArray[np.float64], high: NDArray[np.float64], p: float, trials: int) -> float:
    inside = (low <= p) & (p <= high)
    return float(stats.binom.pmf(np.arange(trials + 1), trials, p)[inside].sum())


def test_an_estimate_prints_its_interval() -> None:
    assert str(Estimate(0.5, 0.25, 0.75, n=3, unit="run")) == "0.500 [0.250, 0.750]"


def test_normal_quantile() -> None:
    assert normal_quantile(0.95) == pytest.approx(1.959964, abs=1e-6)


@pytest.mark.parametrize("trials", [5, 30])
@pytest.mark.parametrize("level", [0.8, 0.9, 0.99])
def test_clopper_pearson_is_exact_and_never_covers_less_than_it_says(trials: int, level: float) -> None:
    low, high = clopper_pearson(np.arange(trials + 1), trials, level=level)
    for p in np.linspace(0.01, 0.99, 99):
        assert _covered(low, high, p, trials) >= level - 1e-12
    tail = (1 - level) / 2  # the definition: either end makes the outcome this improbable
    for k in range(1, trials):
        assert stats.binom.sf(k - 1, trials, low[k]) == pytest.approx(tail)
        assert stats.binom.cdf(k, trials, high[k]) == pytest.approx(tail)
    assert (low[0], high[-1]) == (0, 1)


def test_wilson_is_the_inverse_of_the_score_test() -> None:
    k, n = 7.0, 20.0
    for end in wilson(k, n, level=0.9):
        assert abs(k / n - end) / np.sqrt(end * (1 - end) / n) == pytest.approx(normal_quantile(0.9))


def test_wilson_covers_on_average() -> None:
    low, high = wilson(np.arange(31), 30, level=0.9)
    covered = [_covered(low, high, p, 30) for p in np.linspace(0.02, 0.98, 97)]
    assert np.mean(covered) == pytest.approx(0.9, abs=0.01)


def test_newcombe_reproduces_the_papers_example() -> None:
    """Newcombe 1998, table II, case (a), method 10: 56/70 - 48/80 has the 95 % interval .0524 to .3339."""
    low, high = newcombe(56, 70, 48, 80, level=0.95)
    assert (float(low), float(high)) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))


def test_newcombe_covers_on_average() -> None:
    """Exact coverage at 28 runs with and 12 without (40 runs at 70 %), over a grid of both probabilities."""
    k1, k0 = np.meshgrid(np.arange(29), np.arange(13), indexing="ij")
    low, high = newcombe(k1, 28, k0, 12, level=0.9)
    covered = []
    for p1, p0 in itertools.product(np.linspace(0.05, 0.95, 19), repeat=2):
        chance = np.outer(stats.binom.pmf(np.arange(29), 28, p1), stats.binom.pmf(np.arange(13), 12, p0))
        covered.append(chance[(low <= p1 - p0) & (p1 - p0 <= high)].sum())
    assert np.mean(covered) == pytest.approx(0.91, abs=0.01)
    assert min(covered) > 0.83


def test_student_equals_scipy() -> None:
    values = np.random.default_rng(0).normal(size=9)
    low, high = student(values.mean(), values.var(ddof=1), 9, level=0.9)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (float(low), float(high)) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_fisher_equals_scipy() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 20))
    result = stats.pearsonr(a, b)
    expected = result.confidence_interval(0.9)
    assert fisher(result.statistic, 20, rank=False, level=0.9) == pytest.approx((expected.low, expected.high))


def test_fisher_for_ranks_has_bonett_and_wrights_variance() -> None:
    wide, narrow = fisher(0.6, 50, rank=True, level=0.9), fisher(0.6, 50, rank=False, level=0.9)
    ratio = np.ptp(np.arctanh(wide)) / np.ptp(np.arctanh(narrow))
    assert ratio == pytest.approx(np.sqrt(1 + 0.6**2 / 2))


def test_fisher_of_a_perfect_correlation_starts_from_the_nearest_imperfect_one() -> None:
    swapped = stats.spearmanr(np.arange(10), [1, 0, *range(2, 10)]).statistic
    half = normal_quantile(0.9) * np.sqrt(1.5 / 7)
    low, high = fisher(1.0, 10, rank=True, level=0.9)
    assert (low, high) == (pytest.approx(np.tanh(np.arctanh(swapped) - half)), 1)
    assert fisher(-1.0, 10, rank=True, level=0.9) == (-1, pytest.approx(-low))


@pytest.mark.parametrize(("k", "n"), [(0, 20), (20, 20)])
def test_no_interval_of_a_proportion_has_zero_width(k: int, n: int) -> None:
    for low, high in (
        wilson(k, n, level=0.9),
        clopper_pearson(k, n, level=0.9),
        newcombe(k, n, k, n, level=0.9),
    ):
        assert low < high
    low, high = wilson(k, n, level=0.9)
    assert low <= k / n <= high  # rounding would put the end 1e-17 on the wrong side


def test_without_trials_there_is_no_interval() -> None:
    ends = [
        *wilson(0, 0, level=0.9),
        *clopper_pearson(0, 0, level=0.9),
        *newcombe(1, 2, 0, 0, level=0.9),
        *student(0.5, np.nan, 1, level=0.9),
        *fisher(0.5, 3, rank=True, level=0.9),
        *fisher(np.nan, 9, rank=True, level=0.9),
    ]
    assert np.isnan(ends).all()


def test_an_estimate_is_three_cells_of_a_row_and_what_is_undefined_is_none() -> None:
    size = Estimate(0.5, 0.25, np.nan, 3, "run")
    assert size.cells("gap") == {"gap": 0.5, "gap low": 0.25, "gap high": None}
    assert set(UNDEFINED.cells("gap").values()) == {None}
