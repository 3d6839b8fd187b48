"""Trim is the mean loss of a batch without its largest, run by run."""

import torch

from byrote.controls import trim
from controls.batches import EXAMPLES, batch, strengths


def test_the_mean_is_that_of_the_others_and_what_is_dropped_has_no_gradient() -> None:
    plain, given = batch()
    found = trim(0.2).losses(plain, given, strengths(0.2, 0.5))
    for run, dropped in enumerate((1, 3)):
        kept = plain[run].sort().values[: EXAMPLES - dropped]
        torch.testing.assert_close(found[run].mean(), kept.mean())
        (slope,) = torch.autograd.grad(found[run].sum(), given.outputs, retain_graph=True)
        out = plain[run].argsort(descending=True)[:dropped]
        assert (slope[run][out] == 0).all()
        assert (slope[run].abs().sum(1) > 0).sum() == EXAMPLES - dropped


def test_of_equal_losses_no_more_than_the_share_is_dropped() -> None:
    _, given = batch()
    found = trim(0.5).losses(torch.ones(2, EXAMPLES), given, strengths(0.5, 0.34))
    assert (found == 0).sum(1).tolist() == [3, 2]
    torch.testing.assert_close(found.mean(1), torch.ones(2))


def test_shares_are_counted_as_written() -> None:
    """0.7 of 10 is 7, although it is less in binary."""
    _, given = batch()
    for size in (10, 100, 1000):
        found = trim(0.7).losses(torch.rand(1, size) + 1, given, strengths(0.7))
        assert int((found == 0).sum()) == size * 7 // 10
