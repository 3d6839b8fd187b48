import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from byrote.training.batches import equally_long, timetable

COUNTS = st.lists(st.integers(1, 60), min_size=1, max_size=12)


@given(COUNTS, st.integers(1, 20))
@settings(max_examples=200, deadline=None)
def test_every_run_has_the_batches_that_it_has_alone(members: list[int], batch_size: int) -> None:
    """As `tensor_split` cuts the shuffled members of one run: all of them once, in order, no padding."""
    counts = np.array(members)
    packs = equally_long(counts, batch_size)
    assert sorted(np.concatenate(packs).tolist()) == list(range(len(counts)))
    for runs in packs:
        table = timetable(counts[runs], batch_size)
        first = np.cumsum(counts[runs]) - counts[runs]
        assert sorted(table.place.tolist()) == list(range(counts[runs].sum()))
        for position, count in enumerate(counts[runs]):
            expected = torch.arange(count).tensor_split(-(-int(count) // batch_size))
            assert len(expected) == len(table.batches)
            for batch, parts in zip(expected, table.batches, strict=True):
                (part,) = [p for p in parts if p.runs.start <= position < p.runs.stop]
                rows = np.arange(part.rows.start, part.rows.stop).reshape(-1, part.size)[position - part.runs.start]
                np.testing.assert_array_equal(table.place[rows], first[position] + batch.numpy())
                assert (table.run[rows] == position).all()


@given(COUNTS, st.integers(1, 20))
@settings(max_examples=200, deadline=None)
def test_parts_cover_the_pack_in_order(members: list[int], batch_size: int) -> None:
    counts = np.array(members)
    for runs in equally_long(counts, batch_size):
        for parts in timetable(counts[runs], batch_size).batches:
            covered = [run for part in parts for run in range(part.runs.start, part.runs.stop)]
            assert covered == list(range(len(runs)))


def test_runs_of_equal_size_are_one_part_of_every_batch() -> None:
    (runs,) = equally_long(np.full(16, 700), 64)
    assert all(len(parts) == 1 for parts in timetable(np.full(len(runs), 700), 64).batches)


def test_runs_with_other_numbers_of_batches_are_trained_apart() -> None:
    packs = equally_long(np.array([64, 65, 10, 128, 63]), 64)
    assert [runs.tolist() for runs in packs] == [[0, 4, 2], [3, 1]]
