"""The coin-flip audit against the paper's own numbers, the closed form, exact mechanisms, and 2,000 audits of nothing."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from byrote.errors import Unsupported
from byrote.summaries import Guesses, guess_membership, held_out_guesses, one_run_epsilon, one_run_p_value
from nominal import at_most_the_nominal_share

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
AUDITS = 2000


def _responses(seed: int, canaries: int, epsilon: float) -> tuple[Floats, Bools]:
    """Return randomized response, which is exactly epsilon-private in each canary, and the coins."""
    rng = np.random.default_rng(seed)
    member = rng.random(canaries) < 0.5
    return np.where(rng.random(canaries) < expit(epsilon), member, ~member).astype(np.float64), member


@pytest.mark.parametrize(
    ("guesses", "delta", "printed"),
    [
        (Guesses(75, 100, 100), 0.0, 0.702),
        (Guesses(75, 100, 100), 1e-4, 0.699),
        (Guesses(75, 100, 1000), 1e-4, 0.673),
        (Guesses(1439, 1510, 100_000), 1e-5, 2.675),
    ],
)
def test_equals_what_the_paper_prints(guesses: Guesses, delta: float, printed: float) -> None:
    """Appendix D and section 7 print three digits, cut off or rounded."""
    assert one_run_epsilon(guesses, delta=delta).value == pytest.approx(printed, abs=0.001)


def test_the_p_value_equals_what_the_paper_prints() -> None:
    assert one_run_p_value(Guesses(75, 100, 100), epsilon=math.log(3)) == pytest.approx(0.553, abs=0.001)


@pytest.mark.parametrize("r", [5, 16, 1000])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_all_guesses_right_has_a_closed_form(r: int, level: float) -> None:
    bound = one_run_epsilon(Guesses(r, r, 2 * r), level=level)
    assert bound.value == pytest.approx(-math.log((1 - level) ** (-1 / r) - 1), rel=1e-9)
    assert (bound.low, bound.high, bound.n, bound.unit) == (bound.value, math.inf, r, "guess")


@pytest.mark.parametrize("delta", [0.0, 1e-4])
def test_the_bound_is_where_the_p_value_is_the_chance_of_error(delta: float) -> None:
    guesses = Guesses(180, 200, 1000)
    bound = one_run_epsilon(guesses, delta=delta, level=0.9).value
    assert one_run_p_value(guesses, epsilon=bound, delta=delta) == pytest.approx(0.1, rel=1e-6)


@pytest.mark.parametrize("correct", [0, 3, 10, 12])
def test_the_correction_for_delta_equals_the_loop(correct: int) -> None:
    m, r, q, delta = 30, 12, expit(0.7), 1e-3
    tail = [sum(stats.binom.pmf(k, r, q) for k in range(v, r + 1)) for v in range(-m, r + 1)]
    steps = [(tail[correct + m - i] - tail[correct + m]) / i for i in range(1, m + 1)]
    expected = min(1.0, tail[correct + m] + 2 * m * delta * max(steps))
    assert one_run_p_value(Guesses(correct, r, m), epsilon=0.7, delta=delta) == pytest.approx(expected)


@pytest.mark.parametrize("delta", [1e-4, 1e-2])
@pytest.mark.parametrize("epsilon", [0.0, 1.0])
def test_mechanisms_that_keep_the_promise_stay_under_the_p_value(epsilon: float, delta: float) -> None:
    """Randomized response, where one coin, or with one delta each coin by itself, or all at once, is given away."""
    m, q = 50, expit(epsilon)
    right = np.arange(m + 1)
    each = stats.binom.sf(right - 1, m, q + delta * (1 - q))
    together = delta + (1 - delta) * stats.binom.sf(right - 1, m, q)
    for v in range(m + 1):
        p = one_run_p_value(Guesses(v, m, m), epsilon=epsilon, delta=delta)
        assert max(each[v], together[v]) <= p + 1e-12


def test_no_guesses_and_no_better_than_chance_show_nothing() -> None:
    for guesses in (Guesses(0, 0, 10), Guesses(0, 10, 10), Guesses(50, 100, 100)):
        assert one_run_epsilon(guesses).value == 0
        assert one_run_epsilon(guesses, delta=1e-5).value == 0


def test_more_right_is_a_larger_bound_and_more_delta_a_smaller_one() -> None:
    bounds = [one_run_epsilon(Guesses(v, 100, 200), delta=1e-5).value for v in range(60, 101, 5)]
    assert np.all(np.diff(bounds) > 0)
    looser = [one_run_epsilon(Guesses(90, 100, 200), delta=delta).value for delta in (0.0, 1e-6, 1e-4, 1e-3, 0.5)]
    assert np.all(np.diff(looser) < 0)
    assert looser[-1] == 0


@pytest.mark.parametrize("seed", range(5))
def test_guesses_are_the_ends_of_the_ranking(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, member = rng.normal(size=30), rng.random(30) < 0.5
    ranked = sorted(range(30), key=lambda i: values[i])
    correct = sum(member[i] for i in ranked[-7:]) + sum(not member[i] for i in ranked[:4])
    assert guess_membership(values, member, guess_in=7, guess_out=4) == Guesses(int(correct), 11, 30)
    assert guess_membership(values, member, guess_in=0, guess_out=0) == Guesses(0, 0, 30)


def test_ties_are_broken_by_lot_and_not_by_position() -> None:
    """Of 200 equal canaries, members first, 100 guesses of in are right as often as not: error 3.5."""
    member = np.arange(200) < 100
    right = [guess_membership(np.zeros(200), member, guess_in=100, guess_out=0, seed=s).correct for s in range(200)]
    assert np.mean(right) == pytest.approx(50, abs=1.5)
    assert np.std(right) > 2


def test_the_held_out_half_is_the_only_one_counted() -> None:
    values, member = _responses(0, 401, 8.0)
    guesses = held_out_guesses(values, member)
    assert guesses.canaries == 201
    assert guesses.made > 100
    assert one_run_epsilon(guesses).value > 2.5


def test_numbers_chosen_on_one_half_suit_the_other() -> None:
    """Only the 5 % with the largest values leak, all members: few guesses of in are best, and none of out."""
    rng = np.random.default_rng(1)
    member = rng.random(4000) < 0.5
    values = rng.normal(size=4000) + 10 * (member & (rng.random(4000) < 0.1))
    chosen = one_run_epsilon(held_out_guesses(values, member)).value
    assert chosen > 2
    assert one_run_epsilon(guess_membership(values, member, guess_in=2000, guess_out=2000)).value < 0.6


@pytest.mark.slow
@pytest.mark.parametrize("delta", [0.0, 1e-5])
def test_a_true_epsilon_of_zero_is_exceeded_in_at_most_the_nominal_share(delta: float) -> None:
    rng = np.random.default_rng(2)
    exceeded = 0
    for _ in range(AUDITS):
        values, member = rng.normal(size=200), rng.random(200) < 0.5
        exceeded += one_run_epsilon(guess_membership(values, member, guess_in=60, guess_out=40), delta=delta).value > 0
    at_most_the_nominal_share(exceeded)
    assert exceeded > 0.02 * AUDITS


@pytest.mark.slow
def test_the_chosen_numbers_of_guesses_keep_the_nominal_share() -> None:
    rng = np.random.default_rng(4)
    exceeded = 0
    for seed in range(AUDITS):
        values, member = rng.normal(size=200), rng.random(200) < 0.5
        exceeded += one_run_epsilon(held_out_guesses(values, member, seed=seed)).value > 0
    at_most_the_nominal_share(exceeded)
    assert exceeded > 0


@pytest.mark.slow
def test_choosing_on_the_canaries_that_are_counted_would_cry_wolf() -> None:
    """Why the choice is held out: the best of 20 numbers of guesses exceeds 0 far more often than 1 in 20."""
    rng = np.random.default_rng(3)
    exceeded = 0
    for _ in range(300):
        values, member = rng.normal(size=200), rng.random(200) < 0.5
        bounds = [one_run_epsilon(guess_membership(values, member, guess_in=k, guess_out=0)) for k in range(5, 105, 5)]
        exceeded += max(bound.value for bound in bounds) > 0
    assert exceeded > 0.1 * 300


@pytest.mark.slow
def test_a_true_epsilon_of_one_is_exceeded_in_at_most_the_nominal_share() -> None:
    exceeded = chosen = 0
    for seed in range(AUDITS):
        values, member = _responses(seed, 300, 1.0)
        exceeded += one_run_epsilon(guess_membership(values, member, guess_in=100, guess_out=100)).value > 1
        chosen += one_run_epsilon(held_out_guesses(values, member, seed=seed)).value > 1
    at_most_the_nominal_share(exceeded)
    at_most_the_nominal_share(chosen)
    assert exceeded > 0.02 * AUDITS


def test_the_bound_approaches_the_truth_as_canaries_are_added() -> None:
    bounds = [
        one_run_epsilon(guess_membership(*_responses(0, m, 1.0), guess_in=m // 2, guess_out=m // 2)).value
        for m in (100, 1000, 10_000, 1_000_000)
    ]
    assert np.all(np.diff(bounds) > 0)
    assert bounds[-1] == pytest.approx(1, abs=0.02)


def test_what_cannot_be_is_refused() -> None:
    values, member = np.array([0.0, 1.0, np.nan]), np.array([True, False, True])
    with pytest.raises(Unsupported, match=r"1 of the 3 values.*Leave"):
        guess_membership(values, member, guess_in=1, guess_out=1)
    with pytest.raises(Unsupported, match=r"2 canaries.*2 guesses of in and 1 of out.*no more"):
        guess_membership(values[:2], member[:2], guess_in=2, guess_out=1)
    with pytest.raises(Unsupported, match=r"5 of 4 .*10 canaries.*correct <= made"):
        Guesses(5, 4, 10)
    with pytest.raises(Unsupported, match=r"2 canaries.*Plant more"):
        held_out_guesses(values[:2], member[:2])
    with pytest.raises(Unsupported, match=r"delta 1\.0 and level 0\.95.*delta in \[0, 1\)"):
        one_run_epsilon(Guesses(1, 1, 1), delta=1.0)
