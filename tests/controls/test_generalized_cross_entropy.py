"""Generalized cross-entropy is the formula of its paper, and cross-entropy in the limit."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from byrote.controls import generalized_cross_entropy
from byrote.errors import InvalidData
from byrote.task.examples import Examples
from controls.batches import batch, strengths
from small import small_task


def test_the_loss_is_that_of_the_paper_and_its_gradient_is_weighed_by_the_probability() -> None:
    plain, given = batch()
    q = (0.7, 1.0)
    found = generalized_cross_entropy(0.7).losses(plain, given, strengths(*q))
    p = given.outputs.softmax(-1).gather(-1, given.targets.unsqueeze(-1)).squeeze(-1).detach()
    for run in range(2):
        torch.testing.assert_close(found[run], (1 - p[run] ** q[run]) / q[run])
    (slope,) = torch.autograd.grad(found.sum(), given.outputs, retain_graph=True)
    (usual,) = torch.autograd.grad(plain.sum(), given.outputs)
    torch.testing.assert_close(slope, usual * (p ** torch.tensor(q).unsqueeze(1)).unsqueeze(-1))


def test_it_becomes_cross_entropy_as_q_goes_to_0() -> None:
    plain, given = batch()
    found = generalized_cross_entropy(0.0).losses(plain, given, strengths(0.0, 1e-4))
    assert torch.equal(found[0], plain[0])
    torch.testing.assert_close(found[1], plain[1], rtol=1e-3, atol=1e-3)


def test_other_objectives_are_refused() -> None:
    base = small_task()
    numbers = Examples(base.train.inputs, np.arange(len(base.train), dtype=np.float64))
    task = replace(base, train=numbers, test=None, classes=(), objective="regression")
    with pytest.raises(InvalidData, match="is for classification, and the task 'small' learns regression"):
        generalized_cross_entropy(0.5)(task)
