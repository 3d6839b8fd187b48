"""A margin predicted from features: each example's own margin has no part in its prediction."""

import numpy as np

import oracles
from byrote.scores._prior import Prior, fit_prior


def _given(n: int, features: int, seed: int) -> tuple[oracles.Floats, oracles.Floats]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, features))
    return x, x[:, 0] + 0.5 * x[:, 0] * x[:, 1] + rng.normal(0, 0.5, n)


def test_no_example_has_a_part_in_its_own_prediction() -> None:
    """Another margin of its own changes the predictions of all others, and not its own (with the penalty unchanged)."""
    x, y = _given(80, 3, 0)
    everyone = np.ones(80, bool)
    changed = y.copy()
    changed[7] += 0.01
    before, after = (fit_prior(x, each, everyone) for each in (y, changed))
    fewer = x + 0.1  # as features from other runs are
    for features in (x, fewer):
        moved = np.abs(after.predict(features) - before.predict(features))
        assert moved[7] < 1e-9
        assert np.median(moved) > 1e-7


def test_predicts_a_quadratic_function_and_those_that_it_was_not_fitted_to() -> None:
    x, y = _given(400, 3, 1)
    use = np.arange(400) < 300
    found = fit_prior(x, y, use).predict(x)
    truth = x[:, 0] + 0.5 * x[:, 0] * x[:, 1]
    assert np.sqrt(np.mean((found - truth)[~use] ** 2)) < 0.25
    assert np.sqrt(np.mean((found - truth)[use] ** 2)) < 0.2


def _error(prior: Prior, x: oracles.Floats, y: oracles.Floats) -> float:
    return float(np.mean((prior.predict(x) - y) ** 2))


def test_features_that_say_nothing_cost_nearly_nothing() -> None:
    x, y = _given(2000, 3, 2)
    everyone = np.ones(2000, bool)
    noise = np.random.default_rng(3).normal(size=(2000, 4))
    more = np.concatenate([x, noise], axis=1)
    assert _error(fit_prior(more, y, everyone), more, y) < 1.03 * _error(fit_prior(x, y, everyone), x, y)


def test_what_is_unknown_or_constant_is_left_out() -> None:
    x, y = _given(200, 3, 4)
    everyone = np.ones(200, bool)
    nothing = np.concatenate([x, np.full((200, 1), np.nan), np.ones((200, 1))], axis=1)
    found = fit_prior(nothing, y, everyone).predict(nothing)
    np.testing.assert_allclose(found, fit_prior(x, y, everyone).predict(x), atol=1e-6)
    x[:20, 2] = np.nan
    assert np.isfinite(fit_prior(x, y, everyone).predict(x)).all()
