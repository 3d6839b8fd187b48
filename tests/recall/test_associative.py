"""Associative memories: energies and updates against loops over neurons, descent, retrieval and capacity."""

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.recall import associative
from byrote.recall.associative import (
    classical_energy,
    classical_update,
    hebbian,
    modern_energy,
    modern_update,
    modern_weights,
    polynomial_energy,
    polynomial_update,
)


def real(count: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, width))


def signs(count: int, width: int, seed: int) -> np.ndarray:
    return np.where(real(count, width, seed) > 0, 1.0, -1.0)


def flipped(patterns: np.ndarray, share: float, seed: int) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random(patterns.shape) < share, -patterns, patterns)


@pytest.fixture(params=[1 << 22, 8], ids=["one block", "many blocks"], autouse=True)
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(associative, "BLOCK", request.param)


def test_modern_energy_and_update_are_those_of_the_formulas() -> None:
    patterns, states, beta = real(4, 3, 0), real(5, 3, 1), 1.7
    longest = max(np.linalg.norm(each) for each in patterns)
    for at, state in enumerate(states):
        pulls = np.array([np.exp(beta * each @ state) for each in patterns])
        energy = -np.log(pulls.sum()) / beta + state @ state / 2 + np.log(4) / beta + longest**2 / 2
        assert modern_energy(states, patterns, beta)[at] == pytest.approx(energy)
        np.testing.assert_allclose(modern_weights(states, patterns, beta)[at], pulls / pulls.sum())
        new = sum(pull * each for pull, each in zip(pulls / pulls.sum(), patterns, strict=True))
        np.testing.assert_allclose(modern_update(states, patterns, beta)[at], new)


def test_the_modern_energy_falls_within_its_bounds() -> None:
    patterns, states = real(20, 6, 0), real(50, 6, 1)
    longest = np.linalg.norm(patterns, axis=1).max()
    states *= np.minimum(1, longest / np.linalg.norm(states, axis=1, keepdims=True))
    energies = [modern_energy(modern_update(states, patterns, 0.8, updates=n), patterns, 0.8) for n in range(6)]
    assert (np.diff(energies, axis=0) <= 1e-12).all()
    assert np.diff(energies[:2], axis=0).max() < -1e-3
    assert min(map(np.min, energies)) >= 0
    assert max(map(np.max, energies)) <= 2 * longest**2


def test_the_modern_update_is_the_concave_convex_step_of_its_energy() -> None:
    """The gradient of the energy at a state is the state minus what it becomes."""
    patterns, state, step = real(6, 4, 2), real(1, 4, 3), 1e-6
    slope = [
        (modern_energy(state + move, patterns, 2.0) - modern_energy(state - move, patterns, 2.0))[0] / (2 * step)
        for move in np.eye(4) * step
    ]
    np.testing.assert_allclose(slope, (state - modern_update(state, patterns, 2.0))[0], atol=1e-7)


def test_one_modern_update_retrieves_what_is_separated_and_a_small_sharpness_averages() -> None:
    patterns = signs(50, 64, 0)
    np.testing.assert_allclose(modern_update(flipped(patterns, 0.1, 1), patterns, 1.0), patterns, atol=1e-3)
    np.testing.assert_allclose(modern_update(patterns, patterns, 1e-6), np.tile(patterns.mean(0), (50, 1)), atol=1e-3)


def test_a_polynomial_neuron_takes_the_sign_of_lower_energy() -> None:
    patterns, states = signs(5, 7, 0), signs(6, 7, 1)
    for degree in (2, 3, 4):
        found = polynomial_update(states, patterns, degree)
        for state, new in zip(states, found, strict=True):
            energy = -sum((each @ state) ** degree for each in patterns)
            np.testing.assert_allclose(polynomial_energy(state[None], patterns, degree), energy)
            for neuron in range(7):
                sides = [np.where(np.arange(7) == neuron, sign, state)[None] for sign in (1.0, -1.0)]
                up, down = (polynomial_energy(side, patterns, degree)[0] for side in sides)
                assert new[neuron] == (state[neuron] if up == down else 1 if up < down else -1)


def test_degree_two_is_the_classical_memory() -> None:
    patterns, states = signs(5, 31, 0), signs(40, 31, 1)
    weights = hebbian(patterns)
    np.testing.assert_allclose(
        polynomial_energy(states, patterns, 2), 2 * 31 * classical_energy(states, weights) - 5 * 31
    )
    given = np.rint(31 * states @ weights)
    all_at_once = np.where(given == 0, states, np.sign(given))
    np.testing.assert_array_equal(polynomial_update(states, patterns, 2), all_at_once)


def test_hebbian_weights_are_sums_over_patterns() -> None:
    patterns = signs(3, 5, 0)
    expected = [[sum(p[i] * p[j] for p in patterns) / 5 * (i != j) for j in range(5)] for i in range(5)]
    np.testing.assert_allclose(hebbian(patterns), expected)


def test_the_classical_energy_never_rises_one_by_one() -> None:
    patterns, states = signs(12, 60, 0), signs(30, 60, 1)
    weights = hebbian(patterns)
    energies = [classical_energy(classical_update(states, weights, updates=n, seed=3), weights) for n in range(5)]
    np.testing.assert_allclose(energies[0], [-(s @ weights @ s) / 2 for s in states])
    assert (np.diff(energies, axis=0) <= 1e-12).all()
    assert (np.diff(energies[:2], axis=0) < 0).all()


@pytest.mark.parametrize("degree", [2, 3])
def test_higher_degrees_hold_more(degree: int) -> None:
    patterns = signs(30, 60, 0)
    found = polynomial_update(flipped(patterns, 0.05, 1), patterns, degree, updates=3)
    recalled = (found == patterns).all(1).mean()
    assert recalled > 0.95 if degree == 3 else recalled < 0.4


def test_a_classical_memory_below_its_capacity_repairs_patterns() -> None:
    patterns = signs(6, 200, 0)
    found = classical_update(flipped(patterns, 0.2, 1), hebbian(patterns), updates=4)
    assert np.mean(found == patterns) > 0.995


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: modern_update(real(2, 3, 0), real(2, 3, 1), 0.0), "A sharpness of 0.0 weighs no pattern"),
        (lambda: modern_energy(real(2, 3, 0), real(2, 3, 1), np.inf), "A sharpness of inf"),
        (lambda: modern_update(real(2, 3, 0), real(2, 4, 1), 1.0), "4 along the axis width"),
        (lambda: modern_update(real(2, 3, 0), real(2, 3, 1), 1.0, updates=-1), "-1 updates"),
        (lambda: polynomial_update(signs(2, 3, 0), signs(2, 3, 1), 1), "degree 1 stores no patterns"),
        (lambda: polynomial_energy(real(2, 3, 0), signs(2, 3, 1), 2), "patterns and states of -1 and 1"),
        (lambda: hebbian(real(2, 3, 0)), "hebbian takes patterns and states of -1 and 1"),
    ],
)
def test_what_cannot_be_retrieved_is_refused(call: object, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        call()  # type: ignore[operator]
