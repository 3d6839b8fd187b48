"""The losses and penalties of the controls in a loop of one's own are those of a recipe."""

import pytest
import torch
from torch.nn import functional

from byrote.controls import early_learning_regularization, l1, l2, label_smoothing, trim
from byrote.controls.own_loop import Loss, penalty
from byrote.errors import InvalidData
from byrote.task.schedule import linear
from byrote.task.signals import Signals
from controls.batches import NUMBER, batch, strengths


def test_a_loss_is_the_mean_of_its_methods_one_after_the_other() -> None:
    plain, given = batch(runs=slice(0, 1))
    both = label_smoothing(0.2), trim(0.5)
    expected = both[1].losses(both[0].losses(plain, given, strengths(0.2)), given, strengths(0.5)).mean()
    torch.testing.assert_close(Loss(*both)(given.outputs[0], given.targets[0]), expected)
    torch.testing.assert_close(Loss()(given.outputs[0], given.targets[0]), plain.mean())


def test_a_schedule_follows_the_progress() -> None:
    z, y = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])
    found = Loss(label_smoothing(linear(0.4)))(z, y, progress=0.75)
    torch.testing.assert_close(found, functional.cross_entropy(z, y, label_smoothing=0.1))


def test_what_is_kept_of_examples_is_kept_from_batch_to_batch() -> None:
    loss, state = Loss(early_learning_regularization(2.0), number=NUMBER), {}
    for seed in range(4):
        plain, given = batch(seed, state, slice(0, 1))
        expected = early_learning_regularization(2.0).losses(plain, given, strengths(2.0)).mean()
        torch.testing.assert_close(loss(given.outputs[0], given.targets[0], given.positions[0]), expected)
    with pytest.raises(InvalidData, match="Give `positions`"):
        loss(given.outputs[0], given.targets[0])


def test_other_objectives_have_their_own_loss() -> None:
    found = Loss(trim(0.5), objective="multilabel")(torch.zeros(4, 2), torch.ones(4, 2))
    assert float(found) == pytest.approx(0.6931, abs=1e-3)


def test_penalties_are_of_what_is_trained() -> None:
    model = torch.nn.Linear(4, 3)
    model.bias.requires_grad_(False)
    w = model.weight.detach()
    found = penalty(model.parameters(), l1(0.1), l2(linear(0.4)), progress=0.5)
    torch.testing.assert_close(found.detach(), 0.1 * w.abs().sum() + 0.1 * w.square().sum())


def test_what_is_no_loss_and_what_reads_signals_is_refused() -> None:
    with pytest.raises(InvalidData, match="does not change the loss of a batch"):
        Loss(l2(0.1))  # type: ignore[arg-type]

    def controller(signals: Signals) -> float:
        return 0.1

    with pytest.raises(InvalidData, match="Give a number or a schedule"):
        Loss(label_smoothing(controller))(torch.zeros(2, 3), torch.tensor([0, 1]))
