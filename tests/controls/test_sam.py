"""SAM is the two passes of its paper, for each run of a pack by itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from byrote.controls import l2, sam
from byrote.task.task import Task
from controls.by_hand import by_hand, gradients, loss_of, set_gradients, trained
from small import small_task

RHO = 0.3


def task() -> Task:
    base = small_task(epochs=2)
    return replace(base, recipe=replace(base.recipe, momentum=0.0))


def ascend(model: nn.Module, x: Tensor, y: Tensor, weight: float = 0.0) -> None:
    first = gradients(model, loss_of(model, x, y))
    norm = torch.cat([g.flatten() for g in first]).norm()
    kept = [w.detach().clone() for w in model.parameters()]
    with torch.no_grad():
        for w, g in zip(model.parameters(), first, strict=True):
            w += RHO * g / norm
    second = gradients(model, loss_of(model, x, y))
    with torch.no_grad():
        for w, before in zip(model.parameters(), kept, strict=True):
            w.copy_(before)
    set_gradients(model, [g + weight * w.detach() for g, w in zip(second, model.parameters(), strict=True)])


def test_it_is_what_the_paper_says_alone_and_in_a_pack() -> None:
    changed = sam(RHO)(task())
    expected = by_hand(task(), ascend)
    np.testing.assert_allclose(trained(changed)[0], expected, rtol=1e-3, atol=1e-4)
    together = trained(changed, 3)
    for run in range(3):
        np.testing.assert_allclose(together[run], by_hand(task(), ascend, 5 + run), rtol=2e-3, atol=1e-3)


def test_penalties_are_no_part_of_the_ascent() -> None:
    changed = l2(0.1)(sam(RHO)(task()))
    expected = by_hand(task(), lambda *given: ascend(*given, weight=0.1))
    np.testing.assert_allclose(trained(changed)[0], expected, rtol=1e-3, atol=1e-4)


def test_dropout_switches_off_the_same_units_in_both_passes() -> None:
    """With a step that moves no weight visibly, the second gradient is the first only if the masks are the same."""

    def network() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 4))

    base = replace(task(), model=network)
    np.testing.assert_allclose(trained(sam(1e-9)(base)), trained(base), rtol=1e-4)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(trained(base), trained(task()), rtol=1e-4)
