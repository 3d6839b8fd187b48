"""Label smoothing is that of torch, whatever the run's share."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from byrote.controls import label_smoothing
from byrote.errors import InvalidData
from byrote.objectives import Classification
from controls.batches import batch, strengths
from small import small_task


def test_losses_and_gradients_are_those_of_torch() -> None:
    plain, given = batch()
    found = label_smoothing(0.1).losses(plain, given, strengths(0.1, 0.4))
    for run, share in enumerate((0.1, 0.4)):
        z = given.outputs[run].detach().requires_grad_()
        expected = functional.cross_entropy(z, given.targets[run], reduction="none", label_smoothing=share)
        torch.testing.assert_close(found[run], expected)
        expected.sum().backward()
        (slope,) = torch.autograd.grad(found[run].sum(), given.outputs, retain_graph=True)
        torch.testing.assert_close(slope[run], z.grad)


def test_a_single_logit_is_that_of_the_second_of_two_classes() -> None:
    z, labels = torch.randn(1, 5, 1), torch.tensor([[0, 1, 1, 0, 1]])
    two = torch.cat([torch.zeros(1, 5, 1), z], dim=2)
    plain = functional.cross_entropy(two[0], labels[0], reduction="none")[None]
    _, given = batch()
    found = label_smoothing(0.2).losses(plain, replace(given, outputs=z, targets=labels), strengths(0.2))
    expected = functional.cross_entropy(two[0], labels[0], reduction="none", label_smoothing=0.2)
    torch.testing.assert_close(found[0], expected)


def test_an_objective_that_smooths_already_is_refused() -> None:
    task = replace(small_task(), objective=Classification(label_smoothing=0.1))
    with pytest.raises(InvalidData, match="smooths labels already"):
        label_smoothing(0.1)(task)
