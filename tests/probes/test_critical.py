"""Critical samples: a loop over examples, networks whose boundary is known, the units, the predicted label."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from byrote.errors import InvalidData
from byrote.probes import critical
from probes.networks import ARCHITECTURES, build, examples, perceptron


class Border(nn.Module):
    """Two classes with a plane through 0 between them."""

    def __init__(self, weight: list[float]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        side = x.flatten(1) @ self.weight
        return torch.stack([side, -side], 1)


class Spy(nn.Module):
    """Classes that never change, and the farthest point it was asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.farthest, self.calls = 0.0, 0

    def forward(self, x: Tensor) -> Tensor:
        self.farthest, self.calls = max(self.farthest, x.detach().abs().max().item()), self.calls + 1
        return torch.stack([10 + 0.01 * x.sum(1), x.sum(1) * 0], 1)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("seed", [0, 4])
def test_equals_a_loop(architecture: Callable[[], nn.Module], seed: int) -> None:
    model, (inputs, labels) = build(architecture), examples(30)
    generator = torch.Generator().manual_seed(seed)
    noise = [torch.randn(inputs.shape[1:], generator=generator).double() for _ in range(8)]
    expected = []
    for x in inputs:
        first = model(x[None]).argmax()
        moved, found = x.clone(), 0.0
        for eta in noise:
            leaf = moved.clone().requires_grad_()
            own = model(leaf[None])[0].log_softmax(0)[first]
            moved = moved - 0.025 * torch.autograd.grad(own, leaf)[0].sign() + 0.02 * eta
            moved = torch.maximum(torch.minimum(moved, x + 0.03), x - 0.03)
            if model(moved[None]).argmax() != first:
                found = 1.0
                break
        expected.append(found)
    found = critical(model, inputs, labels, scale=0.1, max_iter=8, seed=seed)
    assert found.tolist() == expected
    assert 0 < sum(expected) < 30


@pytest.mark.parametrize(("share", "answer"), [(0.5, 1.0), (0.999, 1.0), (1.001, 0.0), (2.0, 0.0)])
def test_a_plane_is_found_within_the_radius_and_not_beyond(share: float, answer: float) -> None:
    """Without noise the search goes to the corner of the box, which is at radius x the l1 norm of the weights."""
    weight = [1.0, -2.0, 0.5, 3.0]
    x = torch.zeros(1, 4, dtype=torch.float64)
    x[0, 0] = share * 0.3 / 255 * 6.5
    for sign in (1, -1):
        assert critical(Border(weight), sign * x, torch.tensor([0]), beta=0.0).item() == answer
    if share in (0.5, 1.001):
        assert critical(Border(weight), x, torch.tensor([0])).item() == answer
    stretched = critical(Border(weight), x * 1000, torch.tensor([0]), beta=0.0, scale=1000 / 255)
    assert stretched.item() == answer


def test_the_box_is_in_pixel_units() -> None:
    spy = Spy()
    zeros = torch.zeros(3, 20, dtype=torch.float64)
    assert critical(spy, zeros, torch.zeros(3, dtype=torch.int64)).tolist() == [0, 0, 0]
    assert spy.farthest == pytest.approx(0.3 / 255)
    spy = Spy()
    critical(spy, zeros, torch.zeros(3, dtype=torch.int64), radius=5.0, scale=1.0, max_iter=40)
    assert spy.farthest == pytest.approx(5)
    assert spy.calls == 1 + 2 * 40


def test_the_first_step_is_alpha_times_the_sign() -> None:
    spy = Spy()
    critical(spy, torch.zeros(1, 5, dtype=torch.float64), torch.tensor([0]), beta=0.0, scale=1.0, max_iter=1)
    assert spy.farthest == pytest.approx(0.25)


def test_noise_leaves_a_point_without_a_gradient() -> None:
    """The class changes at a distance of .1 in every direction, and x is where the gradient is 0."""

    class Ring(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            away = x.square().sum(1)
            return torch.stack([torch.full_like(away, 0.01), away], 1)

    x, label = torch.zeros(1, 3, dtype=torch.float64), torch.tensor([0])
    assert critical(Ring(), x, label, beta=0.0, scale=1.0).item() == 0
    assert critical(Ring(), x, label, scale=1.0).item() == 1


def test_it_asks_for_the_predicted_label_and_not_the_true_one() -> None:
    model, (inputs, labels) = build(perceptron), examples(20)
    found = critical(model, inputs, labels, scale=0.3)
    assert found.equal(critical(model, inputs, 2 - labels, scale=0.3))
    assert found.equal(critical(model, inputs, labels * 0 + 77, scale=0.3))
    wrong = model(inputs).argmax(1) != labels
    assert (found[wrong] == 0).any()


def test_once_critical_always_critical() -> None:
    model, (inputs, labels) = build(perceptron), examples(30)
    found = torch.stack([critical(model, inputs, labels, alpha=0.02, scale=0.5, max_iter=n) for n in (0, 1, 3, 10, 30)])
    assert (found[1:] >= found[:-1]).all()
    assert found[0].sum() == 0
    assert found[-1].sum() > found[1].sum()


@pytest.mark.parametrize(
    "options", [{"radius": 0.0}, {"scale": -1.0}, {"alpha": -0.1}, {"beta": -1.0}, {"max_iter": -1}]
)
def test_refuses_options_out_of_range(options: dict[str, float]) -> None:
    model, (inputs, labels) = build(perceptron), examples()
    with pytest.raises(InvalidData, match=r"critical was given alpha=.*Take a radius and a scale above 0"):
        critical(model, inputs, labels, **options)
