"""What a column of a table is taken for: tables with known types are written in each dialect, and read back as they were."""

import csv
import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from byrote.errors import InvalidData
from byrote.inputs.columns import Column, column_from, has_decimal_comma
from byrote.inputs.table_rows import read_rows

WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp", "Nd", "No", "Nl")), min_size=2, max_size=8
)
MISSING = {"", "na", "n/a", "n.a.", "#n/a", "nan", "null", "?", "<na>", "n"}
NUMBERS = st.floats(-1e9, 1e9, allow_nan=False).map(lambda value: round(value, 3))


def read(path: Path, text: str, name: str = "x", said: str | None = None, encoding: str = "utf-8") -> Column:
    path.write_text(text, encoding=encoding)
    rows = read_rows(path)
    comma = has_decimal_comma(rows.table, semicolons=rows.semicolons)
    return column_from(name, rows.table[name], said, comma=comma)


def write(path: Path, columns: dict[str, list[str]], separator: str, *, mark: bool) -> None:
    with path.open("w", newline="", encoding="utf-8-sig" if mark else "utf-8") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(NUMBERS, min_size=12, max_size=30),
    words=st.lists(WORDS.filter(lambda word: word.lower() not in MISSING), min_size=3, max_size=5, unique_by=str.strip),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    comma=st.booleans(),
    mark=st.booleans(),
    data=st.data(),
)
def test_types_and_values_come_back_from_every_dialect(
    tmp_path: Path, numbers: list[float], words: list[str], separator: str, comma: bool, mark: bool, data: st.DataObject
) -> None:
    n = len(numbers)
    chosen = [data.draw(st.sampled_from(words)) for _ in range(n)]
    days = [datetime.date(2000, 1, 1) + datetime.timedelta(days=37 * at) for at in range(n)]
    zips = [f"{at * 7919 % 100000:05d}" for at in range(n - 1)] + ["01234"]
    spelled = [repr(value).replace(".", ",") if comma else repr(value) for value in numbers]
    spelled[0] = "0,5" if comma else "0.5"
    spelled = [each for each in spelled if "e" not in each] + spelled[:0]
    spelled += ["1,25" if comma else "1.25"] * (n - len(spelled))
    day_first = data.draw(st.booleans())
    order = "%d/%m/%Y" if day_first else "%m/%d/%Y"
    written = {
        "x": spelled,
        "word": chosen,
        "iso": [day.isoformat() for day in days],
        "day": [day.strftime(order) for day in days],
        "zip": zips,
        "count": [str(at % 5 + 1) for at in range(n)],
        "yes": ["Yes" if at % 3 else "no" for at in range(n)],
    }
    path = tmp_path / "table.csv"
    write(path, written, separator, mark=mark)
    rows = read_rows(path)
    has_comma = has_decimal_comma(rows.table, semicolons=rows.semicolons)
    assert rows.table.column_names == list(written)
    found = {name: column_from(name, rows.table[name], comma=has_comma) for name in written}
    assert {name: column.kind for name, column in found.items()} == {
        "x": "number", "word": "category" if len(set(chosen)) > 1 or True else "", "iso": "date", "day": "date",
        "zip": "category", "count": "number", "yes": "boolean",
    }  # fmt: skip
    assert found["x"].values.tolist() == [float(each.replace(",", ".")) for each in spelled]
    assert [found["word"].words[code] for code in found["word"].codes] == [word.strip() for word in chosen]
    expected = [(day - datetime.date(1970, 1, 1)).days for day in days]
    assert found["iso"].values.tolist() == expected
    assert found["day"].values.tolist() == expected
    assert [found["zip"].words[code] for code in found["zip"].codes] == zips
    assert found["count"].whole


@pytest.mark.parametrize(
    ("cells", "kind", "first"),
    [
        (["1,234", "2,500", "17"], "number", 1234),
        (["1.234,5", "2,5", "17"], "number", 1234.5),
        (["+3", ".5", "1."], "number", 3),
        (["16777217", "16777219", "3"], "number", 16777217),
        (["1e3", "2E-1", "-4"], "number", 1000),
        (["2024-02-29", "2023-01-01", "2022-12-31"], "date", 19782),
        (["29.02.2024", "1.1.2023", "31.12.22"], "date", 19782),
        (["Feb 29, 2024", "Jan 1, 2023", "Dec 31, 2022"], "date", 19782),
        (["29 February 2024", "1 Jan 2023", "31 Dec 2022"], "date", 19782),
        (["2024-02-29T12:00:00Z", "2024-02-29 18:00", "2024-02-29 6:00 PM"], "date", 19782.5),
        (["2024-02-29T14:00:00+02:00", "2024-02-29 18:00", "2024-02-29 18:01"], "date", 19782.5),
        (["2023-02-29", "2023-02-30", "2023-13-01"], "category", None),
        (["0123", "0456", "789"], "category", None),
        (["true", "FALSE", "true"], "boolean", None),
        (["0", "1", ""], "boolean", None),
        (["0.5", "0", "00.5"], "number", 0.5),
    ],
)  # fmt: skip
def test_a_column_by_its_cells(tmp_path: Path, cells: list[str], kind: str, first: float | None) -> None:
    path = tmp_path / "table.tsv"
    write(path, {"x": cells, "y": ["a", "b", "c"]}, "\t", mark=False)
    column = column_from("x", read_rows(path).table["x"])
    assert column.kind == kind
    if first is not None:
        assert column.values[0] == first


def test_which_number_is_the_day_is_said_and_can_be_changed(tmp_path: Path) -> None:
    text = "x,y\n" + "".join(f"0{at % 9 + 1}/0{at % 7 + 1}/2024,1\n" for at in range(20))
    column = read(tmp_path / "t.csv", text)
    assert "--type x=month-first" in column.notes[0]
    other = read(tmp_path / "t.csv", text, said="month-first")
    assert column.values[1] == np.datetime64("2024-02-02").astype(int)
    assert (column.values[8], other.values[8]) == tuple(
        np.datetime64(day).astype(int) for day in ("2024-02-09", "2024-09-02")
    )


def test_cells_that_are_no_numbers_are_quoted_and_count_as_missing(tmp_path: Path) -> None:
    text = "x,y\n" + "".join(f"{at},a\n" for at in range(98)) + "n/a,a\n?,b\nabout 30,c\n,d\n"
    column = read(tmp_path / "t.csv", text)
    assert column.kind == "number"
    assert column.missing.tolist() == [False] * 98 + [True] * 4
    assert column.notes == ("3 of 102 cells are no numbers: 'n/a', '?', 'about 30'; they count as missing",)


@pytest.mark.parametrize(("said", "kind"), [("category", "category"), ("text", "text"), ("number", "number")])
def test_what_is_said_goes_before_what_is_inferred(tmp_path: Path, said: str, kind: str) -> None:
    assert read(tmp_path / "t.csv", "x,y\n1,a\n2,b\n3,c\n", said=said).kind == kind


def test_another_encoding_is_refused_with_the_line_and_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("x,y\n1,caf\xe9\n".encode("cp1252"))
    with pytest.raises(InvalidData, match=r"line 2 holds the byte 0xe9 .*--encoding cp1252"):
        read_rows(path)
    assert read_rows(path, "cp1252").table["y"].to_pylist() == ["café"]
    path.write_bytes("x,y\n1,é\n".encode("utf-16"))
    with pytest.raises(InvalidData, match="--encoding utf-16"):
        read_rows(path)
    assert read_rows(path, "utf-16").table["y"].to_pylist() == ["é"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("x,y\n", "has no rows"),
        ("x,x\n1,2\n", "'x' more than once"),
        ("x,y\n1,2\n1,2,3\n", "line 3 has 3 cells, and the first 2"),
        ("x,y\n\0,2\n", "bytes of 0"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InvalidData, match=said):
        read_rows(tmp_path / "t.csv")


def test_json_lines_parquet_and_frames_give_the_same_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1.5, None, 3.0], "word": ["a", None, "b"], "flag": [True, False, True]})
    frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    frame.to_json(tmp_path / "t.json", orient="records")
    frame.to_parquet(tmp_path / "t.parquet")
    polars = pytest.importorskip("polars").from_pandas(frame)
    sources = [frame, polars, *(tmp_path / f"t.{ending}" for ending in ("jsonl", "json", "parquet"))]
    for rows in map(read_rows, sources):
        found = {name: column_from(name, rows.table[name]) for name in rows.table.column_names}
        assert [column.kind for column in found.values()] == ["number", "category", "boolean"]
        assert found["x"].values.tolist()[::2] == [1.5, 3.0]
        assert found["word"].codes.tolist() == [0, -1, 1]


def test_lines_that_are_no_objects_are_refused(tmp_path: Path) -> None:
    for text, said in (('{"x": 1}\n[1]\n', "row 2, is list"), ('{"x": 1}\n{"x": \n', "line 2, is no JSON")):
        (tmp_path / "t.jsonl").write_text(text)
        with pytest.raises(InvalidData, match=said):
            read_rows(tmp_path / "t.jsonl")


def test_a_column_of_lists_and_one_of_mixed_python_cells(tmp_path: Path) -> None:
    assert column_from("x", pa.chunked_array([pa.array([[1], [2]])])).kind == "other"
    rows = read_rows(
        pd.DataFrame({"x": [1, "a", None], "when": pd.to_datetime(["2024-01-01"] * 3)}, index=["p", "q", "r"])
    )
    assert column_from("x", rows.table["x"]).words == ("1", "a")
    assert column_from("when", rows.table["when"]).values.tolist() == [19723.0] * 3
    assert rows.ids.tolist() == ["p", "q", "r"]
