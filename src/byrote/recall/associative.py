"""Associative memories: patterns that a network of neurons settles into (Hopfield 1982; Krotov & Hopfield 2016, arXiv:1606.01164;
Ramsauer et al. 2020, arXiv:2008.02217).

Patterns are the rows of a matrix [pattern, width], states are queries [query, width]. Classical and polynomial memories hold
patterns of -1 and 1, the modern one any real numbers. All functions work on many states at once, in blocks of bounded bytes.
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import logsumexp, softmax

from byrote.arrays import checked
from byrote.errors import InvalidData

BLOCK = 1 << 22
"""Numbers that are held at once beside the arguments: 32 MB."""

ROUNDING = 1e-9
"""What is smaller is a sum of 0."""

Patterns = Float[ndarray, "pattern width"]
States = Float[ndarray, "query width"]


@checked
def modern_energy(
    states: Float[ndarray, "query width"], patterns: Float[ndarray, "pattern width"], sharpness: float
) -> Float[ndarray, " query"]:
    """Energy of states in a modern Hopfield network: low near a pattern (Ramsauer et al. 2020, equation 2).

    -lse(sharpness, X s) + |s|^2 / 2 + log(patterns) / sharpness + M^2 / 2, with the length M of the longest pattern. It is at
    least 0, and at most 2 M^2 for states no longer than M. `modern_update` never raises it. Raises InvalidData for a
    `sharpness` (beta) of 0 or less.
    """
    _check_sharpness(sharpness)
    longest = float(np.square(patterns).sum(1).max())
    similarity = [
        np.asarray(logsumexp(sharpness * (states[rows] @ patterns.T), axis=1)) / sharpness
        for rows in _blocks(states, len(patterns))
    ]
    constant = np.log(len(patterns)) / sharpness + longest / 2
    return constant + np.square(states).sum(1) / 2 - np.concatenate(similarity)


@checked
def modern_weights(
    states: Float[ndarray, "query width"], patterns: Float[ndarray, "pattern width"], sharpness: float
) -> Float[ndarray, "query pattern"]:
    """Weight of each pattern in what a state becomes: softmax(sharpness x state . pattern); the weights of a state add up to 1.

    Raises InvalidData for a `sharpness` (beta) of 0 or less.
    """
    _check_sharpness(sharpness)
    return softmax(sharpness * (states @ patterns.T), axis=1)


@checked
def modern_update(
    states: Float[ndarray, "query width"],
    patterns: Float[ndarray, "pattern width"],
    sharpness: float,
    *,
    updates: int = 1,
) -> Float[ndarray, "query width"]:
    """What states become: the mean of the patterns by their weights (Ramsauer et al. 2020, equation 3), `updates` times.

    With well separated patterns one update is near the nearest of them: one update is attention. A small
    sharpness ends in the mean of all patterns, or of some that are alike. Raises InvalidData for a `sharpness` of 0 or less.
    """
    _check_sharpness(sharpness)

    def once(some: States) -> States:
        return softmax(sharpness * (some @ patterns.T), axis=1) @ patterns

    return _repeated(once, states, len(patterns), updates)


@checked
def polynomial_energy(
    states: Float[ndarray, "query width"], patterns: Float[ndarray, "pattern width"], degree: int
) -> Float[ndarray, " query"]:
    """Energy of states of -1 and 1: minus the sum over patterns of (pattern . state)^degree; low near a pattern.

    Krotov & Hopfield 2016. `degree` 2 is the classical energy, up to a constant and a factor.
    """
    _check_signs("polynomial_energy", states, patterns)
    _check_degree(degree)
    parts = [-((states[rows] @ patterns.T) ** degree).sum(1) for rows in _blocks(states, len(patterns))]
    return np.concatenate(parts)


@checked
def polynomial_update(
    states: Float[ndarray, "query width"],
    patterns: Float[ndarray, "pattern width"],
    degree: int,
    *,
    updates: int = 1,
) -> Float[ndarray, "query width"]:
    """States of -1 and 1 after each neuron took the sign of lower energy, all at once, `updates` times.

    Krotov & Hopfield 2016: a neuron compares the energies with itself at 1 and at -1, the others as they are. It
    stays as it is where they are equal. All at once may raise the energy, and may end in a cycle of two states.
    """
    _check_signs("polynomial_update", states, patterns)
    _check_degree(degree)

    def once(some: States) -> States:
        overlap = some @ patterns.T
        gain = np.empty_like(some)
        for neuron in range(some.shape[1]):
            others = overlap - some[:, neuron, None] * patterns[:, neuron]
            up, down = others + patterns[:, neuron], others - patterns[:, neuron]
            gain[:, neuron] = (up**degree - down**degree).sum(1)
        return np.where(gain == 0, some, np.sign(gain))

    return _repeated(once, states, 3 * len(patterns), updates)


@checked
def hebbian(patterns: Float[ndarray, "pattern width"]) -> Float[ndarray, "width width"]:
    """Weights between neurons that store patterns of -1 and 1: X'X / width with zeros on the diagonal (Hopfield 1982)."""
    _check_signs("hebbian", patterns)
    weights = patterns.T @ patterns / patterns.shape[1]
    np.fill_diagonal(weights, 0)
    return weights


@checked
def classical_energy(
    states: Float[ndarray, "query width"], weights: Float[ndarray, "width width"]
) -> Float[ndarray, " query"]:
    """Energy of states of -1 and 1: -s W s / 2; low near a pattern (Hopfield 1982)."""
    _check_signs("classical_energy", states)
    return -np.einsum("qi,ij,qj->q", states, weights, states, optimize=True) / 2


@checked
def classical_update(
    states: Float[ndarray, "query width"], weights: Float[ndarray, "width width"], *, updates: int = 1, seed: int = 0
) -> Float[ndarray, "query width"]:
    """States after each neuron took the sign of its input, one neuron after the other in random order, `updates` times.

    One by one the energy never rises. A neuron without input stays as it is.
    """
    _check_signs("classical_update", states)
    rng = np.random.default_rng(seed)
    found = np.array(states)
    for _ in range(updates):
        for neuron in rng.permutation(states.shape[1]):
            given = found @ weights[:, neuron]
            found[:, neuron] = np.where(np.abs(given) < ROUNDING, found[:, neuron], np.sign(given))
    return found


def _repeated(once: Callable[[States], States], states: States, columns: int, updates: int) -> States:
    if updates < 0:
        raise InvalidData(f"{updates} updates cannot be made. Give 0 or more.")
    found = np.array(states)
    for rows in _blocks(states, columns):
        for _ in range(updates):
            found[rows] = once(found[rows])
    return found


def _blocks(states: States, columns: int) -> Iterator[slice]:
    """Yield the rows of blocks of states, so that states times columns are at most BLOCK numbers."""
    step = max(1, BLOCK // max(columns, 1))
    yield from (slice(start, start + step) for start in range(0, len(states), step))


def _check_sharpness(sharpness: float) -> None:
    if not (np.isfinite(sharpness) and sharpness > 0):
        raise InvalidData(f"A sharpness of {sharpness!r} weighs no pattern. Give a positive number.")


def _check_degree(degree: int) -> None:
    if degree < 2:
        raise InvalidData(f"A polynomial of degree {degree} stores no patterns. Give 2 or more.")


def _check_signs(function: str, *arrays: ndarray) -> None:
    for array in arrays:
        if not np.isin(array, (-1, 1)).all():
            raise InvalidData(f"{function} takes patterns and states of -1 and 1. Give np.where(array > 0, 1.0, -1.0).")
