"""Augmentation of signals against a loop over examples."""

import numpy as np
import pytest
import torch

from byrote.controls import parse_control, signal_augment
from byrote.errors import InvalidData
from controls.tasks import table_task

SIGNALS = torch.randn(60, 3, 20, generator=torch.Generator().manual_seed(0)).cumsum(-1)


def test_a_shift_repeats_the_ends_and_all_channels_move_together() -> None:
    shifted = signal_augment(0.2, 0, 0).transform(SIGNALS, 1.0, 4)
    steps: list[int] = []
    for before, after in zip(SIGNALS, shifted, strict=True):
        found = [d for d in range(-20, 21) if torch.equal(after, before[:, np.clip(np.arange(20) - d, 0, 19)])]
        assert len(found) == 1
        steps += found
    assert (min(steps), max(steps)) == (-4, 4)
    half = signal_augment(0.2, 0, 0).transform(SIGNALS, 0.5, 4)
    assert (half != SIGNALS).flatten(1).any(1).sum() < (shifted != SIGNALS).flatten(1).any(1).sum()


def test_scale_and_noise_are_as_large_as_they_say() -> None:
    factors = (signal_augment(0, 0.3, 0).transform(SIGNALS, 1.0, 4) / SIGNALS).flatten(1)
    torch.testing.assert_close(factors, factors[:, :1].expand_as(factors))
    assert 0.7 <= factors.min() < 0.75
    assert 1.25 < factors.max() <= 1.3
    added = signal_augment(0, 0, 0.5).transform(SIGNALS, 2.0, 4) - SIGNALS
    assert added.std((0, 2)).tolist() == pytest.approx(SIGNALS.std((0, 2)).tolist(), rel=0.05)


def test_time_is_the_longest_axis_and_the_seed_says_all() -> None:
    all_three = signal_augment(0.2, 0.2, 0.2)
    first = all_three.transform(SIGNALS, 1.0, 4)
    assert torch.equal(first, all_three.transform(SIGNALS, 1.0, 4))
    assert not torch.equal(first, all_three.transform(SIGNALS, 1.0, 5))
    torch.testing.assert_close(all_three.transform(SIGNALS.transpose(1, 2), 1.0, 4), first.transpose(1, 2))
    one = all_three.transform(SIGNALS[:, 0], 1.0, 4)
    assert one.shape == (60, 20)


def test_how_it_is_written_and_refused() -> None:
    assert parse_control("signal_augment").at(0.5) == signal_augment(strength=0.5)
    with pytest.raises(InvalidData, match=r"shift=2\) means nothing. Give a number, from 0 to 1"):
        signal_augment(shift=2)
    with pytest.raises(InvalidData, match="is for signals, and an input of 'table' is a table"):
        signal_augment()(table_task())
