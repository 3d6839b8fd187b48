"""Theorem 1 of Zhang et al.: the construction fits everything, exactly."""

from fractions import Fraction

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.experiments.reproductions.zhang.theorem import construct, construct_exactly, error, output_exactly


def test_the_network_fits_any_labels_exactly_and_has_2n_plus_d_weights() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 256, (40, 7)).tolist()
    values = rng.integers(0, 10, 40).tolist()
    direction = rng.integers(-1000, 1000, 7).tolist()
    b, w = construct_exactly(inputs, values, direction)
    assert len(direction) + len(b) + len(w) == 2 * 40 + 7
    assert [output_exactly(row, direction, b, w) for row in inputs] == [Fraction(value) for value in values]
    w[5] += Fraction(1, 10**9)
    assert [output_exactly(row, direction, b, w) for row in inputs] != values, "one changed weight is seen"


def test_in_double_precision_it_fits_up_to_rounding() -> None:
    rng = np.random.default_rng(1)
    inputs, values = rng.normal(size=(100, 20)), rng.normal(size=100)
    a, b, w = construct(inputs, values, rng)
    assert (len(a), len(b), len(w)) == (20, 100, 100)
    assert error(inputs, values, a, b, w) < 1e-6
    assert error(inputs, values + np.eye(100)[3], a, b, w) > 0.5


def test_two_equal_inputs_cannot_have_two_labels() -> None:
    with pytest.raises(InvalidData, match="same place"):
        construct_exactly([[1, 2], [1, 2]], [0, 1], [3, 5])
