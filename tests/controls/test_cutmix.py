"""CutMix against a loop over the authors' formula."""

import numpy as np
import pytest
import torch

from byrote.controls import cutmix, mixup
from byrote.controls.cutmix import rectangle
from byrote.errors import InvalidData
from controls.tasks import table_task
from small import small_task


def authors_rectangle(height: int, width: int, share: float, middle: tuple[int, int]) -> tuple[int, int, int, int]:
    """`rand_bbox` of github.com/clovaai/CutMix-PyTorch, with the middle given."""
    ratio = np.sqrt(1.0 - share)
    tall, wide = int(height * ratio), int(width * ratio)
    down, right = middle
    return (
        int(np.clip(down - tall // 2, 0, height)),
        int(np.clip(down + tall // 2, 0, height)),
        int(np.clip(right - wide // 2, 0, width)),
        int(np.clip(right + wide // 2, 0, width)),
    )


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_the_rectangle_is_that_of_the_authors(share: float) -> None:
    corners = {rectangle(6, 9, share, seed) for seed in range(500)}
    assert corners == {authors_rectangle(6, 9, share, (down, right)) for down in range(6) for right in range(9)}


@pytest.mark.parametrize("shape", [(12, 8, 10), (12, 3, 8, 10)])
def test_pictures_hold_their_partners_rectangle_and_the_share_is_that_of_the_rest(shape: tuple[int, ...]) -> None:
    pictures = torch.arange(12.0).view(-1, *[1] * (len(shape) - 1)).expand(shape)
    seen: set[float] = set()
    for seed in range(20):
        mixed, partner, share = cutmix(1.0).mix(pictures, 1.0, seed)
        assert sorted(partner.tolist()) == list(range(12))
        for i in range(12):
            own, other = (mixed[i] == i), (mixed[i] == partner[i])
            assert (own | other).all()
            if partner[i] != i:
                assert own.float().mean() == pytest.approx(share[i].item(), abs=1e-6)
                plane = other if other.ndim == 2 else other[0]
                assert plane.sum() == plane.any(0).sum() * plane.any(1).sum()
        seen.add(share[0].item())
    assert len(seen) > 10
    assert torch.equal(pictures[5], torch.full(shape[1:], 5.0)), "the batch itself stays"


def test_a_second_control_that_mixes_is_refused() -> None:
    base = small_task()
    for first, second in ((mixup(1.0), cutmix(1.0)), (cutmix(1.0), mixup(1.0))):
        with pytest.raises(InvalidData, match="both mix the examples of a batch"):
            second(first(base))
    with pytest.raises(InvalidData, match="set the same thing"):
        mixup(0.5)(mixup(1.0)(base))


def test_other_inputs_are_refused() -> None:
    with pytest.raises(InvalidData, match=r"cutmix.* is for pictures, and an input of 'table' is a table"):
        cutmix(1.0)(table_task())
