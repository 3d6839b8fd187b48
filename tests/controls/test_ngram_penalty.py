"""N-gram penalty against a loop over n-grams."""

import math

import numpy as np
import pytest
import torch

from byrote.controls import ngram_penalty
from byrote.controls.ngram_penalty import excess
from byrote.errors import InvalidData
from byrote.objectives import Tokens
from byrote.task.methods import Batch
from controls.tasks import text_task

RNG = np.random.default_rng(0)


def by_hand(log_p: list[float], there: list[bool], n: int, reference: list[float]) -> float:
    found = [
        max(0.0, float(np.mean(log_p[at : at + n])) - float(np.mean(reference[at : at + n])))
        for at in range(len(log_p) - n + 1)
        if all(there[at : at + n])
    ]
    return float(np.mean(found)) if found else 0.0


@pytest.mark.parametrize("n", [1, 2, 5, 11])
def test_excess_is_that_of_a_loop(n: int) -> None:
    log_p, other = (np.log(RNG.random((6, 10))) for _ in range(2))
    there = RNG.random((6, 10)) < 0.9
    for reference in (other, np.full((6, 10), math.log(0.3))):
        found = excess(torch.from_numpy(log_p), torch.from_numpy(there), n, torch.from_numpy(reference))
        expected = [by_hand(*row, n, ref) for row, ref in zip(zip(log_p, there, strict=True), reference, strict=True)]
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    same = excess(torch.from_numpy(log_p), torch.from_numpy(there), n, math.log(0.3))
    np.testing.assert_allclose(same, found, rtol=1e-12)


def test_the_loss_gets_the_penalty_times_the_weight_of_its_run() -> None:
    outputs = 4 * torch.randn(2, 3, 8, 5, generator=torch.Generator().manual_seed(0))
    targets = torch.from_numpy(RNG.integers(0, 5, (2, 3, 8)))
    batch = Batch(outputs, targets, torch.zeros(2, 3), slice(0, 2), 6, Tokens(5), 1)
    plain = torch.rand(2, 3)
    found = ngram_penalty(1.0, 2, 0.1).losses(plain, batch, torch.tensor([[2.0], [0.0]]))
    own = outputs.log_softmax(3).gather(3, targets.unsqueeze(3)).squeeze(3)
    penalty = excess(own, targets >= 0, 2, math.log(0.1))
    assert (penalty > 0).any()
    torch.testing.assert_close(found[0], plain[0] + 2 * penalty[0])
    assert torch.equal(found[1], plain[1])


def test_above_the_ceiling_a_weight_of_1_takes_the_pull_away() -> None:
    outputs = torch.zeros(1, 1, 6, 3)
    outputs[..., 0] = 5.0
    outputs.requires_grad_()
    targets = torch.zeros(1, 1, 6, dtype=torch.long)
    batch = Batch(outputs, targets, torch.zeros(1, 1), slice(0, 1), 1, Tokens(3), 1)
    plain = Tokens(3).losses(outputs.flatten(0, 1), targets.flatten(0, 1)).view(1, 1)
    found = ngram_penalty(1.0, 1, 0.5).losses(plain, batch, torch.tensor([[1.0]]))
    (gradient,) = torch.autograd.grad(found.sum(), outputs)
    assert float(gradient.abs().max()) < 1e-6


def test_bad_options_and_other_tasks_are_refused() -> None:
    for options in ({"n": 0}, {"ceiling": 0.0}, {"ceiling": 1.5}):
        with pytest.raises(InvalidData):
            ngram_penalty(1.0, **options)
    with pytest.raises(InvalidData, match="for language models"):
        ngram_penalty(1.0)(text_task())
