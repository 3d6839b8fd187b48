"""The audit of many models against the closed form, exact coverage by enumeration, and 2,000 audits of nothing."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from byrote.errors import Unsupported
from byrote.stats.intervals import clopper_pearson
from byrote.summaries import clopper_pearson_epsilon, held_out_epsilon
from nominal import at_most_the_nominal_share


@pytest.mark.parametrize(("found", "accused"), [(40, 2), (49, 10), (50, 0), (20, 20), (3, 0)])
@pytest.mark.parametrize("delta", [0.0, 1e-2])
def test_equals_the_formula(found: int, accused: int, delta: float) -> None:
    tpr, fpr = float(clopper_pearson(found, 50, level=0.95)[0]), float(clopper_pearson(accused, 60, level=0.95)[1])
    expected = max(math.log(max((tpr - delta) / fpr, 1)), math.log(max((1 - fpr - delta) / (1 - tpr), 1)))
    bound = clopper_pearson_epsilon(found, 50, accused, 60, delta=delta, level=0.95)
    assert bound.value == pytest.approx(expected)
    assert (bound.low, bound.high, bound.n, bound.unit) == (bound.value, math.inf, 110, "model")


def test_perfect_accusations_of_1000_and_1000_models_show_5_6() -> None:
    tail = 0.025 ** (1 / 1000)
    bound = clopper_pearson_epsilon(1000, 1000, 0, 1000).value
    assert bound == pytest.approx(math.log(tail / (1 - tail)))
    assert bound == pytest.approx(5.6, abs=0.05)


def test_both_directions_count() -> None:
    rare, common = clopper_pearson_epsilon(20, 100, 0, 100), clopper_pearson_epsilon(100, 100, 80, 100)
    assert rare.value == pytest.approx(common.value)
    assert rare.value > 1


@pytest.mark.parametrize("epsilon", [0.0, 1.0])
@pytest.mark.parametrize("fpr", [0.02, 0.1, 0.25])
def test_exact_chance_of_too_large_a_bound(epsilon: float, fpr: float) -> None:
    """Every outcome of 40 and 40 models at rates that are exactly epsilon apart, in the two directions."""
    n = 40
    for tpr, other in ((fpr * math.exp(epsilon), fpr), (1 - fpr, 1 - fpr * math.exp(epsilon))):
        wrong = 0.0
        for found in range(n + 1):
            for accused in range(n + 1):
                if clopper_pearson_epsilon(found, n, accused, n).value > epsilon + 1e-9:
                    wrong += stats.binom.pmf(found, n, tpr) * stats.binom.pmf(accused, n, other)
        assert wrong <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("epsilon", [0.0, 1.0])
def test_the_truth_is_exceeded_in_at_most_the_nominal_share(epsilon: float) -> None:
    """Randomized response plus noise in the last digits, so that the threshold really is chosen."""
    rng = np.random.default_rng(0)
    exceeded = 0
    for seed in range(2000):
        member = rng.random(200) < 0.5
        said = np.where(rng.random(200) < expit(epsilon), member, ~member)
        exceeded += held_out_epsilon(said + 0.4 * rng.random(200), member, seed=seed).value > epsilon
    at_most_the_nominal_share(exceeded)


def test_the_bound_approaches_the_truth_as_models_are_added() -> None:
    rng = np.random.default_rng(1)
    bounds: list[float] = []
    for n in (100, 1000, 10_000, 400_000):
        member = rng.random(n) < 0.5
        said = np.where(rng.random(n) < expit(1.0), member, ~member)
        bounds.append(held_out_epsilon(said.astype(np.float64), member).value)
    assert bounds[-1] == pytest.approx(1, abs=0.02)
    assert bounds[0] < bounds[2] < 1


def test_a_separated_attack_is_found() -> None:
    member = np.arange(400) < 200
    bound = held_out_epsilon(np.where(member, 3.0, 0.0) + np.linspace(0, 1, 400), member)
    assert (bound.n, bound.value > 3) == (200, True)


def test_constant_values_show_nothing() -> None:
    assert held_out_epsilon(np.zeros(10), np.arange(10) < 5).value == 0


def test_what_is_no_audit_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"3 of 2 .* 0 of 5.*no more positives than models"):
        clopper_pearson_epsilon(3, 2, 0, 5)
    with pytest.raises(Unsupported, match=r"0 of 0 .* 0 of 5.*at least one model of each"):
        clopper_pearson_epsilon(0, 0, 0, 5)
    with pytest.raises(Unsupported, match=r"halve 1 members.*at least two of each"):
        held_out_epsilon(np.arange(4.0), np.arange(4) < 1)
    with pytest.raises(Unsupported, match=r"1 of the 4 values.*Leave"):
        held_out_epsilon(np.array([np.nan, 1, 2, 3]), np.arange(4) < 2)
    with pytest.raises(Unsupported, match=r"delta -1\.0.*delta in \[0, 1\)"):
        clopper_pearson_epsilon(1, 2, 1, 2, delta=-1.0)
