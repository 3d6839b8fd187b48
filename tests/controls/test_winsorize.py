"""Winsorized gradients are those of scipy, of examples and of groups."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats.mstats import winsorize as scipys
from torch import Tensor, nn

from byrote.controls import winsorize
from byrote.controls.winsorize import winsorized_mean
from byrote.errors import InvalidData
from byrote.task.task import Task
from controls.by_hand import by_hand, each_gradient, set_gradients, trained
from small import small_task


def task() -> Task:
    base = small_task(epochs=2, n=50)
    return replace(base, recipe=replace(base.recipe, momentum=0.0))


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.34, 0.5])
@pytest.mark.parametrize("count", [3, 10, 16])
def test_the_mean_is_that_of_scipy(share: float, count: int) -> None:
    values = np.random.default_rng(0).normal(size=(count, 7))
    found = winsorized_mean(torch.from_numpy(values), share)
    limit = min(share, ((count - 1) // 2) / count)
    np.testing.assert_allclose(found, scipys(values, (limit, limit), axis=0).mean(axis=0), rtol=1e-12)


def test_half_is_the_median() -> None:
    values = torch.randn(9, 4, dtype=torch.float64)
    torch.testing.assert_close(winsorized_mean(values, 0.5), values.median(0).values)


def winsorized(found: list[list[Tensor]], share: float) -> list[Tensor]:
    stacked = [torch.stack(each).numpy() for each in zip(*found, strict=True)]
    return [torch.from_numpy(np.asarray(scipys(each, (share, share), axis=0))).mean(0) for each in stacked]


def test_gradients_of_examples_are_winsorized_weight_by_weight() -> None:
    def change(model: nn.Module, x: Tensor, y: Tensor) -> None:
        set_gradients(model, winsorized(each_gradient(model, x, y), 0.2))

    np.testing.assert_allclose(trained(winsorize(0.2)(task()))[0], by_hand(task(), change), rtol=1e-3, atol=1e-4)


def test_three_groups_are_the_median_of_three() -> None:
    def change(model: nn.Module, x: Tensor, y: Tensor) -> None:
        found, group = each_gradient(model, x, y), np.arange(len(x)) * 3 // len(x)
        means = [
            [torch.stack([found[i][w] for i in np.flatnonzero(group == g)]).mean(0) for g in range(3)]
            for w in range(len(found[0]))
        ]
        set_gradients(model, [torch.stack(each).median(0).values for each in means])

    np.testing.assert_allclose(trained(winsorize(0.34, 3)(task()))[0], by_hand(task(), change), rtol=1e-3, atol=1e-4)


def test_two_groups_have_no_middle() -> None:
    with pytest.raises(InvalidData, match="3 or more"):
        winsorize(0.1, 2)
