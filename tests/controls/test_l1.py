"""L1 is the sum of absolute weights; with plain SGD an update pulls each weight by the same amount."""

import torch

from byrote.controls import l1


def test_value_and_gradient_of_each_run() -> None:
    weights = [torch.randn(2, 3, 4, requires_grad=True), torch.randn(2, 5, requires_grad=True)]
    found = l1(0.1).penalty(weights, torch.tensor([0.1, 0.3]))
    for run, weight in enumerate((0.1, 0.3)):
        expected = weight * sum(float(each[run].detach().abs().sum()) for each in weights)
        assert abs(float(found[run].detach()) - expected) < 1e-5
    found.sum().backward()
    for each in weights:
        torch.testing.assert_close(each.grad[0], 0.1 * each[0].sign())
        torch.testing.assert_close(each.grad[1], 0.3 * each[1].sign())
