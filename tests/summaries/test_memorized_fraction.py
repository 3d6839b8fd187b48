"""The share of memorized examples: no tail out of noise, the known share covered, and the fit against EM."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from byrote.errors import Unsupported
from byrote.summaries import counted_fraction, memorized_fraction
from byrote.summaries._mixture import TOLERANCE, _solved, fit, grid, likelihood

Bools = NDArray[np.bool_]


def _record(seed: int, examples: int, runs: int, share: float, inside: float = 0.5) -> tuple[Bools, Bools]:
    """A share is right at .97 with and rarely without; the others are as often right, or by .02 more."""
    rng = np.random.default_rng(seed)
    member = rng.permuted(np.tile((np.arange(runs) < inside * runs)[:, None], (1, examples)), axis=0)
    known, memorized = rng.beta(4, 1, examples), rng.random(examples) < share
    p_in = np.where(memorized, 0.97, np.minimum(known + 0.02 * (share > 0), 1))
    p_out = np.where(memorized, rng.beta(1, 12, examples), known)
    return rng.random((runs, examples)) < np.where(member, p_in, p_out), member


def test_noise_makes_no_tail() -> None:
    """Nothing is memorized: 20 runs of 20,000 examples count 6 % with .25 or more; the fit says less than .5 %."""
    correct, member = _record(0, 20_000, 20, 0.0)
    assert counted_fraction(correct, member) > 0.05
    measured = memorized_fraction(correct, member)
    assert measured.value < 0.005
    assert measured.low == 0
    assert measured.high < 0.02
    assert (measured.n, measured.unit, measured.level) == (20_000, "example", 0.9)


@pytest.mark.slow
def test_the_interval_covers_a_known_share() -> None:
    """10 records at 90 %: 6 or fewer that hold have a chance of 1 in 80; the noisy count is never near."""
    held = 0
    for seed in range(10):
        correct, member = _record(seed, 1000, 20, 0.15)
        measured = memorized_fraction(correct, member)
        held += measured.low <= 0.15 <= measured.high
        assert counted_fraction(correct, member) > 0.18
        assert measured.high - measured.low < 0.12
    assert held >= 7


def test_more_runs_make_it_surer_and_the_count_agree() -> None:
    few, many = (memorized_fraction(*_record(1, 1000, runs, 0.15)) for runs in (6, 60))
    assert many.high - many.low < few.high - few.low
    assert counted_fraction(*_record(1, 1000, 60, 0.15)) == pytest.approx(many.value, abs=0.02)


def test_the_fit_is_the_one_that_em_converges_to() -> None:
    correct, member = _record(2, 300, 10, 0.2)
    k1, k0 = (correct & member).sum(0), (correct & ~member).sum(0)
    five = np.full(300, 5)
    chance = likelihood(k1, five, k0, five)
    first, second = grid()
    exact = stats.binom.pmf(k1[:, None], 5, first) * stats.binom.pmf(k0[:, None], 5, second)
    np.testing.assert_allclose(chance / chance.max(axis=1, keepdims=True), exact / exact.max(axis=1, keepdims=True))
    found = fit(chance, np.ones(300, np.int64), np.ones((1, len(first)), bool), np.ones(1))
    weight = np.full(len(first), 1 / len(first))
    for _ in range(2000):
        belief = chance * weight
        weight = (belief / belief.sum(axis=1, keepdims=True)).mean(axis=0)
    assert found.log_likelihood >= np.log(chance @ weight).sum() - TOLERANCE
    assert found.log_likelihood == pytest.approx(np.log(chance @ found.weight).sum())
    assert found.weight.sum() == pytest.approx(1)
    assert np.all(found.weight >= 0)
    gradient = chance.T @ (1 / (chance @ found.weight))
    assert gradient.max() <= 300 * (1 + 1e-3)


def test_the_ends_are_as_likely_as_allowed() -> None:
    """EM with the share held fixed (each side's weights rescaled to it) loses chi-squared's quantile / 2 there."""
    correct, member = _record(3, 300, 10, 0.2)
    measured, wider = (memorized_fraction(correct, member, level=level) for level in (0.9, 0.99))
    assert wider.low < measured.low <= measured.value <= measured.high < wider.high
    k1, k0, five = (correct & member).sum(0), (correct & ~member).sum(0), np.full(300, 5)
    chance, (first, second) = likelihood(k1, five, k0, five), grid()
    marked = first - second >= 0.25
    best = fit(chance, np.ones(300, np.int64), np.ones((1, len(first)), bool), np.ones(1)).log_likelihood
    for share in (measured.low, measured.high):
        weight = np.where(marked, share / marked.sum(), (1 - share) / (~marked).sum())
        for _ in range(2000):
            belief = chance * weight
            weight = (belief / belief.sum(axis=1, keepdims=True)).mean(axis=0)
            weight *= np.where(marked, share / weight[marked].sum(), (1 - share) / weight[~marked].sum())
        assert best - np.log(chance @ weight).sum() == pytest.approx(stats.chi2.ppf(0.9, 1) / 2, abs=0.05)


def test_equal_counts_leave_the_doubt_of_so_many_examples() -> None:
    """All of 400 are surely memorized: the share phi costs 400 ln phi, so the low end is e^(-1.35 / 400)."""
    member = np.tile((np.arange(20) < 10)[:, None], (1, 400))
    assert memorized_fraction(member, member).low == pytest.approx(np.exp(-stats.chi2.ppf(0.9, 1) / 800), abs=2e-4)


def test_the_order_of_examples_and_those_in_every_run_do_not_matter() -> None:
    correct, member = _record(4, 300, 12, 0.2, inside=0.7)
    always = np.ones((12, 50), bool)
    padded = memorized_fraction(np.hstack([always, correct[:, ::-1]]), np.hstack([always, member[:, ::-1]]))
    assert padded == memorized_fraction(correct, member)
    assert padded.n == 300


def test_the_count_equals_the_loop_with_unequal_runs() -> None:
    correct, member = np.random.default_rng(5).random((2, 9, 200)) < 0.5
    value = [
        correct[member[:, i], i].mean() - correct[~member[:, i], i].mean()
        for i in range(200)
        if 0 < member[:, i].sum() < 9
    ]
    assert counted_fraction(correct, member, above=0.2) == pytest.approx(np.mean(np.array(value) >= 0.2 - 1e-12))


def test_everyone_and_no_one() -> None:
    member = np.tile((np.arange(20) < 10)[:, None], (1, 400))
    everyone, no_one = memorized_fraction(member, member), memorized_fraction(np.ones_like(member), member)
    assert everyone.value > 0.99
    assert everyone.high == 1
    assert no_one.value < 0.01
    assert no_one.low == 0


def test_one_example_leaves_everything_open() -> None:
    member = np.array([[True], [False]])
    one = memorized_fraction(np.array([[True], [True]]), member)
    assert (one.low, one.high, one.n) == (0, 1, 1)


def test_nothing_is_nan_and_a_wrong_threshold_refused() -> None:
    always = np.ones((3, 4), bool)
    nothing = memorized_fraction(always, always)
    assert (nothing.n, np.isnan(nothing.value), np.isnan(nothing.low)) == (0, True, True)
    assert np.isnan(counted_fraction(always, always))
    with pytest.raises(Unsupported, match=r"at least 1\.5.*between 0 and 1"):
        memorized_fraction(always, always, above=1.5)


@pytest.mark.parametrize("cells", [5, 60])
def test_the_step_solves_its_system_whichever_is_smaller(cells: int) -> None:
    rng = np.random.default_rng(0)
    chance, curvature, diagonal = rng.random((cells, 40)), rng.random(cells) + 0.1, rng.random(40) + 0.1
    right = rng.normal(size=(40, 3))
    solved = _solved(chance, curvature, diagonal, right)
    system = (chance * curvature[:, None]).T @ chance + np.diag(diagonal)
    np.testing.assert_allclose(system @ solved, right, atol=1e-8)
