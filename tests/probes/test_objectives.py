"""Probes that follow the loss of any objective, against autograd one example at a time; those of classes refuse others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from byrote.errors import InvalidData
from byrote.objectives import Multilabel, Objective, Regression
from byrote.probes import PROBES, ask, curvature, grand, input_gradient
from byrote.task.canaries import Canaries
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute

N = 6
torch.manual_seed(0)
MODEL = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()
X, TARGETS = torch.randn(N, 3).double(), torch.randn(N, 2).double()
UNITS: Any = {"mean": (0.0, 0.0), "scale": (1.0, 1.0)}
CASES: dict[str, tuple[Objective, Tensor, nn.Module]] = {
    "squared": (Regression(**UNITS), TARGETS, nn.MSELoss()),
    "huber": (Regression("huber", 0.5, **UNITS), TARGETS, nn.HuberLoss(delta=0.5)),
    "multilabel": (Multilabel(2), torch.randint(0, 2, (N, 2)).double(), nn.BCEWithLogitsLoss()),
}


@pytest.mark.parametrize("kind", CASES)
def test_gradients_are_those_of_one_example_at_a_time(kind: str) -> None:
    objective, targets, loss = CASES[kind]
    weights, inputs = [], []
    for one, target in zip(X, targets, strict=True):
        free = one.clone().requires_grad_()
        found = torch.autograd.grad(loss(MODEL(free[None]), target[None]), [free, *MODEL.parameters()])
        inputs.append(found[0].norm())
        weights.append(torch.cat([each.flatten() for each in found[1:]]).norm())
    torch.testing.assert_close(input_gradient(MODEL, X, targets, objective=objective), torch.stack(inputs))
    torch.testing.assert_close(grand(MODEL, X, targets, objective=objective), torch.stack(weights))
    asked = ask(grand, MODEL, X, targets, objective=objective)
    np.testing.assert_allclose(asked, torch.stack(weights).numpy(), rtol=1e-5)


@pytest.mark.parametrize("kind", CASES)
def test_curvature_is_the_change_of_the_slope(kind: str) -> None:
    """Along random signs, over a step that is not small."""
    objective, targets, loss = CASES[kind]

    def slope(at: Tensor, target: Tensor) -> Tensor:
        start = at[None].clone().requires_grad_()
        return torch.autograd.grad(loss(MODEL(start), target[None]), start)[0][0]

    signs = torch.randint(0, 2, (3,), generator=torch.Generator().manual_seed(0)).double() * 2 - 1
    expected = [
        ((slope(x + 0.1 * signs, y) - slope(x, y)) / 0.1).square().sum() for x, y in zip(X, targets, strict=True)
    ]
    found = curvature(MODEL, X, targets, vectors=1, h=0.1, objective=objective)
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-6, atol=1e-9)


def test_curvature_is_the_mean_square_of_the_hessian_times_signs() -> None:
    objective, targets, loss = CASES["squared"]
    found = curvature(MODEL, X, targets, vectors=4, h=1e-5, seed=1, objective=objective)
    generator, total = torch.Generator().manual_seed(1), torch.zeros(N).double()
    for _ in range(4):
        signs = torch.randint(0, 2, (3,), generator=generator).double() * 2 - 1
        for at in range(N):
            hessian: Any = torch.autograd.functional.hessian(
                lambda one, at=at: loss(MODEL(one[None]), targets[at][None]), X[at]
            )
            total[at] += (hessian @ signs).square().sum() / 4
    torch.testing.assert_close(found, total, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", [name for name, probe in PROBES.items() if not probe.objectives])
def test_probes_of_classes_refuse_a_regression_before_anything_is_trained(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=f"{name}.*regression"):
        ask(PROBES[name], MODEL, X, TARGETS, objective=CASES["squared"][0])
    with pytest.raises(InvalidData, match=f"{name}.*regression"):
        collect(
            regression(), tmp_path / "record", runs=2, canaries=Canaries(), probes=[name], compute=Compute(workers=1)
        )
    assert not list((tmp_path / "record").glob("runs/*"))


def regression() -> Task:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 3)).astype(np.float32)
    return Task(
        lambda: nn.Linear(3, 1),
        Examples(x, 50 + 9 * x[:, 0]),
        None,
        Recipe(epochs=1, batch_size=5),
        objective="regression",
    )


def test_probes_of_the_loss_are_columns_of_a_regression(tmp_path: Path) -> None:
    probes = ["grand", "input_gradient", "curvature"]
    record = collect(regression(), tmp_path, runs=2, canaries=Canaries(), probes=probes, compute=Compute(workers=1))
    for name in probes:
        assert np.isfinite(record.at_step(0, name, 1)).all()
