from dataclasses import replace

import numpy as np
import pytest

import byrote.explain.copies as copies
from byrote.explain.copies import COPIES, find_copies
from byrote.explain.neighbours import NEAR_DUPLICATE, Neighbour, space
from byrote.record import Population

SHIFTS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]


def population(images: np.ndarray, labels: np.ndarray | None = None) -> Population:
    """Return a population of training examples only."""
    n = len(images)
    known = np.zeros(n, np.int64) if labels is None else labels
    return Population.of(np.array([f"train/{i}" for i in range(n)]), np.full(n, "train"), known, images)


def pictures(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype(np.uint8)


def found_by(images: np.ndarray, query: int) -> tuple[Neighbour, ...]:
    one = population(images)
    return find_copies(one, space(one), np.array([query]), np.arange(len(images)))[0]


def moved(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return the image with black where nothing is left, as a camera that moved would not have it, but a crop does."""
    padded = np.pad(image, [(0, 0)] * (image.ndim - 2) + [(2, 2), (2, 2)])
    height, width = image.shape[-2:]
    return padded[..., 2 - down : 2 - down + height, 2 - right : 2 - right + width]


@pytest.mark.parametrize("shape", [(8, 8), (9, 11), (3, 12, 8)])
@pytest.mark.parametrize("step", SHIFTS)
def test_a_copy_shifted_by_one_pixel_is_found(shape: tuple[int, ...], step: tuple[int, int]) -> None:
    images = pictures(40, *shape)
    images[7] = moved(images[30], *step)
    (copy,) = found_by(images, 7)
    assert (copy.position, copy.id, copy.distance, copy.change) == (30, "train/30", 0, "shifted by one pixel")
    assert found_by(images, 30)[0].position == 7


@pytest.mark.parametrize("shape", [(8, 8), (9, 11), (3, 12, 8)])
def test_a_mirrored_copy_is_found(shape: tuple[int, ...]) -> None:
    images = pictures(40, *shape)
    images[7] = images[30][..., ::-1]
    (copy,) = found_by(images, 7)
    assert (copy.position, copy.distance, copy.change) == (30, 0, "mirrored")
    upside_down = pictures(40, *shape)
    upside_down[7] = upside_down[30][..., ::-1, :]
    assert found_by(upside_down, 7) == ()


def test_what_was_changed_more_is_not_found() -> None:
    images = pictures(40, 12, 12)
    images[7] = moved(images[30], 0, 2)
    assert found_by(images, 7) == ()


def test_the_distance_is_that_of_the_brightness_inside_the_border() -> None:
    images = pictures(40, 12, 12)
    noise = np.random.default_rng(1).integers(-9, 10, (12, 12))
    images = np.clip(images, 10, 245).astype(np.uint8)
    images[7] = np.clip(moved(images[30], 1, 0).astype(np.int64) + noise, 0, 255)
    (copy,) = found_by(images, 7)
    gap = (images[7][2:12, 1:11].astype(np.float64) - images[30][1:11, 1:11]) / 255
    assert copy.distance == pytest.approx(np.sqrt((gap**2).mean()), rel=1e-12)
    assert copy.distance > 0


def test_the_limit_is_that_of_the_class_of_the_query() -> None:
    images = pictures(60, 12, 12)
    labels = np.arange(60) % 2
    images[7] = moved(images[30], 1, 0)
    noise = np.random.default_rng(1).normal(0, 1, (12, 12))
    one = population(images, labels)
    limit = space(one).limit(1)
    for share, expected in ((0.9, 1), (1.1, 0)):
        level = 255 * share * limit
        changed = images.copy()
        inside = noise[2:12, 1:11]
        shade = np.clip(moved(images[30], 1, 0), 110, 145).astype(np.float64)
        changed[30] = np.clip(images[30], 110, 145)
        changed[7] = np.clip(np.rint(shade + level * noise / np.sqrt((inside**2).mean())), 0, 255)
        points = replace(space(one), near={0: 0.0, 1: limit / NEAR_DUPLICATE})
        assert len(find_copies(population(changed, labels), points, np.array([7]), np.arange(60))[0]) == expected


def test_a_copy_that_was_not_changed_is_told_as_such() -> None:
    images = pictures(40, 8, 8)
    images[30] = (images[30] + images[30][:, ::-1].astype(np.int64)) // 4  # it is its own mirror image
    images[7] = images[30]
    (copy,) = found_by(images, 7)
    assert (copy.position, copy.distance, copy.change) == (30, 0, "")
    images[7, 0] += 20  # in the border, which is not compared when it is mirrored
    (copy,) = found_by(images, 7)
    assert (copy.position, copy.change) == (30, "")
    assert copy.distance > 0


def test_no_image_is_a_copy_of_itself() -> None:
    flat = np.repeat(np.arange(0, 250, 25, dtype=np.uint8), 64).reshape(-1, 8, 8)
    one = population(flat)
    assert find_copies(one, space(one), np.arange(10), np.arange(10)) == [()] * 10


def test_copies_come_nearest_first_and_not_too_many() -> None:
    images = pictures(60, 8, 8)
    images[:30] = images[0]
    images[1] = moved(images[0], 1, 0)
    images[2] = np.clip(images[0].astype(np.int64) + 3, 0, 255)
    many = found_by(images, 0)
    assert len(many) == COPIES
    distances = [each.distance for each in many]
    assert distances == sorted(distances)
    few = found_by(np.concatenate([images[[0, 2, 1]], images[30:]]), 0)
    assert [each.position for each in few] == [2, 1]  # shifted, without a difference, and brighter by a little


@pytest.mark.parametrize(
    "images",
    [
        pictures(30, 64),
        pictures(30, 7, 12),
        pictures(30, 8, 8).astype(np.float32),
        np.zeros((30, 0), np.float32),
    ],
)
def test_only_images_of_bytes_that_are_large_enough_are_shifted(images: np.ndarray) -> None:
    if images.size:
        images[7] = np.roll(images[20], 1, axis=-1)
    assert found_by(images, 7) == ()


def test_without_queries_or_candidates_nothing_is_found() -> None:
    one = population(pictures(30, 8, 8))
    nobody = np.zeros(0, np.int64)
    assert find_copies(one, space(one), nobody, np.arange(30)) == []
    assert find_copies(one, space(one), np.arange(2), nobody) == [(), ()]


def test_the_search_in_small_blocks_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    images = pictures(80, 10, 10)
    for query in range(20):
        images[query] = moved(images[query + 40], *SHIFTS[query % 8])
    one = population(images)
    everyone = np.arange(80)
    whole = find_copies(one, space(one), everyone, everyone)
    monkeypatch.setattr(copies, "SEARCHED_BYTES", 2000)
    assert find_copies(one, space(one), everyone, everyone) == whole
    assert [len(each) for each in whole] == [1] * 20 + [0] * 20 + [1] * 20 + [0] * 20
