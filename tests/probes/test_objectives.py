"""Probes that follow the loss of a regression, against autograd by hand; those of classes refuse it."""

import numpy as np
import pytest
import torch
from torch import nn

from byrote.errors import InvalidData
from byrote.objectives import Multilabel, Objective, Regression
from byrote.probes import PROBES, ask, curvature, grand, input_gradient

torch.manual_seed(0)
MODEL = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))
X = torch.randn(6, 3)
REGRESSION = Regression("huber", 0.5).fitted(np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32), 0)
CASES: list[tuple[Objective, torch.Tensor]] = [
    (REGRESSION, torch.randn(6, 2)),
    (Multilabel(2), torch.randint(0, 2, (6, 2)).float()),
]


def loss(objective: Objective, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    if objective.name == "regression":
        return nn.HuberLoss(delta=0.5)(MODEL(x), y)
    return nn.BCEWithLogitsLoss()(MODEL(x), y)


def slope(objective: Objective, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    start = x.clone().requires_grad_()
    return torch.autograd.grad(loss(objective, start, y), start)[0]


@pytest.mark.parametrize(("objective", "y"), CASES, ids=["regression", "multilabel"])
def test_gradients_are_those_of_the_loss(objective: Objective, y: torch.Tensor) -> None:
    for i in range(6):
        one = slice(i, i + 1)
        weights = torch.autograd.grad(loss(objective, X[one], y[one]), list(MODEL.parameters()))
        norm = float(torch.cat([g.flatten() for g in weights]).norm())
        assert ask(grand, MODEL, X, y, objective=objective)[i] == pytest.approx(norm, rel=1e-4)
        expected = float(slope(objective, X[one], y[one]).norm())
        assert ask(input_gradient, MODEL, X, y, objective=objective)[i] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("objective", "y"), CASES, ids=["regression", "multilabel"])
def test_curvature_is_the_change_of_the_slope(objective: Objective, y: torch.Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, (3,), generator=generator).float() * 2 - 1
    expected = [
        float(((slope(objective, X[i] + 0.01 * signs, y[i]) - slope(objective, X[i], y[i])) / 0.01).square().sum())
        for i in range(6)
    ]
    found = ask(curvature.bind(vectors=1, h=0.01), MODEL, X, y, objective=objective)
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-6)


@pytest.mark.parametrize("name", [name for name, probe in PROBES.items() if not probe.objectives])
def test_probes_of_classes_refuse_a_regression(name: str) -> None:
    with pytest.raises(InvalidData, match=f"{name}.*regression"):
        ask(PROBES[name], MODEL, X, CASES[0][1], objective=REGRESSION)
