"""input_gradient, curvature and grand against a loop over examples, and against exact Hessians."""

import copy
from collections.abc import Callable
from importlib import import_module

import pytest
import torch
from torch import Tensor, nn

from byrote.errors import InvalidData, Unsupported
from byrote.probes import curvature, grand, input_gradient
from probes.networks import ARCHITECTURES, build, examples, perceptron

GRAND = import_module("byrote.probes.grand")
GRADIENTS = import_module("byrote.probes._gradients")
both = pytest.mark.parametrize("architecture", ARCHITECTURES)


def loss(model: nn.Module, one: Tensor, label: Tensor) -> Tensor:
    logits = model(one[None])[0]
    return torch.log(torch.exp(logits).sum()) - logits[label]


def hessian(model: nn.Module, one: Tensor, label: Tensor) -> Tensor:
    size = one.numel()
    return torch.autograd.functional.hessian(lambda x: loss(model, x, label), one).reshape(size, size)


@both
@pytest.mark.parametrize("norm", [1, 2])
def test_input_gradient_equals_a_loop(architecture: Callable[[], nn.Module], norm: int) -> None:
    model, (inputs, labels) = build(architecture), examples()
    expected = []
    for one, label in zip(inputs, labels, strict=True):
        leaf = one.clone().requires_grad_()
        slope = torch.autograd.grad(loss(model, leaf, label), leaf)[0]
        expected.append(slope.abs().sum() if norm == 1 else slope.square().sum().sqrt())
    torch.testing.assert_close(input_gradient(model, inputs, labels, norm=norm), torch.stack(expected))


def test_input_gradient_has_two_norms() -> None:
    model, (inputs, labels) = build(perceptron), examples()
    assert (input_gradient(model, inputs, labels, norm=1) > input_gradient(model, inputs, labels)).all()
    with pytest.raises(InvalidData, match=r"input_gradient has no norm 3\. Take 1 or 2\."):
        input_gradient(model, inputs, labels, norm=3)


@both
def test_curvature_equals_a_loop_with_exact_hessians(architecture: Callable[[], nn.Module]) -> None:
    """The same signs; the finite difference is off by some 1e-5 of the value."""
    model, (inputs, labels) = build(architecture), examples()
    generator = torch.Generator().manual_seed(5)
    signs = [2.0 * torch.randint(0, 2, inputs.shape[1:], generator=generator).double().flatten() - 1 for _ in range(4)]
    expected = []
    for one, label in zip(inputs, labels, strict=True):
        matrix = hessian(model, one, label)
        expected.append(torch.stack([(matrix @ v).square().sum() for v in signs]).mean())
    found = curvature(model, inputs, labels, vectors=4, h=1e-6, seed=5)
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-4, atol=1e-9)


@both
def test_curvature_estimates_the_trace_of_the_squared_hessian(architecture: Callable[[], nn.Module]) -> None:
    """Within 4.5 standard errors: the variance of v'Av over random signs is twice the sum of squares off its diagonal."""
    model, (inputs, labels) = build(architecture), examples(4)
    found = curvature(model, inputs, labels, vectors=400, h=1e-6)
    for value, one, label in zip(found, inputs, labels, strict=True):
        square = hessian(model, one, label) @ hessian(model, one, label)
        error = (2 * (square - square.diag().diag()).square().sum() / 400).sqrt()
        assert abs(value - square.trace()) < 4.5 * error
        assert error < 0.2 * square.trace()


def test_curvature_is_not_the_trace_of_the_hessian() -> None:
    """A saddle, l = log(1 + exp(xy)): at 0 the Hessian is [[0, 1/2], [1/2, 0]]; tr H = 0 and tr H^2 = 1/2."""

    class Saddle(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            product = x[:, 0] * x[:, 1]
            return torch.stack([torch.zeros_like(product), product], 1)

    value = curvature(Saddle(), torch.zeros(1, 2, dtype=torch.float64), torch.tensor([0]))
    assert value.item() == pytest.approx(0.5, rel=1e-3)


def test_curvature_draws_from_its_seed() -> None:
    model, (inputs, labels) = build(perceptron), examples()
    first = curvature(model, inputs, labels)
    assert curvature(model, inputs, labels, seed=0).equal(first)
    assert not curvature(model, inputs, labels, seed=1).allclose(first)
    torch.manual_seed(3)
    assert curvature(model, inputs, labels).equal(first)


def test_curvature_refuses_what_it_cannot_resolve() -> None:
    model, (inputs, labels) = build(perceptron), examples()
    with pytest.raises(Unsupported, match=r"over h=0\.001, and torch.bfloat16 rounds them away\. Use float32\."):
        curvature(model.bfloat16(), inputs.bfloat16(), labels)
    with pytest.raises(InvalidData, match=r"given 0 vectors and h=0\.001\. Take at least 1 vector"):
        curvature(model, inputs, labels, vectors=0)
    with pytest.raises(InvalidData, match="h above 0"):
        curvature(model, inputs, labels, h=0.0)


@both
@pytest.mark.parametrize("block", [1 << 26, 1, 20_000])
def test_grand_equals_a_loop(
    architecture: Callable[[], nn.Module], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GRAND, "BLOCK_BYTES", block)
    model, (inputs, labels) = build(architecture), examples()
    expected = []
    for one, label in zip(inputs, labels, strict=True):
        fresh = copy.deepcopy(model)
        loss(fresh, one, label).backward()
        expected.append(torch.cat([w.grad.flatten() for w in fresh.parameters() if w.grad is not None]).norm())
    for weight in list(model.parameters())[::2]:
        weight.requires_grad_(False)
    torch.testing.assert_close(grand(model, inputs, labels), torch.stack(expected))


def test_grand_counts_tied_weights_once_with_both_their_uses() -> None:
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)).double()
    model[1].weight = model[0].weight
    inputs, labels = torch.eye(3, dtype=torch.float64), torch.arange(3)
    expected = []
    for one, label in zip(inputs, labels, strict=True):
        model.zero_grad()
        loss(model, one, label).backward()
        expected.append(model[0].weight.grad.norm().clone())
    torch.testing.assert_close(grand(model, inputs, labels), torch.stack(expected))


def test_memory_of_grand_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """26 examples in blocks of at most 4 gradients."""
    model, (inputs, labels) = build(perceptron), examples(26)
    seen: list[int] = []
    real = GRADIENTS.vmap
    monkeypatch.setattr(
        GRADIENTS,
        "vmap",
        lambda f, in_dims: lambda w, x, y: (seen.append(len(x)), real(f, in_dims=in_dims)(w, x, y))[1],
    )
    bytes_each = sum(weight.numel() for weight in model.parameters()) * 8
    monkeypatch.setattr(GRAND, "BLOCK_BYTES", 4 * bytes_each + 1)
    assert grand(model, inputs, labels).shape == (26,)
    assert seen == [4] * 6 + [2]
