"""A model whose outputs depend on the batch, or on chance, has no value per example, and is refused before anything is."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from byrote import Examples, Task, collect
from byrote.errors import InvalidData
from byrote.probes import PROBES, ask
from byrote.probes._same_answers import check_same_answers


def network(norm: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 32), norm, nn.ReLU(), nn.Linear(32, 2)).eval()


class Noisy(nn.Module):
    """Forgets to switch its dropout off."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(6, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.last(dropout(inputs))


def batch(count: int = 50) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, 6, generator=generator) * 3, torch.zeros(count, dtype=torch.int64)


UNFIT = [
    pytest.param(
        lambda: network(nn.BatchNorm1d(32, track_running_stats=False)), "track_running_stats=True", id="batch"
    ),
    pytest.param(lambda: Noisy().eval(), "training=self.training", id="dropout"),
]


@pytest.mark.parametrize(("make", "advice"), UNFIT)
@pytest.mark.parametrize("name", list(PROBES))
def test_a_probe_refuses_it(name: str, make: Callable[[], nn.Module], advice: str) -> None:
    model, before = make(), torch.get_rng_state()
    with pytest.raises(InvalidData, match=re.escape(advice)):
        ask(PROBES[name], model, *batch())
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(("make", "advice"), UNFIT)
def test_collect_refuses_it_before_training(tmp_path: Path, make: Callable[[], nn.Module], advice: str) -> None:
    rng = np.random.default_rng(0)
    train, test = (Examples(rng.normal(size=(n, 6)).astype(np.float32), rng.integers(0, 2, n)) for n in (20, 8))
    with pytest.raises(InvalidData, match=re.escape(advice)):
        collect(Task(make, train, test), tmp_path / "record", runs=2)


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(32), nn.LayerNorm(32), nn.GroupNorm(4, 32), nn.Dropout()])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 50])
def test_a_model_that_answers_for_each_example_passes(norm: nn.Module, count: int) -> None:
    check_same_answers(network(norm), batch(count)[0])


def test_values_are_those_of_any_other_batch() -> None:
    model, (inputs, labels) = network(nn.BatchNorm1d(32)), batch()
    together = ask(PROBES["entropy"], model, inputs, labels)
    np.testing.assert_allclose(ask(PROBES["entropy"], model, inputs, labels, batch_size=2), together, atol=1e-6)
