"""Frames become numbers and come back as they were."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal
from polars.testing import assert_frame_equal as assert_polars_equal

from byrote.errors import InvalidData
from byrote.inputs.frames import frame_of

CELLS: dict[str, Any] = {
    "count": [3, 1, 2],
    "share": [0.5, None, 2.25],
    "word": ["b", "a", None],
    "true": [True, False, True],
    "day": pd.to_datetime(["2020-01-02", None, "2021-03-04"]),
}


def back(inputs: Any) -> Any:
    frame = frame_of([inputs])
    return frame.decode(frame.encode(inputs).astype(np.float32))


def test_a_data_frame_of_pandas_comes_back_with_its_types() -> None:
    given = pd.DataFrame(CELLS, index=[7, 8, 9])
    given["kind"] = pd.Categorical(["x", None, "y"], categories=["y", "z", "x"], ordered=True)
    given["maybe"] = pd.array([1, None, 3], dtype="Int64")
    given[4] = [1, 2, 3]
    assert_frame_equal(back(given), given.reset_index(drop=True))


def test_a_data_frame_of_polars_comes_back_with_its_types() -> None:
    given = pl.DataFrame({**CELLS, "day": [date(2020, 1, 2), None, date(2021, 3, 4)], "maybe": [1, None, 3]})
    assert_polars_equal(back(given), given)


def test_arrays_and_texts_come_back() -> None:
    numbers = np.arange(6.0).reshape(3, 2)
    assert frame_of([numbers]).encode(numbers) is numbers
    gaps = np.where(numbers == 3, np.nan, numbers)
    np.testing.assert_array_equal(back(gaps), gaps)
    mixed = np.array([["a", 1], [None, 2], ["b", 3]], object)
    np.testing.assert_array_equal(back(mixed), mixed)
    assert back(mixed)[:, 1].tolist() == [1, 2, 3]
    texts = ["two words", "one", "two words"]
    frame = frame_of([texts, ["another"]])
    assert frame.encode(["another", "one"]).dtype == np.int64
    assert frame.decode(frame.encode(texts)) == texts


def test_columns_say_what_their_numbers_mean() -> None:
    frame = frame_of([pd.DataFrame(CELLS).drop(columns="day")])
    assert frame.names == ["count", "share", "share is missing", "word", "true"]
    encoded = frame.encode(pd.DataFrame(CELLS).drop(columns="day"))
    np.testing.assert_array_equal(encoded[1], [1, 1.375, 1, 0, 0])
    read = [[cell.text(value) or value for value in cell.values(encoded).tolist()] for cell in frame.cells]
    assert [cell.name for cell in frame.cells] == ["count", "share", "word", "true"]
    assert read[1][1:2] == ["missing"]
    assert read[2] == ["missing" if each is None else each for each in CELLS["word"]]
    assert read[3] == [str(each) for each in CELLS["true"]]
    days = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=10)})
    assert frame_of([days]).cells[0].words[9] == "2024-01-10"


def test_numbers_that_were_never_there_are_read_as_the_nearest_ones() -> None:
    frame = frame_of([pd.DataFrame(CELLS)])
    made = frame.decode(np.array([[2.4, 1.0, 0.4, 7.0, -3.0, 0.2]]))
    assert made["count"].tolist() == [2]
    assert made["share"].tolist() == [1.0]
    assert pd.isna(made["word"][0])
    assert made["true"].tolist() == [False]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([pd.DataFrame({"a": [[1], [2]]})], "'a' holds list"),
        ([pd.DataFrame({"a": [np.nan, np.nan]})], "'a' has no value"),
        ([pd.DataFrame({"a": [np.inf, 1.0]})], "'a' has infinite numbers"),
        ([pd.DataFrame([[1, 2]], columns=["a", "a"])], "'a' comes twice"),
        ([pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})], "other columns"),
        ([pd.DataFrame({"a": [1]}), np.ones((1, 1))], "numbers and pandas"),
        ([np.ones(3)], r"shape \(3,\)"),
    ],
)
def test_what_cannot_be_read_is_named(inputs: list[Any], said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        frame_of(inputs)
