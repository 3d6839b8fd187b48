import logging
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import byrote.training.planning
from byrote.errors import ByroteError
from byrote.task.recipe import Recipe
from byrote.training.engine import Engine
from byrote.training.hardware import has_bf16
from byrote.training.loop import train
from byrote.training.needs import needs
from byrote.training.planning import choose
from people import CLASSES, FEATURES, people, perceptron

RECIPE = Recipe(epochs=1, batch_size=8)


def hidden(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, width), nn.ReLU(), nn.Linear(width, CLASSES))


class Branches(nn.Module):
    """What it does depends on the numbers it sees, which a stack cannot do."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(FEATURES, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        logits = self.layer(x)
        return logits if logits.sum() > 0 else -logits


def test_what_is_recorded() -> None:
    engine = Engine("cuda:1", "bf16", "medium", 8, 10**9)
    assert engine.values() == {"device": "cuda:1", "precision": "bf16", "matmul": "medium", "pack": 8}


@pytest.mark.parametrize(
    ("model", "runs", "pack"),
    [
        (perceptron, 400, 16),
        (perceptron, 128, 16),
        (perceptron, 40, 5),
        (perceptron, 15, 1),
        (perceptron, 1, 1),
        (partial(hidden, 7000), 400, 16),
        (partial(hidden, 8000), 400, 1),
    ],
)
def test_small_models_are_packed_on_a_cpu_when_there_are_many(
    model: Callable[[], nn.Module], runs: int, pack: int
) -> None:
    """Up to 65,536 weights: 9 a unit here; in 8 packs or more."""
    engine = choose(model, people(), RECIPE, runs=runs, memory=10**10)
    assert engine.pack == pack
    assert engine.memory == needs(model, people(), RECIPE, "cpu").bytes(pack)
    assert engine == choose(model, people(), RECIPE, runs=runs, memory=10**10)


def test_models_that_keep_much_are_not_packed_on_a_cpu() -> None:
    """A MB of activations: 2,000 units of 4 bytes, twice, for 100 examples."""
    population = people(200)
    assert choose(partial(hidden, 2000), population, Recipe(batch_size=10), runs=400).pack == 16
    assert choose(partial(hidden, 2000), population, Recipe(batch_size=150), runs=400).pack == 1


def test_memory_bounds_the_pack() -> None:
    need = needs(perceptron, people(), RECIPE, "cpu")
    assert choose(perceptron, people(), RECIPE, runs=400, memory=need.bytes(3)).pack == 3
    assert choose(perceptron, people(), RECIPE, runs=400, memory=need.bytes(4) - 1).pack == 3
    assert choose(perceptron, people(), RECIPE, runs=400, memory=need.bytes(1)).memory == need.bytes(1)


def test_a_model_that_does_not_fit_is_refused_with_the_figures() -> None:
    with pytest.raises(ByroteError, match=r"one model takes about 3\d\d MB, but 200 MB may be used\. Use a smaller"):
        choose(perceptron, people(), RECIPE, runs=4, memory=200_000_000)


def test_a_model_that_cannot_be_stacked_is_trained_alone_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "byrote"):
        assert choose(Branches, people(), RECIPE, runs=8).pack == 1
        assert not caplog.records
        assert choose(Branches, people(), RECIPE, runs=400).pack == 1
    (record,) = caplog.records
    assert "cannot be trained in packs" in record.getMessage()
    assert "control flow" in record.getMessage()


@pytest.mark.parametrize("asked", ["fp32", "bf16"])
def test_the_precision_that_is_asked_for(asked: Literal["fp32", "bf16"]) -> None:
    assert choose(perceptron, people(), RECIPE, precision=asked, runs=1).precision == asked


def test_the_precision_is_bf16_by_itself_only_where_that_is_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    broad = partial(hidden, 8000)
    assert choose(broad, people(), RECIPE, runs=1).precision == ("bf16" if has_bf16("cpu") else "fp32")
    for fast in (True, False):  # one of the two is not this machine
        monkeypatch.setattr(byrote.training.planning, "has_bf16", lambda device, fast=fast: fast)
        assert choose(broad, people(), RECIPE, runs=1).precision == ("bf16" if fast else "fp32")
        assert choose(broad, people(), RECIPE, runs=1, precision="fp32").precision == "fp32"
        assert choose(perceptron, people(), RECIPE, runs=1).precision == "fp32"


class Attends(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.last = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        words = x[..., None].expand(-1, -1, 4)
        return self.last(self.layer(words, words, words, need_weights=False)[0].mean(1))


def test_fused_attention_is_left_the_products_it_is_fast_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byrote.training.planning, "fastest_matmul", lambda device: "medium")  # as on other processors
    assert choose(perceptron, people(), RECIPE, runs=1).matmul == "medium"
    assert choose(Attends, people(), RECIPE, runs=1).matmul == "highest"


def test_choosing_changes_nothing_of_the_callers() -> None:
    before = torch.get_rng_state(), torch.get_num_threads(), torch.get_float32_matmul_precision()
    choose(perceptron, people(), RECIPE, runs=400)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (torch.get_num_threads(), torch.get_float32_matmul_precision()) == before[1:]


def test_what_is_chosen_trains() -> None:
    population = people()
    engine = choose(perceptron, population, RECIPE, runs=40)
    (steps,) = train(perceptron, population, np.ones((5, len(population)), np.bool_), RECIPE, range(5), engine)
    assert len(steps) == engine.pack


def test_the_module_costs_a_command_nothing() -> None:
    code = "import sys, byrote.training.engine; print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path("/"))
    assert said.stdout == "False\n"
