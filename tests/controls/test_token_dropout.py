"""Token dropout: ids only, at the rate, from the seed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from byrote.controls import token_dropout
from byrote.errors import InvalidData
from byrote.task.examples import Examples
from controls.tasks import signal_task, text_task

IDS = torch.randint(2, 50, (300, 12), generator=torch.Generator().manual_seed(0))


def test_ids_are_replaced_at_the_rate_by_the_token() -> None:
    thinned = token_dropout(0.2, token=1).transform(IDS, 0.2, 5)
    gone = thinned == 1
    assert gone.float().mean() == pytest.approx(0.2, abs=0.02)
    assert torch.equal(thinned[~gone], IDS[~gone])
    assert thinned.dtype == IDS.dtype
    assert torch.equal(thinned, token_dropout(0.2, token=1).transform(IDS, 0.2, 5))
    assert not torch.equal(thinned, token_dropout(0.2, token=1).transform(IDS, 0.2, 6))


def test_a_mask_beside_them_stays() -> None:
    mask = torch.ones_like(IDS)
    named = token_dropout(0.2).transform({"ids": IDS, "mask": mask}, 0.2, 5)
    assert (named["ids"] == 0).any()
    assert torch.equal(named["mask"], mask)
    real = torch.zeros(300, 12)
    placed = token_dropout(0.2).transform((real, IDS, mask), 0.2, 5)
    assert torch.equal(placed[1], named["ids"])
    assert placed[0] is real
    assert placed[2] is mask


def test_what_has_no_token_ids_is_refused() -> None:
    with pytest.raises(
        InvalidData, match=r"is for token ids, and an input of 'signal' is a signal. Use signal_augment"
    ):
        token_dropout(0.1)(signal_task())
    with pytest.raises(InvalidData, match="whole number, 0 or more"):
        token_dropout(0.1, token=-1)
    with pytest.raises(InvalidData, match="from 0 to 1"):
        token_dropout(1.5)
    base = text_task()
    both = Examples((base.train.inputs, np.ones((64, 8), np.float32)), base.train.labels)
    assert token_dropout(0.1)(replace(base, train=both, test=None)).controls
