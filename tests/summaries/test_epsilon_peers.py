"""Lower bounds on epsilon against other libraries, where these are installed.

pip install --no-deps jax-privacy==2.0.0 dp-accounting==0.6.0 privacy-estimates==0.1.0.post1 tensorflow-privacy==0.8.12
"""

from itertools import product

import numpy as np
import pytest

from byrote.summaries import (
    Guesses,
    clopper_pearson_epsilon,
    gaussian_epsilon,
    gaussian_one_run_epsilon,
    held_out_epsilon,
    one_run_epsilon,
    one_run_p_value,
)
from nominal import at_most_the_nominal_share
from peers import gaussian_accounting, jax_privacy_auditing, privacy_estimates, tensorflow_privacy_epsilon

accounting, auditing = gaussian_accounting(), jax_privacy_auditing()
estimates, tensorflow = privacy_estimates(), tensorflow_privacy_epsilon()
with_accounting = pytest.mark.skipif(accounting is None, reason="dp-accounting 0.6.0 is not installed")
with_jax_privacy = pytest.mark.skipif(auditing is None, reason="jax-privacy 2.0.0 and dp-accounting are not installed")
with_estimates = pytest.mark.skipif(estimates is None, reason="privacy-estimates 0.1.0.post1 is not installed")
with_tensorflow = pytest.mark.skipif(tensorflow is None, reason="tensorflow-privacy 0.8.12 is not installed")

GUESSES = [Guesses(45, 50, 100), Guesses(95, 100, 1000), Guesses(700, 1000, 1000), Guesses(20, 20, 200)]
COUNTS = [(40, 50, 2, 60), (49, 50, 10, 60), (50, 50, 0, 60), (25, 50, 30, 60), (3, 50, 0, 60)]


@with_accounting
def test_the_gaussian_mechanism_is_the_same() -> None:
    assert accounting is not None
    for mu, delta in product((0.01, 0.1, 0.5, 1.0, 3.0, 10.0, 20.0), (1e-8, 1e-5, 1e-2, 0.3)):
        theirs = accounting.get_epsilon_gaussian(1 / mu, delta)
        assert gaussian_epsilon(mu, delta=delta) == pytest.approx(theirs, rel=1e-9, abs=1e-10)


@with_jax_privacy
@pytest.mark.parametrize("guesses", GUESSES)
@pytest.mark.parametrize("delta", [0.0, 1e-5, 1e-3])
def test_coin_flip_audits_are_the_same(guesses: Guesses, delta: float) -> None:
    """Its root has an error of up to 1e-6."""
    assert auditing is not None
    counts = guesses.canaries, guesses.made, guesses.correct
    for epsilon in (0.0, 0.5, 1.0, 3.0):
        theirs = auditing._one_run_p_value(*counts, epsilon, delta)
        assert one_run_p_value(guesses, epsilon=epsilon, delta=delta) == pytest.approx(theirs, abs=1e-12)
    for level in (0.9, 0.95, 0.99):
        theirs = auditing._epsilon_one_run(0, *counts, 1 - level, delta)
        assert one_run_epsilon(guesses, delta=delta, level=level).value == pytest.approx(theirs, abs=2e-6)


@pytest.mark.slow
@with_jax_privacy
@pytest.mark.parametrize("guesses", [*GUESSES, Guesses(210, 400, 500)])
@pytest.mark.parametrize("delta", [1e-5, 1e-2])
def test_f_dp_audits_are_the_same(guesses: Guesses, delta: float) -> None:
    """Theirs is written in the paper's r and h, ours in chances of at least i correct guesses. It looks for epsilon, ours
    for mu."""
    assert auditing is not None
    for level in (0.9, 0.95, 0.99):
        counts = guesses.canaries, guesses.made, guesses.correct
        theirs = auditing._epsilon_one_run_fdp(0, *counts, 1 - level, delta)
        found = gaussian_one_run_epsilon(guesses, delta=delta, level=level).value
        assert found == pytest.approx(theirs, abs=5e-6)


@with_jax_privacy
@pytest.mark.parametrize("delta", [0.0, 1e-2])
@pytest.mark.parametrize("threshold", [-9.0, 0.0, 1.0, 2.0])
def test_audits_of_many_models_are_the_same(threshold: float, delta: float) -> None:
    """With one_sided=False, which is not its default. Without, it looks at one of the two directions, though its interval
    is made for both."""
    assert auditing is not None
    rng = np.random.default_rng(0)
    inside, outside = rng.normal(1, 1, 200), rng.normal(0, 1, 150)
    at, auditor = auditing.Explicit(threshold), auditing.CanaryScoreAuditor(inside, outside)
    found, accused = (int((values >= threshold).sum()) for values in (inside, outside))
    ours = clopper_pearson_epsilon(found, 200, accused, 150, delta=delta, level=0.95).value
    assert ours == pytest.approx(auditor.epsilon_clopper_pearson(0.05, delta, False, threshold_strategy=at), rel=1e-9)
    assert ours >= auditor.epsilon_clopper_pearson(0.05, delta, threshold_strategy=at) - 1e-12


@with_estimates
@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("delta", [0.0, 1e-2])
def test_privacy_estimates_are_the_same(counts: tuple[int, int, int, int], delta: float) -> None:
    assert estimates is not None
    found, positives, accused, negatives = counts
    table = estimates.AttackResults(TP=found, FN=positives - found, FP=accused, TN=negatives - accused)
    theirs = estimates.compute_eps_lo(table, delta, 0.05, "beta")
    assert clopper_pearson_epsilon(*counts, delta=delta, level=0.95).value == pytest.approx(theirs, rel=1e-9)


@with_estimates
def test_privacy_estimates_turn_an_attack_round_that_is_worse_than_chance() -> None:
    """Of 50 members 2 are accused, of 60 others 55. Theirs counts that as evidence, by calling the accused the others
    once it has seen the result; for us who is accused is fixed in advance, and this shows nothing."""
    assert estimates is not None
    table = estimates.AttackResults(TP=2, FN=48, FP=55, TN=5)
    theirs = estimates.compute_eps_lo(table, 0.0, 0.05, "beta")
    assert clopper_pearson_epsilon(2, 50, 55, 60).value == 0
    assert theirs == pytest.approx(clopper_pearson_epsilon(48, 50, 5, 60).value, rel=1e-9)
    assert theirs > 1


@with_tensorflow
@pytest.mark.parametrize("counts", COUNTS)
def test_at_one_threshold_tensorflow_privacy_is_the_same(counts: tuple[int, int, int, int]) -> None:
    """The larger of its two bounds, with Clopper and Pearson's interval, which is not its default."""
    assert tensorflow is not None
    found, positives, accused, negatives = counts
    inside, outside = np.arange(positives) < found, np.arange(negatives) < accused
    asked = tensorflow.EpsilonLowerBound(inside.astype(float), outside.astype(float), 0.05, False, np.array([0.5]))
    theirs = asked.compute_epsilon_lower_bound(tensorflow.BoundMethod.CLOPPER_PEARSON)
    ours = clopper_pearson_epsilon(*counts, level=0.95).value
    assert ours == pytest.approx(max(0, *theirs), rel=1e-9)


@with_tensorflow
def test_at_all_thresholds_tensorflow_privacy_finds_a_leak_in_noise() -> None:
    """Its report takes the largest of the bounds at all thresholds and in both directions, each at alpha = .05 by Bailey's
    approximation. Where nothing leaks that is above 0 in four audits of five, and ours at most in one of twenty."""
    assert tensorflow is not None
    theirs, ours, member = [], [], np.repeat([True, False], 100)
    for seed in range(200):
        values = np.random.default_rng(seed).normal(size=200)
        asked = tensorflow.EpsilonLowerBound(values[member], values[~member], 0.05, True, values)
        with np.errstate(all="ignore"):
            theirs.append(asked.compute_epsilon_lower_bound(tensorflow.BoundMethod.BAILEY, 1)[0] > 0)
        ours.append(held_out_epsilon(values, member, level=0.95, seed=seed).value > 0)
    assert np.mean(theirs) > 0.7
    at_most_the_nominal_share(sum(ours), audits=200)
