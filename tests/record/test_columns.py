"""Columns: whatever order a file's rows are in, and whether or not it was looked at before, it says the same."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from byrote.errors import WrongRecord
from byrote.record import Observed, Record, Step, run_path, write_run
from byrote.record.columns import RunColumns
from far import LAST, RUNS, N, fill, steps
from layout import BASE_COLUMNS, LAYOUT, run_settings

IDS = np.array([f"train/{i}" for i in range(N)])


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    fill(tmp_path, 3)
    return tmp_path


def told(directory: Path) -> list[Any]:
    """All that a record says about run 1, each asked twice."""
    record = Record(directory)
    return [
        [record.member(1), record.over_steps(1, name), *(record.at_step(1, name, step) for step in (1, LAST))]
        for _ in range(2)
        for name in ("loss", "correct", "prediction_seen")
    ]


def rewrite(path: Path, order: np.ndarray | None, size: int | None, **options: Any) -> None:
    """Write a run's rows again, in another order and in row groups of another size (None: one for each step)."""
    table = pq.read_table(path)
    table = table if order is None else table.take(pa.array(order))
    steps = table["step"].to_numpy()
    starts = range(0, len(table), size) if size else [0, *np.flatnonzero(np.diff(steps)) + 1]
    with pq.ParquetWriter(path, table.schema, **options) as writer:
        for start, stop in pairwise([*starts, len(table)]):
            writer.write_table(table[start:stop])


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"size": 7},
        {"size": 1 << 20},
        {"size": 1 << 20, "use_dictionary": False},
        {"size": 7, "write_statistics": False},
        {"size": None, "write_statistics": False},
    ],
)
def test_the_order_and_the_grouping_of_rows_do_not_matter(
    directory: Path, shuffled: bool, options: dict[str, Any]
) -> None:
    before, path = told(directory), run_path(directory, 1)
    rows = pq.read_metadata(path).num_rows
    rewrite(path, np.random.default_rng(0).permutation(rows) if shuffled else None, **options)
    for one, other in zip(before, told(directory), strict=True):
        for array, again in zip(one, other, strict=True):
            np.testing.assert_array_equal(array, again)
            assert array.dtype == again.dtype


def test_steps_about_different_examples_are_told_apart(directory: Path) -> None:
    """The bytes of the ids differ from step to step here, in all ways but their number."""
    ids, expected = Record(directory).population.ids, np.full((LAST, N), np.nan, np.float32)

    def shifting() -> Iterator[Step]:
        for step in range(1, LAST + 1):
            positions = np.sort((np.arange(10) * 3 + step) % N)
            expected[step - 1, positions] = positions + step
            yield Step(step, None, Observed(positions, {"loss": expected[step - 1, positions]}))

    member = np.arange(N) % 3 > 0
    write_run(run_path(directory, 1), shifting(), member, ids, run_settings(1), LAYOUT)
    record = Record(directory)
    np.testing.assert_array_equal(record.member(1), member & ~np.isnan(expected).all(0))
    for _ in range(2):
        np.testing.assert_array_equal(record.over_steps(1, "loss_seen"), expected)
        for step in range(1, LAST + 1):
            np.testing.assert_array_equal(record.at_step(1, "loss_seen", step), expected[step - 1])


def test_a_run_that_knew_fewer_examples_is_read(directory: Path) -> None:
    """As a loop of a user's own writes them: its record grows, and earlier examples keep their place."""
    fewer = N // 2
    said = {name: np.arange(fewer).astype(kind.to_pandas_dtype()) for name, kind in BASE_COLUMNS.items()}
    step = Step(1, None, Observed(np.arange(fewer), said))
    write_run(run_path(directory, 1), [step], np.ones(fewer, np.bool_), IDS[:fewer], run_settings(1), LAYOUT)
    found = Record(directory).at_step(1, "loss_seen", 1)
    np.testing.assert_array_equal(found[:fewer], np.arange(fewer))
    assert np.isnan(found[fewer:]).all()


def test_ids_in_another_order_are_put_in_that_of_the_record(directory: Path) -> None:
    before = Record(directory).over_steps(1, "loss_seen")
    member, order = Record(directory).member(1), np.random.default_rng(0).permutation(N)
    place = np.argsort(order)

    def moved() -> Iterator[Step]:
        for step in steps(member, 1):
            passes = [each and Observed(place[each.positions], each.values) for each in (step.clean, step.seen)]
            yield Step(step.step, *passes)

    write_run(run_path(directory, 1), moved(), member[order], IDS[order], run_settings(1), LAYOUT)
    np.testing.assert_array_equal(Record(directory).over_steps(1, "loss_seen"), before)
    np.testing.assert_array_equal(Record(directory).member(1), member)


def test_the_ids_of_a_run_are_read_once(directory: Path) -> None:
    """Later columns are read without them: here they are broken after the first one was read."""
    columns, path = RunColumns(directory, IDS, range(RUNS), LAYOUT, ""), run_path(directory, 1)
    first = list(columns.parts(1, "loss_seen"))
    file, data = pq.ParquetFile(path), bytearray(path.read_bytes())
    for group in range(LAST):
        chunk = file.metadata.row_group(group).column(1)
        start = chunk.dictionary_page_offset
        data[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(bytes(data))
    again = list(columns.parts(1, "loss_seen"))
    for one, other in zip(first, again, strict=True):
        assert one.step == other.step
        np.testing.assert_array_equal(one.positions, other.positions)
        assert one.values.equals(other.values)


def test_a_run_that_changes_while_it_is_read_is_named(directory: Path) -> None:
    record = Record(directory)
    record.over_steps(1, "loss")
    member = ~record.member(1)
    write_run(run_path(directory, 1), steps(member, 1), member, IDS, run_settings(1), LAYOUT)
    with pytest.raises(WrongRecord, match=r"0001\.parquet cannot be read \(it has changed since"):
        record.over_steps(1, "loss")
