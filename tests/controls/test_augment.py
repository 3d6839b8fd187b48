"""Augmentation: each change does what it says, from its seed alone, and other inputs are refused."""

import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from byrote.controls import augment, parse_control
from byrote.controls.augment import OPS
from byrote.errors import ByroteError, InvalidData
from byrote.task.examples import Examples
from byrote.task.schedule import linear
from byrote.task.task import Task
from controls.tasks import signal_task, table_task, text_task
from controls.test_laws import losses
from small import small_task

torch.manual_seed(0)
COLOUR, GREY = torch.rand(64, 3, 16, 16), torch.rand(64, 16, 16)
POINT = torch.zeros(400, 16, 24)
POINT[:, 8, 12] = 1


def moved(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return how far down and right the point lies from where it was, by picture."""
    where = pictures.flatten(1).argmax(1)
    return where // 24 - 8, where % 24 - 12


@pytest.mark.parametrize("op", OPS)
def test_a_change_depends_on_its_seed_alone_and_keeps_the_shape(op: str) -> None:
    for pictures in (COLOUR, COLOUR[:, :1], GREY, GREY[:1]):
        torch.manual_seed(1)
        first = augment(op).transform(pictures, 1.0, 7)
        after = torch.rand(1)
        torch.manual_seed(2)
        assert torch.equal(first, augment(op).transform(pictures, 1.0, 7))
        torch.manual_seed(1)
        assert torch.equal(after, torch.rand(1)), "the caller's random numbers go on as if nothing had been drawn"
        assert first.shape == pictures.shape
    assert not torch.equal(augment(op).transform(GREY, 1.0, 8), augment(op).transform(GREY, 1.0, 7))
    assert torch.equal(augment(op).transform(GREY, 0.0, 7), GREY)


@pytest.mark.parametrize("op", OPS)
def test_a_stronger_change_changes_more(op: str) -> None:
    pictures = torch.nn.functional.avg_pool2d(COLOUR, 5, 1, 2)
    far = [
        (augment(op).transform(pictures, strength, 7) - pictures).abs().mean().item() for strength in (0.01, 0.3, 1.0)
    ]
    assert far == sorted(far)
    assert far[-1] > 0
    assert far[0] < 0.3 * far[-1]


@pytest.mark.parametrize(("strength", "down", "right", "share"), [(1.0, 2, 3, 1.0), (2.0, 4, 6, 1.0), (0.2, 1, 1, 0.5)])
def test_crop_moves_by_whole_pixels_up_to_an_eighth(strength: float, down: int, right: int, share: float) -> None:
    cropped = augment("crop").transform(POINT, strength, 0)
    assert torch.equal(cropped.flatten(1).amax(1), torch.ones(400)), "a pixel stays as it is"
    assert torch.equal(cropped.flatten(1).sum(1), torch.ones(400)), "the rest is 0"
    y, x = moved(cropped)
    assert (y.abs().max(), x.abs().max()) == (down, right)
    stays = 1 - share + share / ((2 * down + 1) * (2 * right + 1))
    assert abs(((y == 0) & (x == 0)).float().mean() - stays) < 0.1


def test_flip_mirrors_half_of_the_pictures() -> None:
    flipped = augment("flip").transform(COLOUR, 1.0, 0)
    mirrored = (flipped == COLOUR.flip(-1)).flatten(1).all(1)
    kept = (flipped == COLOUR).flatten(1).all(1)
    assert (mirrored ^ kept).all()
    assert 20 < mirrored.sum() < 44
    assert (augment("flip").transform(COLOUR, 0.2, 0) != COLOUR).flatten(1).any(1).sum() < 15


def test_warps_are_made_in_one_go_and_within_their_limits() -> None:
    y, x = moved(augment("translate").transform(POINT, 1.0, 0))
    assert (y.abs().max() == 2) & (x.abs().max() <= 3)  # a tenth of 16 and 24, and a pixel for interpolation
    far = torch.zeros(100, 33, 33)
    far[:, 0, 16] = 1  # the tip of a hand that is 16 long
    turned = augment("rotate").transform(far, 1.0, 0)
    across = (turned.flatten(1).argmax(1) % 33 - 16).abs()
    assert across.max() == 4  # 16 sin 15 degrees
    both = augment("rotate", "crop", "scale").transform(COLOUR, 1.0, 0)
    assert not torch.equal(both, augment("rotate", "crop").transform(COLOUR, 1.0, 0))


def test_noise_is_in_standard_deviations_of_the_batch() -> None:
    added = augment("noise").transform(10 * COLOUR, 1.0, 0) - 10 * COLOUR
    assert float(added.std()) == pytest.approx(3 * float(COLOUR.std()), rel=0.02)
    assert added.mean().abs() < 0.02


def test_colour_stays_in_range_and_erase_sets_a_rectangle_to_0() -> None:
    for pictures in (COLOUR, GREY):
        tinted = augment("colour").transform(pictures, 1.0, 0)
        assert 0 <= tinted.min() < tinted.max() <= 1
        assert (tinted != pictures).flatten(1).any(1).all()
    gone = augment("erase").transform(COLOUR + 0.01, 1.0, 0) == 0
    hit = gone.flatten(1).any(1)
    assert 20 < hit.sum() < 44
    for picture in gone[hit]:
        rows, columns = picture[0].any(1).sum(), picture[0].any(0).sum()
        assert picture[0].sum() == rows * columns
        assert 0.01 < rows * columns / 256 < 0.25


def halved(batch: Any) -> Any:
    return batch / 2


def jittered(batch: Any) -> Any:
    return batch + torch.rand(1) + np.random.rand() + random.random()  # noqa: NPY002 - what others' pipelines draw from


def test_a_function_of_a_batch_is_a_change_with_the_fingerprint_of_its_code() -> None:
    own = augment(halved)
    assert torch.equal(own.transform(GREY, 1.0, 0), GREY / 2)
    some = augment(halved).transform(GREY, 0.25, 0)
    share = (some == GREY / 2).flatten(1).all(1)
    assert (share ^ (some == GREY).flatten(1).all(1)).all()
    assert 6 < share.sum() < 28
    assert str(own) == str(augment(halved))
    assert str(own) != str(augment(jittered))
    assert " at 0x" not in str(own)
    changed = augment("crop", halved)(small_task())
    assert changed.controls == (str(augment("crop", halved)),)


def test_all_sources_of_randomness_of_a_function_come_from_the_seed() -> None:
    first = augment(jittered).transform(GREY, 1.0, 3)
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    assert torch.equal(first, augment(jittered).transform(GREY, 1.0, 3))
    assert not torch.equal(first, augment(jittered).transform(GREY, 1.0, 4))
    drawn = np.random.rand(), random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    assert drawn == (np.random.rand(), random.random())  # noqa: NPY002


def test_a_function_serves_any_inputs_and_must_keep_their_shape() -> None:
    masked = augment(lambda batch: {**batch, "x": batch["x"] * 0})
    both = {"x": GREY, "y": torch.ones(64, 2)}
    found = masked.transform(both, 1.0, 0)
    assert not found["x"].any()
    assert torch.equal(found["y"], both["y"])
    assert torch.equal(both["x"], GREY)
    assert augment(halved)(table_task()).controls
    with pytest.raises(InvalidData, match=r"shape \(64, 8, 16\) of \(64, 16, 16\)"):
        augment(lambda batch: batch[:, :8]).transform(GREY, 1.0, 0)


@pytest.mark.parametrize(
    ("task", "instead"),
    [
        (table_task, "is a table. Use input_noise, feature_dropout"),
        (signal_task, "is a signal. Use signal_augment"),
        (text_task, "is text. Use token_dropout"),
    ],
)
def test_other_inputs_are_refused_with_what_to_use_instead(task: Callable[[], Task], instead: str) -> None:
    with pytest.raises(InvalidData, match=instead):
        augment("crop")(task())


def test_colours_of_pixels_beyond_0_and_1_are_refused() -> None:
    base = small_task()
    scaled = Examples(base.train.inputs.astype(np.float32) - 100, base.train.labels)
    task = Task(base.model, scaled, recipe=base.recipe)
    augment("crop", "noise")(task)
    with pytest.raises(InvalidData, match="go from -100 to 155"):
        augment("colour")(task)


def test_how_it_is_written() -> None:
    assert augment("crop", "flip") == augment(("crop", "flip")) == parse_control("augment(crop, flip)")
    assert parse_control("augment(crop)") == augment("crop")
    assert str(augment("crop", strength=linear(0.0, 1.0))) == "augment(crop, strength=linear(start=0.0, end=1.0))"
    assert augment("crop").at(0.5) == augment("crop", strength=0.5)
    with pytest.raises(ByroteError, match=r"sharpen.*crop"):
        augment("sharpen")
    with pytest.raises(InvalidData, match="changes nothing"):
        augment()


def test_a_training_is_the_same_again_whatever_was_drawn_before() -> None:
    changed = augment("crop", "noise", jittered, strength=0.5)(small_task())
    torch.manual_seed(1)
    first = losses(changed, 2)
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    np.testing.assert_array_equal(losses(changed, 2), first)


def test_kornia_is_loaded_when_a_picture_is_changed_and_without_a_warning() -> None:
    code = (
        "import sys, torch; from byrote.controls import augment; print('kornia' in sys.modules);"
        "augment('crop').transform(torch.rand(2, 8, 8), 1.0, 0); print('kornia' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert result.stdout.split() == ["False", "True"]
    assert not result.stderr
