"""Early-learning regularization against the authors' formulas, written as a loop over examples."""

import pytest
import torch

from byrote.controls import early_learning_regularization
from byrote.errors import InvalidData
from controls.batches import CLASSES, NUMBER, RUNS, batch, strengths


def test_it_is_the_authors_loop_over_several_batches() -> None:
    weight, momentum, state = 3.0, 0.7, {}
    control = early_learning_regularization(weight, momentum)
    known = torch.zeros(RUNS, NUMBER, CLASSES)
    for seed in range(6):
        plain, given = batch(seed, state)
        found = control.losses(plain, given, strengths(weight, 2 * weight))
        for run in range(RUNS):
            for at, where in enumerate(given.positions[run]):
                p = given.outputs[run, at].softmax(0).clamp(1e-4, 1 - 1e-4)
                known[run, where] = momentum * known[run, where] + (1 - momentum) * (p / p.sum()).detach()
                expected = plain[run, at] + weight * (run + 1) * (1 - (known[run, where] * p).sum()).log()
                torch.testing.assert_close(found[run, at], expected)
    torch.testing.assert_close(state["known"], known)


def test_running_means_have_no_gradient_and_pull_towards_themselves() -> None:
    """The slope of the regularization is that of log(1 - <p, t>) with t held fixed."""
    state: dict[str, torch.Tensor] = {}
    control = early_learning_regularization(1.0, 0.0)
    plain, given = batch(0, state)
    added = control.losses(plain, given, strengths(1.0, 1.0)) - plain
    (slope,) = torch.autograd.grad(added.sum(), given.outputs)
    z = given.outputs.detach().requires_grad_()
    t = z.detach().softmax(-1)
    (expected,) = torch.autograd.grad((1 - (z.softmax(-1) * t).sum(-1)).log().sum(), z)
    torch.testing.assert_close(slope, expected, rtol=1e-3, atol=1e-4)


def test_runs_that_come_in_parts_keep_their_own_means() -> None:
    """In a pack, runs whose batches differ in size come one part after the other."""
    control, apart, together = early_learning_regularization(1.0), {}, {}
    for seed in range(3):
        plain, given = batch(seed, together)
        control.losses(plain, given, strengths(1.0, 1.0))
        for run in range(RUNS):
            part = type(given)(
                given.outputs[run : run + 1], given.targets[run : run + 1], given.positions[run : run + 1],
                slice(run, run + 1), NUMBER, given.objective, 1, apart,
            )  # fmt: skip
            control.losses(plain[run : run + 1], part, strengths(1.0))
    torch.testing.assert_close(apart["known"], together["known"])


def test_a_momentum_that_forgets_nothing_is_refused() -> None:
    with pytest.raises(InvalidData, match="0 or more and below 1"):
        early_learning_regularization(1.0, 1.0)
