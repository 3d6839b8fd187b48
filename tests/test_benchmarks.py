"""The benchmarks follow the code: their plain loop trains, and each script can be imported."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from byrote.task.models import mlp
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))


def test_the_plain_loop_learns_with_the_schedule_of_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    from loops import dataloader_loop, rate  # pyright: ignore[reportMissingImports]

    recipe = Recipe(epochs=30, batch_size=16, optimizer="sgd", learning_rate=linear(0.1), momentum=0.9)
    assert (rate(recipe, 0.0), rate(recipe, 0.5), rate(recipe, 1.0)) == pytest.approx((0.1, 0.05, 0.0))
    torch.manual_seed(0)
    x, y = torch.randn(64, 8), torch.arange(64) % 2
    x[:, 0] += 4 * y
    model = mlp((8,), 2, width=16)
    assert sum(1 for _ in dataloader_loop(model, x, y, recipe)) == 30
    assert (model(x).argmax(1) == y).float().mean() > 0.95


def test_every_script_finds_what_it_imports() -> None:
    code = (
        f"import sys, importlib; sys.path.insert(0, {str(FOLDER)!r}); [importlib.import_module(n) for n in {SCRIPTS}]"
    )
    said = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
