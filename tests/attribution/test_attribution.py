"""TracIn and TRAK against float64 gradients taken one by one, and closed forms."""

import copy
from collections.abc import Callable, Iterable
from importlib import import_module

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from byrote.attribution import Block, Sketch, tracin, trak
from byrote.errors import InvalidData
from probes.networks import ARCHITECTURES, build, examples, untouched

GRADIENTS, TRACIN = import_module("byrote.probes._gradients"), import_module("byrote.attribution.tracin")
both = pytest.mark.parametrize("architecture", ARCHITECTURES)
RATES = (0.3, 0.1)


def whole(blocks: Iterable[Block]) -> np.ndarray:
    found = list(blocks)
    where = np.concatenate([targets for targets, _ in found])
    assert where.tolist() == list(range(len(where)))
    return np.concatenate([value for _, value in found], axis=1)


def slope(model: nn.Module, one: Tensor, label: Tensor, *, odds: bool = False) -> Tensor:
    """Return the gradient of the loss, or of the log odds, by all weights that require one."""
    model = copy.deepcopy(model).eval()
    p = model(one[None])[0].softmax(0)[label]
    (torch.log(p / (1 - p)) if odds else -torch.log(p)).backward()
    return torch.cat([w.grad.flatten() for w in model.parameters() if w.grad is not None])


def slopes(model: nn.Module, part: tuple[Tensor, Tensor], *, odds: bool = False) -> Tensor:
    return torch.stack([slope(model, one, label, odds=odds) for one, label in zip(*part, strict=True)])


@both
@pytest.mark.parametrize("block", [512, 2])
@pytest.mark.parametrize("memory", [1 << 28, 1, 20_000])
def test_tracin_equals_gradient_products(
    architecture: Callable[[], nn.Module], block: int, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (GRADIENTS, TRACIN):
        monkeypatch.setattr(module, "BLOCK_BYTES", memory)
    models = [build(architecture, seed) for seed in (0, 1)]
    for model in models:
        next(model.parameters()).requires_grad_(False)
    example, target = examples(7), examples(5, seed=1)
    expected = sum(
        rate * slopes(model, example) @ slopes(model, target).T for model, rate in zip(models, RATES, strict=True)
    )
    found = whole(tracin(models, RATES, *example, *target, block=block))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_tracin_is_what_a_step_does_to_the_target() -> None:
    """One small step of gradient descent on the example lowers the target's loss by its value."""
    model, (inputs, labels), target = build(ARCHITECTURES[1]), examples(1), examples(4, seed=1)
    rate = 1e-6
    value = whole(tracin([model], [rate], inputs, labels, *target))[0]
    stepped, before = copy.deepcopy(model), nn.functional.cross_entropy(model(target[0]), target[1], reduction="none")
    nn.functional.cross_entropy(stepped(inputs), labels).backward()
    with torch.no_grad():
        for weight in stepped.parameters():
            weight -= rate * weight.grad
        after = nn.functional.cross_entropy(stepped(target[0]), target[1], reduction="none")
    np.testing.assert_allclose(value, (before - after).detach(), rtol=1e-3)


def test_sketches_have_the_right_product_on_average_and_the_stated_spread() -> None:
    generator = torch.Generator().manual_seed(0)
    weights = {
        "a": torch.randn(3, 20, 5, generator=generator).double(),
        "b": torch.randn(3, 40, generator=generator).double(),
    }
    full = torch.cat([value.flatten(1) for value in weights.values()], 1)
    first = {name: value[0] for name, value in weights.items()}
    size, draws = 16, 3000
    products = torch.stack([(s := Sketch(first, size, seed)(weights)) @ s.T for seed in range(draws)])
    exact = full @ full.T
    norms = full.square().sum(1)
    bound = (norms[:, None] * norms + exact**2) / size
    error = (products.mean(0) - exact).abs() / products.std(0) * draws**0.5
    assert error.max() < 4.5
    assert (products.var(0) < 1.15 * bound).all()
    assert (products.var(0) > 0.5 * bound).all()


@pytest.mark.slow
@both
def test_sketched_tracin_nears_the_exact_one(architecture: Callable[[], nn.Module]) -> None:
    models = [build(architecture, seed) for seed in (0, 1)]
    example, target = examples(9), examples(5, seed=1)
    exact = whole(tracin(models, RATES, *example, *target))
    draws = np.stack(
        [whole(tracin(models, RATES, *example, *target, sketch=64, seed=100 * s, block=2)) for s in range(60)]
    )
    error = np.abs(draws.mean(0) - exact) / (draws.std(0, ddof=1) / np.sqrt(60))
    assert error.max() < 5
    near = whole(tracin(models, RATES, *example, *target, sketch=1 << 18))
    np.testing.assert_allclose(near, exact, atol=0.02 * np.abs(exact).max())
    again = whole(tracin(models, RATES, *example, *target, sketch=64, seed=100))
    np.testing.assert_allclose(again, draws[1], rtol=1e-9, atol=1e-12)


class Logistic(nn.Module):
    """Two classes, logits (0, w.x): the log odds of class 1 are w.x."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([torch.zeros(len(x), dtype=x.dtype), x @ self.weight], 1)


def test_trak_of_a_linear_model_is_its_closed_form() -> None:
    """For log odds s w.x with s = +-1: z's'(X'X)^-1 s x (1 - p), with p the probability of the label."""
    rng = np.random.default_rng(0)
    x, z, w = rng.normal(size=(40, 6)), rng.normal(size=(9, 6)), rng.normal(size=6)
    y, t = rng.integers(0, 2, 40), rng.integers(0, 2, 9)
    s, r = 2 * y - 1, 2 * t - 1
    doubt = 1 / (1 + np.exp(s * (x @ w)))
    expected = (x * s[:, None] * doubt[:, None]) @ np.linalg.inv(x.T @ x) @ (z * r[:, None]).T
    parts = [torch.from_numpy(part) for part in (x, y, z, t)]
    found = whole(trak([Logistic(torch.from_numpy(w))], *parts, sketch=None, block=4))
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)


def test_trak_of_a_linear_model_is_nearly_one_newton_step_without_the_example() -> None:
    """At the optimum of a ridge-free logistic fit, with flat curvature, removal moves the log odds by about its value."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 3))
    y = (rng.random(400) < 1 / (1 + np.exp(-0.3 * x[:, 0]))).astype(np.int64)

    def fit(keep: np.ndarray) -> np.ndarray:
        w = np.zeros(3)
        for _ in range(30):
            p = 1 / (1 + np.exp(-x[keep] @ w))
            w -= np.linalg.solve((x[keep] * (p * (1 - p))[:, None]).T @ x[keep], x[keep].T @ (p - y[keep]))
        return w

    everyone = np.ones(400, bool)
    full, moved = fit(everyone), []
    for left_out in range(30):
        keep = everyone.copy()
        keep[left_out] = False
        moved.append(x[:5] @ (full - fit(keep)) * (2 * y[:5] - 1))
    parts = [torch.from_numpy(part) for part in (x, y, x[:5], y[:5])]
    found = whole(trak([Logistic(torch.from_numpy(full))], *parts, sketch=None))[:30]
    assert np.corrcoef(found.ravel(), np.array(moved).ravel())[0, 1] > 0.99
    np.testing.assert_allclose(4 * found, np.array(moved), atol=0.12 * np.abs(moved).max())  # p (1 - p) is about 1/4


@both
def test_trak_of_several_models_and_a_sketch_equals_its_formula(architecture: Callable[[], nn.Module]) -> None:
    models, (example, target) = [build(architecture, seed) for seed in (0, 1)], (examples(30), examples(4, seed=1))
    hat, doubt = 0, 0
    for number, model in enumerate(models):
        weights = dict(model.named_parameters())
        matrix = Sketch(weights, 8, 5 + number)
        shapes = list(weights.items())

        def short(rows: Tensor, matrix: Sketch = matrix, shapes: list = shapes) -> Tensor:
            parts = rows.split([weight.numel() for _, weight in shapes], 1)
            return matrix({name: part for (name, _), part in zip(shapes, parts, strict=True)})

        phi, other = short(slopes(model, example, odds=True)), short(slopes(model, target, odds=True))
        hat = hat + phi @ torch.linalg.inv(phi.T @ phi) @ other.T / 2
        p = model(example[0]).softmax(1).gather(1, example[1][:, None])
        doubt = doubt + (1 - p) / 2
    found = whole(trak(models, *example, *target, sketch=8, seed=5))
    np.testing.assert_allclose(found, (doubt * hat).detach(), rtol=1e-6, atol=1e-9)


@both
def test_models_are_untouched(architecture: Callable[[], nn.Module]) -> None:
    model, example, target = build(architecture), examples(30), examples(4, seed=1)
    for ask in (
        lambda: tracin([model], [1.0], *example, *target),
        lambda: tracin([model], [1.0], *example, *target, sketch=16),
        lambda: trak([model], *example, *target, sketch=16),
    ):
        with untouched(model):
            value = whole(ask())
        assert np.isfinite(value).all()
        assert value.shape == (30, 4)


@pytest.mark.usefixtures("unchecked_shapes")
def test_refusals() -> None:
    model, part = build(ARCHITECTURES[1]), examples(6)
    with pytest.raises(InvalidData, match=r"given 1 models and 2 learning rates\. Give one per checkpoint\."):
        tracin([model], RATES, *part, *part)
    with pytest.raises(InvalidData, match=r"block=0 and sketch=None\. Give 1 or more\."):
        tracin([model], [1.0], *part, *part, block=0)
    with pytest.raises(InvalidData, match=r"given no model\. Give one or more"):
        trak([], *part, *part)
    with pytest.raises(InvalidData, match=r"6 training examples by 6 numbers each\. Take a smaller sketch"):
        trak([model], *part, *part, sketch=6)
    with pytest.raises(InvalidData, match=r"sketch=0\. Give"):
        trak([model], *part, *part, sketch=0)
    with pytest.raises(InvalidData, match="`labels` has 2 along the axis example, and `inputs` has 6"):
        whole(tracin([model], [1.0], part[0], part[1][:2], *part))
    nobody = part[0][:0], part[1][:0]
    assert whole(tracin([model], [1.0], *nobody, *part)).shape == (0, 6)
