"""The confidence penalty takes the entropy of the prediction off the loss."""

import torch

from byrote.controls import confidence_penalty
from controls.batches import batch, strengths


def test_it_is_the_loss_less_the_entropy() -> None:
    plain, given = batch()
    found = confidence_penalty(0.3).losses(plain, given, strengths(0.3, 2.0))
    entropy = torch.distributions.Categorical(logits=given.outputs).entropy()
    torch.testing.assert_close(found, plain - torch.tensor([[0.3], [2.0]]) * entropy)


def test_logits_that_are_far_apart_have_no_entropy_and_a_finite_gradient() -> None:
    _, given = batch()
    given.outputs.data.mul_(1000)
    found = confidence_penalty(1.0).losses(torch.zeros(2, 6), given, strengths(1.0, 1.0))
    torch.testing.assert_close(found, torch.zeros(2, 6))
    (slope,) = torch.autograd.grad(found.sum(), given.outputs)
    assert torch.isfinite(slope).all()
