from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byrote.errors import InvalidData
from byrote.inputs.equal_lengths import LONGEST, equal_lengths
from byrote.inputs.reading import Reading
from byrote.inputs.series import series_folder
from byrote.inputs.series_files import Series, read_series
from byrote.task.task import Task
from inputs.folders import series

NAN = float("nan")


def said(task: Task) -> str:
    assert task.inferred
    return " ".join(task.inferred.sentences)


def read(path: Path) -> Series:
    found = read_series(path)
    assert isinstance(found, Series), found
    return found


def test_columns_are_channels_and_the_time_is_none(tmp_path: Path) -> None:
    task = series_folder(series(tmp_path / "waves", 10))
    assert (task.name, task.classes) == ("waves", ("fast", "slow"))
    assert task.train.inputs.shape == (16, 2, 40)
    assert task.train.display.kind == "signal"
    assert task.train.display.columns == ("x", "y")
    assert task.train.ids[0] == "fast/0.csv"
    np.testing.assert_allclose(task.train.inputs[0, 0], np.sin(5 * np.arange(40) / 10), atol=1e-4)
    assert "The column 'time' is the time, and no channel." in said(task)
    assert "All have 40 time steps: the model reads 40." in said(task)


def test_differing_lengths_and_gaps_are_said_and_marked(tmp_path: Path) -> None:
    root = series(tmp_path, 6, lambda at: 30 + at)
    lines = (root / "slow/3.csv").read_text().splitlines()
    lines[2] = "0.1,,NA"
    (root / "slow/3.csv").write_text("\n".join(lines))
    task = series_folder(root)
    assert task.train.display.columns == ("x", "y", "measured")
    by_id = {name: row for each in task.examples.values() for name, row in zip(each.ids.tolist(), each.inputs, strict=True)}  # fmt: skip
    gap = by_id["slow/3.csv"]
    assert gap[2].tolist() == [1, 0, *[1] * 31, 0, 0]
    np.testing.assert_allclose(gap[:2, 1], gap[:2, [0, 2]].mean(axis=1), atol=1e-6)
    assert (gap[0, 33:] == gap[0, 32]).all()
    for part in ("They have 30 to 35 time steps: the model reads 35.", "10 shorter ones", "1 has missing values"):
        assert part in said(task)
    assert series_folder(root, Reading(size=20)).train.shape == (3, 20)


@pytest.mark.parametrize(
    ("text", "names", "values"),
    [
        ("1\n2\n3\n", ("channel 0",), [[1, 2, 3]]),
        ("x\n1\n2.5e3\n", ("x",), [[1, 2500]]),
        ("1 5\n2 6\n", ("channel 0", "channel 1"), [[1, 2], [5, 6]]),
        ("a;b\n1,5;2\n,5;-3\n", ("a", "b"), [[1.5, 0.5], [2, -3]]),
        ("a\tb\n1\t\n2\tx\n\n", ("a",), [[1, 2]]),
        ("\ufeffa,b\n1,nan\n2,4\n", ("a", "b"), [[1, 2], [NAN, 4]]),
        ('"a","b"\n"1","2"\n', ("a", "b"), [[1], [2]]),
        ("date,a\n2024-01-01,3\n2024-01-02,4\n", ("a",), [[3, 4]]),
        ("Time (s),a\n0,3\n1,4\n", ("a",), [[3, 4]]),
        ("t,a\n5,3\n1,4\n", ("t", "a"), [[5, 1], [3, 4]]),
        ("a\ninf\n1\n", ("a",), [[NAN, 1]]),
    ],
)
def test_texts_of_series(tmp_path: Path, text: str, names: tuple[str, ...], values: list[list[float]]) -> None:
    (tmp_path / "one.csv").write_text(text, "utf-8")
    found = read(tmp_path / "one.csv")
    assert found.names == names
    np.testing.assert_array_equal(found.values, values)


def test_uneven_time_is_said(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("time,a\n0,3\n1,4\n2,5\n5,6\n")
    assert not read(tmp_path / "one.csv").is_even
    root = series(tmp_path / "root", 3)
    (root / "slow/0.csv").write_text("time,x,y\n0,1,1\n1,1,1\n7,2,2\n" + "".join(f"{at},1,1\n" for at in range(8, 45)))
    assert "1 has uneven steps of time" in said(series_folder(root))


def test_arrays_and_parquet(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(50, 2))
    np.save(tmp_path / "two.npy", values)
    np.save(tmp_path / "one.npy", values[:, 0])
    pq.write_table(pa.table({"time": range(50), "a": values[:, 0], "b": values[:, 1]}), tmp_path / "two.parquet")
    np.testing.assert_array_equal(read(tmp_path / "two.npy").values, values.T)
    np.testing.assert_array_equal(read(tmp_path / "one.npy").values, values[None, :, 0])
    found = read(tmp_path / "two.parquet")
    assert (found.names, found.time) == (("a", "b"), "time")
    np.testing.assert_array_equal(found.values, values.T)


class Unsafe:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("/tmp/byrote-was-unpickled"),)


@pytest.mark.parametrize(
    ("write", "why"),
    [
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_text("a,b\n"), "no time steps"),
        (lambda path: path.write_text("a,b\n1,2\n3\n"), "row 3 has 1 cells, and the first 2"),
        (lambda path: path.write_text("a,a\n1,2\n"), "two columns of one name"),
        (lambda path: path.write_text("word\nother\n"), "no column of numbers"),
        (lambda path: path.write_bytes(b"a\n\xff\n"), "no UTF-8 text"),
        (lambda path: np.save(path.with_suffix(".npy"), np.array([Unsafe()]), allow_pickle=True), "Object arrays"),
        (lambda path: np.save(path.with_suffix(".npy"), np.zeros((2, 2, 2))), "of shape (2, 2, 2)"),
        (lambda path: path.with_suffix(".parquet").write_bytes(b"PAR1"), "Parquet"),
    ],
)
def test_broken_files_say_why(tmp_path: Path, write: Callable[[Path], object], why: str) -> None:
    write(tmp_path / "one.csv")
    found = read_series(next(tmp_path.iterdir()))
    assert isinstance(found, str)
    assert why in found
    assert not Path("/tmp/byrote-was-unpickled").exists()


def test_files_with_other_columns_are_left_out(tmp_path: Path) -> None:
    root = series(tmp_path, 6)
    (root / "slow/9.csv").write_text("time,x\n0,1\n1,2\n")
    (root / "slow/8.csv").write_text((root / "slow/1.csv").read_text().replace("time,x,y", "time,y,x"))
    task = series_folder(root)
    assert "slow/9.csv (without the column 'y')" in said(task)
    swapped = next(row for each in task.examples.values() for row in each.inputs[each.ids == "slow/8.csv"])
    original = next(row for each in task.examples.values() for row in each.inputs[each.ids == "slow/1.csv"])
    np.testing.assert_array_equal(swapped, original[::-1])


def test_arrays_beside_named_columns_are_refused_once(tmp_path: Path) -> None:
    root = series(tmp_path, 6)
    for name in ("fast/8.npy", "slow/9.npy"):
        np.save(root / name, np.zeros((40, 2)))
    with pytest.raises(InvalidData, match=r"2 .npy files, which have no names of columns, beside .* 'x', 'y': the two"):
        series_folder(root)


def test_nothing_in_common_is_refused(tmp_path: Path) -> None:
    root = series(tmp_path, 2)
    for at, path in enumerate(sorted(root.rglob("*.csv"))):
        path.write_text(f"a{at}\n1\n2\n")
    with pytest.raises(InvalidData, match="no column in common: 'a0', 'a1'"):
        series_folder(root)


def test_long_series_are_averaged() -> None:
    ramp = np.arange(2.5 * LONGEST)[None]
    equal = equal_lengths([ramp, ramp])
    assert equal.values.shape == (2, 1, -(-ramp.shape[1] // 3))
    np.testing.assert_allclose(equal.values[0, 0, :3], [1, 4, 7])
    assert "3 neighbouring steps each are averaged" in equal.sentences[0]


def test_a_few_very_long_ones_are_cut() -> None:
    equal = equal_lengths([np.ones((1, 10))] * 30 + [np.ones((1, 500))])
    assert equal.values.shape == (31, 1, 10)
    assert not equal.has_gaps
    assert "1 longer one is cut at the end" in " ".join(equal.sentences)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=8), st.integers(1, 80))
def test_what_was_measured_is_kept(lengths: list[int], size: int) -> None:
    rng = np.random.default_rng(0)
    given_series = [rng.normal(size=(2, length)) for length in lengths]
    equal = equal_lengths(given_series, size)
    assert equal.values.shape == (len(lengths), 2 + equal.has_gaps, size)
    assert equal.has_gaps == (min(lengths) < size)
    for row, each in zip(equal.values, given_series, strict=True):
        kept = min(each.shape[1], size)
        np.testing.assert_allclose(row[:2, :kept], each[:, :kept], rtol=1e-6)
        assert not equal.has_gaps or row[2].tolist() == [1] * kept + [0] * (size - kept)
