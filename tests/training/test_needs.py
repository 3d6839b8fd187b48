import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from byrote.task.recipe import Recipe
from byrote.training.needs import needs
from people import CLASSES, FEATURES, people, perceptron

HIDDEN = 16


def test_what_a_perceptron_keeps_is_counted_exactly() -> None:
    """The inputs, the rectified units and the log-probabilities in fp32, the labels, and one number of the loss."""
    batch = 24
    found = needs(perceptron, people(), Recipe(batch_size=batch), "cpu")
    assert found.activations == batch * 4 * (FEATURES + HIDDEN + CLASSES + 2) + 4
    assert found.weights == FEATURES * HIDDEN + HIDDEN + HIDDEN * CLASSES + CLASSES
    assert not found.attention


def test_a_batch_is_no_larger_than_everyone() -> None:
    population = people()
    large, all_of_them = (needs(perceptron, population, Recipe(batch_size=b), "cpu") for b in (10_000, len(population)))
    assert large == all_of_them


def test_each_model_costs_the_same_and_the_data_are_shared() -> None:
    population = people()
    found = needs(perceptron, population, Recipe(), "cpu")
    assert found.bytes(5) - found.bytes(4) == found.model > 0
    wide = population.with_inputs(np.repeat(population.inputs, 100, axis=1))
    wider = needs(
        lambda: nn.Sequential(nn.Linear(100 * FEATURES, HIDDEN), nn.Linear(HIDDEN, CLASSES)), wide, Recipe(), "cpu"
    )
    assert wider.process - found.process > 2 * 4 * (wide.inputs.size - population.inputs.size)


@pytest.mark.parametrize(
    ("change", "states"), [({}, 2), ({"optimizer": "sgd"}, 1), ({"optimizer": "sgd", "momentum": 0.0}, 0)]
)
def test_the_optimizer_counts(change: dict[str, str | float], states: int) -> None:
    plain, without = (
        needs(perceptron, people(), Recipe(**options), "cpu")  # type: ignore[arg-type]
        for options in (change, {"optimizer": "sgd", "momentum": 0.0})
    )
    assert plain.model - without.model == states * 4 * plain.weights


class Attends(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.last = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        words = x[..., None].expand(-1, -1, 4)
        return self.last(self.layer(words, words, words, need_weights=False)[0].mean(1))


def test_fused_attention_is_noticed() -> None:
    assert needs(Attends, people(), Recipe(), "cpu").attention


def test_the_callers_random_state_is_left_as_it_was() -> None:
    before = torch.get_rng_state()
    needs(perceptron, people(), Recipe(), "cpu")
    assert torch.equal(torch.get_rng_state(), before)


CASES = {
    "many activations": ("filters", 200, 1),
    "many activations, packed": ("filters", 64, 3),
    "many weights": ("broad", 64, 1),
}
"""On a CPU a model of so many weights is trained alone: packed, it leaves holes in the heap, up to 0.8 of the estimate."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("case", CASES)
def test_the_estimate_is_near_the_measured_peak(case: str) -> None:
    """Within a factor of 1.5 of the largest resident set of a process that trains so. Seen: 0.9 to 1.2."""
    code = (Path(__file__).parent.parent / "peak_memory.py").name
    options = json.dumps(CASES[case])
    said = subprocess.run(
        [sys.executable, code, options], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent
    )
    estimate, peak = json.loads(said.stdout)
    assert 1 / 1.5 < estimate / peak < 1.5
