from pathlib import Path

import numpy as np
import polars as pl
import pytest

from byrote.errors import ByroteError, InvalidData
from byrote.inputs.opening import open_task
from byrote.inputs.reading import Reading
from byrote.inputs.series_names import series_named, steps_of

STEPS, ROWS = 12, 30


def table(prefix: str = "t", rows: int = ROWS) -> dict[str, list[object]]:
    """Return a series in each row, in columns that stand in another order than their numbers."""
    rng = np.random.default_rng(0)
    columns: dict[str, list[object]] = {f"{prefix}{at}": rng.normal(size=rows).round(3).tolist() for at in range(STEPS)}
    order = dict(sorted(columns.items()))  # t0, t1, t10, t11, t2 ...
    return {**order, "rhythm": ["fast", "slow"] * (rows // 2), "patient": [str(at // 2) for at in range(rows)]}


def test_numbered_columns_are_time_steps_by_themselves(tmp_path: Path) -> None:
    rows = table()
    pl.DataFrame(rows).write_csv(tmp_path / "beats.csv")
    task = open_task(tmp_path / "beats.csv", Reading(label="rhythm", group="patient"))
    assert (task.name, task.train.display.kind, task.train.display.columns) == ("beats", "signal", ("t",))
    assert task.train.inputs.shape[1:] == (1, STEPS)
    first = int(task.train.ids[0])
    np.testing.assert_allclose(task.train.inputs[0, 0], [rows[f"t{at}"][first] for at in range(STEPS)], rtol=1e-6)
    assert task.train.groups is not None
    assert task.test is not None
    assert task.test.groups is not None
    assert not set(task.train.groups) & set(task.test.groups)
    assert task.inferred
    assert [each.name for each in task.inferred.columns] == ["rhythm", "patient", "t0 ... t11"]


def test_gaps_and_ends_of_rows(tmp_path: Path) -> None:
    rows = table()
    rows["t5"][0] = None
    rows["t10"][1] = rows["t11"][1] = None
    task = open_task(pl.DataFrame(rows), Reading(label="rhythm"))
    by_id = {name: row for each in task.examples.values() for name, row in zip(each.ids.tolist(), each.inputs, strict=True)}  # fmt: skip
    assert by_id["0"][1].tolist() == [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]
    assert by_id["1"][1].tolist() == [1] * 10 + [0] * 2


def test_several_channels_and_lists(tmp_path: Path) -> None:
    rows = {**table("x_"), **table("y_")}
    task = open_task(pl.DataFrame(rows), Reading(label="rhythm", series=("y", "x")))
    assert task.train.display.columns == ("y", "x")
    assert task.train.inputs.shape[1:] == (2, STEPS)
    rng = np.random.default_rng(1)
    lists = pl.DataFrame(
        {"wave": [rng.normal(size=5 + at % 3).tolist() for at in range(30)], "height": np.arange(30) / 7}
    )
    lists.write_parquet(tmp_path / "lists.parquet")
    numbers = open_task(tmp_path / "lists.parquet", Reading(label="height", series=("wave",)))
    assert numbers.learned.name == "regression"
    assert numbers.train.display.columns == ("wave", "measured")
    assert numbers.train.inputs.shape[1:] == (2, 7)


def test_other_tables_stay_tables() -> None:
    names = ["V1", "V2", *(f"V{at}" for at in range(3, 28)), "t1", "t2"]
    assert series_named(names, Reading()) == ()
    assert series_named([f"t{at}" for at in range(8)], Reading()) == ("t",)
    assert series_named([f"t{at}" for at in range(8)], Reading(text="body")) == ()
    assert series_named(names, Reading(series=("V",))) == ("V",)
    assert steps_of(["t_2", "t 10", "t-1", "name", "7"]) == {"t": ("t-1", "t_2", "t 10"), "": ("7",)}


@pytest.mark.parametrize(
    ("series", "message"),
    [("q", "no series named 'q'"), ("rhythm", "not lists of numbers"), ("word", "is read as category")],
)
def test_what_is_no_series_is_refused(series: str, message: str) -> None:
    rows = {**table(), **{f"word{at}": ["a", "b"] * 15 for at in range(3)}}
    with pytest.raises(ByroteError, match=message):
        open_task(pl.DataFrame(rows), Reading(label="rhythm", series=(series,)))


def test_an_empty_series_and_channels_of_other_lengths_are_refused() -> None:
    rows = {"a": [[1.0, 2.0]] * 10, "b": [[1.0]] * 10, "c": [[1.0]] * 9 + [[]], "y": ["u", "v"] * 5}
    with pytest.raises(InvalidData, match="'a' and 'b' have different numbers"):
        open_task(pl.DataFrame(rows), Reading(label="y", series=("a", "b")))
    with pytest.raises(InvalidData, match="of row '9' is empty"):
        open_task(pl.DataFrame(rows), Reading(label="y", series=("c",)))
