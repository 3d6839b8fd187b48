import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from byrote.task.recipe import Recipe
from byrote.training.updates import Optimizer

SHAPES = ((5, 3), (4,), (2, 2))


def weights() -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(shape).requires_grad_() for shape in SHAPES]


def gradients(step: int, missing: int | None) -> list[Tensor | None]:
    random = torch.Generator().manual_seed(step)
    return [None if i == missing else torch.randn(shape, generator=random) for i, shape in enumerate(SHAPES)]


@pytest.mark.parametrize("missing", [None, 1])
@pytest.mark.parametrize("change", [{"optimizer": "sgd"}, {"optimizer": "sgd", "momentum": 0.0}, {}], ids=str)
def test_same_bits_as_torch_optim(change: dict[str, Any], missing: int | None) -> None:
    recipe, ours, theirs = Recipe(**change), weights(), weights()
    optimizer = Optimizer(ours, recipe)
    reference: torch.optim.Optimizer = (
        torch.optim.AdamW(theirs, fused=True)
        if recipe.optimizer == "adamw"
        else torch.optim.SGD(theirs, momentum=recipe.momentum, fused=True)
    )
    for step in range(5):
        knobs = {"lr": 0.1 / (step + 1), "weight_decay": 0.01 * step}
        for mine, other, gradient in zip(ours, theirs, gradients(step, missing), strict=True):
            mine.grad = other.grad = gradient
        optimizer.update([knobs["lr"]], [knobs["weight_decay"]])
        reference.param_groups[0].update(knobs)
        reference.step()
        assert all(weight.grad is None for weight in ours)
    assert all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))
    assert [torch.equal(*pair) for pair in zip(ours, weights(), strict=True)] == [i == missing for i in range(3)]


@pytest.mark.slow
def test_no_process_imports_the_compiler() -> None:
    code = (
        "import sys, numpy, torch, people\n"
        "from byrote.training.engine import Engine\n"
        "from byrote.task.recipe import Recipe\n"
        "from byrote.training.loop import train\n"
        "for optimizer in ('sgd', 'adamw'):\n"
        "    for runs in (1, 2):\n"
        "        member = numpy.ones((runs, len(people.people())), bool)\n"
        "        recipe = Recipe(epochs=1, optimizer=optimizer, learning_rate=0.01)\n"
        "        list(train(people.noisy, people.people(), member, recipe, list(range(runs)), Engine()))\n"
        "print('torch._dynamo' in sys.modules)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent
    )
    assert said.stdout == "False\n"


def test_checking_a_usual_optimizer_imports_no_symbolic_mathematics() -> None:
    code = """
import sys, torch
from byrote.task.recipe import Recipe
from byrote.training.updates import check_optimizer
for name in ("sgd", "adamw"):
    check_optimizer(Recipe(optimizer=name), [torch.nn.Parameter(torch.zeros(3))])
print("sympy" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
