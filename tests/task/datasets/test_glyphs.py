from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from byrote.task.datasets.glyphs import by_typeface, glyphs, names
from byrote.task.examples import Examples
from byrote.task.loading import load_task


@pytest.fixture(scope="module")
def parts() -> tuple[Examples, Examples]:
    return glyphs()


def test_no_alphabet_is_in_both_parts(parts: tuple[Examples, Examples]) -> None:
    background, evaluation = ({id_.split("/")[0] for id_ in part.ids} for part in parts)
    assert (len(background), len(evaluation)) == (10, 6)
    assert not background & evaluation


@pytest.mark.parametrize(("part", "classes", "examples"), [(0, 440, 8_179), (1, 250, 4_635)])
def test_a_class_is_a_character_in_12_to_20_typefaces(
    parts: tuple[Examples, Examples], part: int, classes: int, examples: int
) -> None:
    found = parts[part]
    assert found.inputs.shape == (examples, 28, 28)
    assert np.unique(found.inputs).tolist() == [0, 255]
    counts = np.bincount(found.labels)
    assert (len(counts), counts.min() >= 12, counts.max()) == (classes, True, 20)
    pairs = {(id_.rsplit("/", 1)[0], label) for id_, label in zip(found.ids, found.labels.tolist(), strict=True)}
    assert len(pairs) == classes, "one label for each character"
    assert len(set(names(found))) == classes


def test_each_character_has_ink_and_is_22_pixels_long(parts: tuple[Examples, Examples]) -> None:
    for part in parts:
        rows, columns = (part.inputs.any(axis).sum(1) for axis in (2, 1))
        assert np.mean(np.maximum(rows, columns) >= 20) > 0.98
        assert np.maximum(rows, columns).min() >= 12


def separated(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Share of pictures of two classes whose nearest other picture is of their own class."""
    wins = 0
    for own, foreign in ((one, other), (other, one)):
        for at, each in enumerate(own):
            rest = np.delete(own, at, 0)
            wins += ((rest - each) ** 2).sum(1).min() < ((foreign - each) ** 2).sum(1).min()
    return wins / (len(one) + len(other))


def test_characters_of_the_two_parts_differ(parts: tuple[Examples, Examples]) -> None:
    rng = np.random.default_rng(0)
    pictures = [
        [part.inputs[part.labels == at].reshape(-1, 784).astype(np.float64) for at in rng.choice(250, 12, False)]
        for part in parts
    ]
    for one, other in combinations([*pictures[0], *pictures[1]], 2):
        assert separated(one, other) > 0.7


def test_the_task_has_other_typefaces_for_testing(parts: tuple[Examples, Examples]) -> None:
    train, test = by_typeface()
    assert len(train) + len(test) == len(parts[0])
    assert np.array_equal(np.unique(train.labels), np.unique(test.labels))
    assert not set(train.ids) & set(test.ids)
    task = load_task("glyphs")
    assert (len(task.train), len(task.test), len(task.classes), task.classes[0]) == (6_615, 1_564, 440, "Latin A")
