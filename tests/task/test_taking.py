"""A part of the training examples: drawn by the seed, in its order, with all that belongs to it."""

from pathlib import Path

import numpy as np
import pytest

import byrote
from byrote.errors import InvalidData, WrongRecord
from byrote.task.taking import taken
from byrote.training.matching import as_recorded, population_of
from small import small_task

ALONE = byrote.Compute(workers=1)


def test_a_part_is_a_sample_in_the_order_of_the_whole() -> None:
    task = small_task(n=80)
    assert taken(task, None, 0) is task
    parts = {take: taken(task, take, 3) for take in (2, 30, 79, 80)}
    for take, part in parts.items():
        where = [int(name) for name in part.train.ids]
        assert len(where) == take
        assert where == sorted(set(where))
        np.testing.assert_array_equal(part.train.inputs, task.train.inputs[where])
        np.testing.assert_array_equal(part.train.labels, task.train.labels[where])
        assert part.test is not None
        assert part.test.ids.tolist() == task.test.ids.tolist() if task.test is not None else False
    assert set(parts[30].train.ids) < set(parts[79].train.ids)
    assert set(parts[30].train.ids) != set(taken(task, 30, 4).train.ids)


@pytest.mark.parametrize("take", [0, 1, -3, 81, 2.0, "9", True])
def test_parts_that_cannot_be_taken_are_refused(take: int) -> None:
    with pytest.raises(InvalidData, match=r"take=.* cannot be taken from 80 training examples"):
        taken(small_task(n=80), take, 0)


def test_each_example_is_as_likely_as_any_other() -> None:
    """Each of 20 is in 240 of 400 parts of 12, with a standard deviation of 9.8; five of these is a fault."""
    task, counts = small_task(n=20), np.zeros(20)
    for seed in range(400):
        counts[[int(name) for name in taken(task, 12, seed).train.ids]] += 1
    assert np.abs(counts - 240).max() < 5 * 9.8


def test_the_record_says_what_was_taken_and_the_task_is_found_again(tmp_path: Path) -> None:
    task = small_task(epochs=1)
    record = byrote.collect(task, tmp_path, runs=2, take=40, seed=5, compute=ALONE)
    assert record.manifest["take"] == 40
    assert int(record.population.where("train").sum()) == 40
    again = population_of(as_recorded(task, record), record)
    assert again.ids.tolist() == record.population.ids.tolist()
    with pytest.raises(WrongRecord, match="holds runs of another audit"):
        byrote.collect(task, tmp_path, runs=2, seed=5, compute=ALONE)
    with pytest.raises(WrongRecord, match=r"the data differ .* take is 40 there and 41 here"):
        byrote.collect(task, tmp_path, runs=2, take=41, seed=5, compute=ALONE)
