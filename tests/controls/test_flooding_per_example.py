"""Flooding per example is |loss - level| + level for each example, with its gradient."""

import torch

from byrote.controls import flooding_per_example
from controls.batches import batch, strengths


def test_values_and_gradients_are_those_of_the_formula() -> None:
    plain, given = batch()
    level = strengths(0.5, 2.0)
    found = flooding_per_example(0.5).losses(plain, given, level)
    assert ((plain < level).any(), (plain > level).any()) == (True, True)
    torch.testing.assert_close(found, (plain - level).abs() + level)
    (slope,) = torch.autograd.grad(found.sum(), given.outputs, retain_graph=True)
    (expected,) = torch.autograd.grad(((plain - level).abs() + level).sum(), given.outputs)
    torch.testing.assert_close(slope, expected)
