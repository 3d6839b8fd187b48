"""How few examples have nearly all of the memorization."""

import numpy as np

from byrote.findings.concentrated import concentrated


def test_a_few_examples_that_have_nearly_all_are_counted() -> None:
    values = np.r_[[60.0, -30.0, 9.0], np.full(300, 0.01), np.nan]
    found = concentrated(values)
    assert found is not None
    assert (found.examples, found.of) == (2, 303)
    assert found.share == np.float64(90 / 102)


def test_even_values_are_not_concentrated() -> None:
    assert concentrated(np.random.default_rng(0).normal(size=200)) is None
    assert concentrated(np.zeros(9)) is None
