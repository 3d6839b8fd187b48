"""Probes that follow the loss of a regression, against gradients of one example at a time; the others refuse it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from byrote.errors import ByroteError
from byrote.objectives import Regression
from byrote.probes import curvature, grand, input_gradient
from byrote.task.canaries import Canaries
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute

N = 6
OBJECTIVES = [
    Regression(mean=(0.0, 0.0), scale=(1.0, 1.0)),
    Regression(loss="huber", delta=0.5, mean=(0.0,) * 2, scale=(1.0,) * 2),
]


def made() -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    return model, torch.randn(N, 3).double(), torch.randn(N, 2).double()


def loss(objective: Regression, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    kind = nn.MSELoss() if objective.loss == "squared" else nn.HuberLoss(delta=objective.delta)
    return kind(model(x[None]), y[None])


@pytest.mark.parametrize("objective", OBJECTIVES, ids=str)
def test_gradients_are_those_of_one_example_at_a_time(objective: Regression) -> None:
    model, x, y = made()
    weights, inputs = [], []
    for one, target in zip(x, y, strict=True):
        free = one.clone().requires_grad_()
        value = loss(objective, model, free, target)
        found = torch.autograd.grad(value, [free, *model.parameters()])
        inputs.append(found[0].norm())
        weights.append(torch.cat([each.flatten() for each in found[1:]]).norm())
    torch.testing.assert_close(input_gradient(model, x, y, objective=objective), torch.stack(inputs))
    torch.testing.assert_close(grand(model, x, y, objective=objective), torch.stack(weights))


def test_curvature_is_the_mean_square_of_the_hessian_times_signs() -> None:
    model, x, y = made()
    objective = OBJECTIVES[0]
    found = curvature(model, x, y, vectors=4, h=1e-5, seed=1, objective=objective)
    generator, total = torch.Generator().manual_seed(1), torch.zeros(N).double()
    for _ in range(4):
        signs = torch.randint(0, 2, (3,), generator=generator).double() * 2 - 1
        for at in range(N):
            hessian: Any = torch.autograd.functional.hessian(
                lambda one, at=at: loss(objective, model, one, y[at]), x[at]
            )
            total[at] += (hessian @ signs).square().sum() / 4
    torch.testing.assert_close(found, total, rtol=1e-3, atol=1e-6)


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


@pytest.mark.parametrize("probe", ["entropy", "modified_entropy", "critical"])
def test_probes_of_classes_refuse_a_regression_before_anything_is_trained(probe: str, tmp_path: Path) -> None:
    with pytest.raises(ByroteError, match=f"{probe}.*regression"):
        collect(
            regression(), tmp_path / "record", runs=2, canaries=Canaries(), probes=[probe], compute=Compute(workers=1)
        )
    assert not list((tmp_path / "record").glob("runs/*"))


def test_probes_of_the_loss_are_columns_of_a_regression(tmp_path: Path) -> None:
    probes = ["grand", "input_gradient", "curvature"]
    record = collect(regression(), tmp_path, runs=2, canaries=Canaries(), probes=probes, compute=Compute(workers=1))
    for name in probes:
        assert np.isfinite(record.at_step(0, name, 1)).all()
