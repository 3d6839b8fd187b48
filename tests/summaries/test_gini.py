"""Gini against all pairs, distributions whose coefficient is known, and its interval on new samples."""

import numpy as np
import pytest
from numpy import ndarray
from scipy import special

from byrote.errors import Unsupported
from byrote.summaries import gini


def pairs(x: ndarray) -> float:
    n = len(x)
    return sum(abs(x[i] - x[j]) for i in range(n) for j in range(i)) / (n * (n - 1) / 2) / (2 * x.mean())


@pytest.mark.parametrize("seed", range(4))
def test_equals_all_pairs_and_leaving_each_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.round(rng.exponential(size=25), 1)
    found = gini(x, level=0.9)
    assert found.value == pytest.approx(pairs(x))
    left_out = np.array([pairs(np.delete(x, i)) for i in range(25)])
    error = np.sqrt(24 / 25 * np.square(left_out - left_out.mean()).sum())
    assert (found.high - found.value) / error == pytest.approx(1.7108821)  # Student's .95 quantile at 24
    assert found.high - found.value == pytest.approx(found.value - found.low)
    assert (found.n, found.unit) == (25, "example")


@pytest.mark.parametrize(
    ("truth", "draw"),
    [
        (1 / 3, lambda rng, n: rng.uniform(size=n)),
        (1 / 2, lambda rng, n: rng.exponential(size=n)),
        (special.erf(0.4), lambda rng, n: np.exp(0.8 * rng.normal(size=n))),
    ],
)
def test_equals_the_closed_form_and_covers_it(truth: float, draw) -> None:
    """400 samples of 100 cover in .86 to .92; the standard error is .015, so a false alarm is rarer than 1 in 100."""
    rng = np.random.default_rng(0)
    found = [gini(draw(rng, 100)) for _ in range(400)]
    assert np.mean([each.value for each in found]) == pytest.approx(truth, abs=0.008)
    assert 0.82 < np.mean([each.low <= truth <= each.high for each in found]) < 0.95
    assert gini(draw(rng, 200_000)).value == pytest.approx(truth, abs=0.005)


def test_zero_is_equal_and_one_is_everything() -> None:
    equal = gini(np.full(10, 3.0))
    assert equal.value == pytest.approx(0, abs=1e-12)
    assert equal.high - equal.low == pytest.approx(0, abs=1e-12)
    one = gini(np.array([0.0, 5.0, 0.0, 0.0]))
    assert one.value == 1
    assert np.isnan([one.low, one.high]).all()
    assert gini(np.array([0.0, 1.0, 1.0])).value == pytest.approx(2 / 3 / (4 / 3))


def test_scale_and_order_do_not_matter() -> None:
    x = np.random.default_rng(1).exponential(size=30)
    for other in (x[::-1].copy(), x * 1e-200, x * 1e200, x.astype(np.float32) * np.float32(1e30)):
        assert gini(other).value == pytest.approx(gini(x).value, rel=1e-6)
        assert gini(other).low == pytest.approx(gini(x).low, rel=1e-5)


def test_nan_is_left_out_and_counted() -> None:
    x = np.array([1.0, np.nan, 2.0, 4.0, np.nan])
    assert gini(x) == gini(np.array([1.0, 2.0, 4.0]))
    assert gini(x).n == 3


@pytest.mark.parametrize("values", [[3.0], [0.0, 0.0], [np.nan, 1.0]])
def test_undefined_is_nan(values: list[float]) -> None:
    found = gini(np.array(values))
    assert np.isnan([found.value, found.low, found.high]).all()


def test_two_values_have_no_interval() -> None:
    found = gini(np.array([1.0, 3.0]))
    assert found.value == pytest.approx(0.5)
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize("wrong", [-1.0, np.inf])
def test_refuses_what_is_no_amount(wrong: float) -> None:
    with pytest.raises(Unsupported, match=r"1 of 2 .*norms, counts or amounts"):
        gini(np.array([wrong, 1.0, np.nan]))
