"""A table as a task: what the model gets, what is dropped and why, what is copied, and what is read back in the report."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import byrote
from byrote.errors import ByroteError, InvalidData
from byrote.inputs.opening import open_task
from byrote.inputs.reading import Reading
from byrote.record import Population
from byrote.report.table_rows import TableRows
from byrote.task.inferred import InferredColumn
from byrote.task.task import Task

N = 120


def frame(**columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"x": rng.normal(size=N).round(3), "label": np.resize(["a", "b", "b"], N), **columns})


def task(*, label: str = "label", columns: dict[str, Any] | None = None, **said: Any) -> Task:
    return open_task(frame(**(columns or {})), Reading(label=label, **said))


def said_of(found: Task, name: str) -> InferredColumn:
    assert found.inferred is not None
    return next(each for each in found.inferred.columns if each.name == name)


def test_types_become_inputs_with_names_and_cells() -> None:
    words = np.resize(["red", "green", "blue"], N)
    age = np.arange(N) % 50 + 20.0
    age[:7] = np.nan
    days = [f"2024-01-{1 + at % 28:02d}" for at in range(N)]
    found = task(columns={"colour": words, "age": age, "day": days, "on": np.resize(["yes", "no"], N)})
    assert found.train.display.columns == (
        "x", "colour = blue", "colour = green", "colour = red", "age", "age is missing", "day", "on = yes",
    )  # fmt: skip
    rows = TableRows(_population(found))
    assert rows.names == ["x", "colour", "age", "day", "on"]
    shown = {rows.names[at]: cells[0][0] for at, cells in rows.beside(0, [])["rows"]}
    where = int(found.train.ids[0])
    assert shown["colour"] == words[where]
    assert shown["day"] == days[where]
    assert shown["on"] == ("yes", "no")[where % 2]
    assert shown["age"] == ("missing" if where < 7 else f"{age[where]:.0f}")
    missing = [at for at, name in enumerate(found.train.ids) if int(name) < 7]
    assert {cells[0][0] for at, cells in rows.beside(missing[0], [])["rows"] if rows.names[at] == "age"} == {"missing"}
    assert "7 missing are the median" in said_of(found, "age").becomes
    assert "one-hot of 3 values" in said_of(found, "colour").becomes


def _population(found: Task) -> Population:
    n = len(found.train)
    return Population.of(
        found.train.ids, np.full(n, "train"), found.train.labels, found.train.inputs, display=found.train.display
    )


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("customer_no", np.arange(N) * 13 + 1000),
        ("n", np.arange(N)),
        ("serial", np.random.default_rng(0).permutation(N) + 10_000_000),
        ("key", [f"{at * 7919:032x}" for at in range(N)]),
        ("who", [f"00000000-0000-4000-8000-{at:012x}" for at in range(N)]),
        ("mail", [f"p{at}@example.org" for at in range(N)]),
        ("surname", [f"Person {at}" for at in range(N)]),
        ("Unnamed: 0", np.arange(N)),
        ("customer_id", [at % 90 for at in range(N)]),
    ],
)
def test_ids_are_found_dropped_and_said(name: str, cells: Any) -> None:
    found = task(columns={name: cells})
    assert found.train.display.columns == ("x",)
    assert said_of(found, name).kind == "id"
    assert "by rote" in said_of(found, name).becomes
    kept = task(columns={name: cells}, types=((name, "category"),))
    assert len(kept.train.display.columns) > 1, "what the user says goes first"


@pytest.mark.parametrize("name", ["income", "rating", "year"])
def test_measurements_are_no_ids(name: str) -> None:
    rng = np.random.default_rng(1)
    cells = {
        "income": rng.integers(20_000, 90_000, N),
        "rating": np.resize(range(1, 6), N),
        "year": np.resize(range(1950, 2020), N),
    }
    assert name in task(columns={name: cells[name]}).train.display.columns


def test_constant_empty_and_free_text_columns_are_dropped_with_the_reason() -> None:
    notes = [f"the customer number {at} called and asked for help" for at in range(N)]
    found = task(columns={"same": ["k"] * N, "none": [None] * N, "notes": notes})
    assert found.train.display.columns == ("x",)
    assert "same value everywhere" in said_of(found, "same").becomes
    assert "no cell holds a value" in said_of(found, "none").becomes
    assert "--text" in said_of(found, "notes").becomes


def test_a_column_that_says_the_label_is_named_and_kept() -> None:
    late = np.where(np.resize(["a", "b", "b"], N) == "a", "2024", None)
    found = task(columns={"twin": np.resize([7, 8, 9], N), "late": late})
    assert "--drop twin" in said_of(found, "twin").notes[-1]
    assert "--drop late" in said_of(found, "late").notes[-1]
    assert "twin" in found.train.display.columns
    other = open_task(frame(y=np.linspace(0, 9, N), double=np.linspace(1, 19, N)), Reading(label="y"))
    assert "it says the label" in said_of(other, "double").notes[-1]


def test_labels_are_classes_or_numbers_as_they_look_or_as_one_says() -> None:
    assert task().classes == ("a", "b")
    assert task().learned.name == "classification"
    rating = {"columns": {"rating": np.resize(range(1, 6), N)}, "label": "rating"}
    assert task(**rating).learned.name == "regression"
    assert task(**rating, types=(("rating", "category"),)).classes == ("1", "2", "3", "4", "5")
    assert task(columns={"code": np.resize(range(4), N)}, label="code").classes == ("0", "1", "2", "3")
    assert task(columns={"ok": np.resize([True, False], N)}, label="ok").classes == ("false", "true")


def test_rows_without_a_label_are_left_out_and_said() -> None:
    labels = np.resize(["a", "b", "b"], N).astype(object)
    labels[:10] = None
    found = task(columns={"label": labels})
    assert len(found.train) + len(found.test or ()) == N - 10
    assert found.inferred is not None
    assert "10 rows without a label are left out." in found.inferred.sentences
    assert "0" not in found.train.ids


@pytest.mark.parametrize(
    ("columns", "reading", "said"),
    [
        ({"label": ["a"] * N}, {}, "All 120 rows have 'a'"),
        ({"label": [f"w{at}" for at in range(N)]}, {}, "120 different words in 120 rows"),
        ({"label": [None] * N}, {}, "has no value that can be learned"),
        ({}, {"drop": ("x",)}, "No column of the table is left"),
        ({}, {"group": "nobody"}, "no column of the table named 'nobody'"),
        ({}, {"id": "label"}, "given as id and as label"),
        ({"id": [1] * N}, {"id": "id"}, "--group id instead"),
        ({}, {"test_share": 1.5}, "between 0 and 1"),
        ({}, {"types": (("x", "numeric"),)}, "Did you mean 'number'"),
        ({"when": ["never"] * N}, {"time": "when"}, "read as category"),
    ],
)
def test_what_cannot_be_learned_is_refused(columns: dict[str, Any], reading: dict[str, Any], said: str) -> None:
    with pytest.raises(ByroteError, match=said):
        open_task(frame(**columns), Reading(label="label", **reading))
    with pytest.raises(InvalidData, match=r"--label NAME .* It has 'x', 'label'"):
        open_task(frame())


def test_copies_and_rows_of_one_person_are_in_one_group_and_on_one_side() -> None:
    other = np.random.default_rng(2).normal(size=N)
    twice = pd.concat([frame(who=np.arange(N) // 4, other=other)] * 2, ignore_index=True).drop(
        index=range(N + 8, 2 * N)
    )
    twice.loc[N:, "who"] = 99
    found = open_task(twice, Reading(label="label", group="who"))
    assert found.train.groups is not None
    groups = dict(zip(found.train.ids.tolist(), found.train.groups.tolist(), strict=True))
    assert found.inferred is not None
    assert "16 rows are copies of each other (8 different rows)" in " ".join(found.inferred.sentences)
    side = set(groups) & {str(at) for at in (*range(8), *range(N, N + 8))}
    assert len(side) in (0, 16), "customers 0, 1 and 99 are linked by copies"
    assert len({groups[name] for name in side}) <= 1
    assert found.test is not None
    assert not {int(name) // 4 for name in found.test.ids} & {int(name) // 4 for name in groups}


def test_equal_rows_by_chance_are_no_copies() -> None:
    few = pd.DataFrame(
        {"a": np.resize([0, 1], N), "b": np.resize([0, 0, 1], N), "label": np.resize(["u", "v", "v", "u"], N)}
    )
    found = open_task(few, Reading(label="label"))
    assert found.train.groups is None
    assert found.inferred is not None
    assert "by chance" in " ".join(found.inferred.sentences)


def test_numbers_that_float32_would_round_are_counted_from_the_middle() -> None:
    stamps = 1_700_000_000_000 + np.arange(N) % 60
    found = task(columns={"stamp": stamps})
    rows = TableRows(_population(found))
    shown = {rows.names[at]: cells[0][0] for at, cells in rows.beside(0, [])["rows"]}
    assert shown["stamp"] == str(stamps[int(found.train.ids[0])])


def test_rare_words_are_the_same_to_the_model() -> None:
    words = [f"w{at}" if at < 30 else ("common", "usual", "plain")[at % 3] for at in range(N)]
    found = task(columns={"word": words})
    assert [name for name in found.train.display.columns if name.startswith("word")] == [
        "word = common", "word = plain", "word = usual",
    ]  # fmt: skip
    assert "30 rarer values are the same" in said_of(found, "word").becomes
    kept = found.train.inputs[[int(name) < 30 for name in found.train.ids]]
    assert not kept[:, 1:].any()


def test_cells_of_strangers_stay_text(tmp_path: Path) -> None:
    hostile = ["<script>alert(1)</script>", "{{ 7 * 7 }}", "\x1b[2J", "=cmd|' /C calc'!A0", "\u202eabc", "a" * 5000]
    found = task(columns={"word": np.resize(hostile, N), "<img src=x>": np.resize(["u", "v"], N)})
    record = byrote.audit(found, tmp_path, runs=2, epochs=1, canaries=byrote.Canaries(), compute=byrote.Compute(1))
    page = (tmp_path / "report.html").read_text()
    assert "<script>alert(1)" not in page
    assert "<img src=x>" not in page
    assert len(record.population.display.cells) == 3
    assert record.population.display == found.train.display


def test_a_task_in_python_takes_nothing_of_a_table(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="--label churn says how a table"):
        open_task("fashion", Reading(label="churn"))
    with pytest.raises(InvalidData, match="no task, table or folder"):
        open_task(tmp_path / "absent.csv", Reading(label="x"))
    with pytest.raises(ByroteError, match="int is no data frame"):
        open_task(3)


def test_rows_of_a_file_and_of_a_frame_have_the_same_ids(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "t.csv", index=False)
    of_file, of_frame = open_task(tmp_path / "t.csv", Reading(label="label")), task()
    assert of_file.train.ids.tolist() == of_frame.train.ids.tolist()
    read = pd.read_csv(tmp_path / "t.csv")
    np.testing.assert_allclose(of_file.train.inputs[0, 0], read.iloc[int(of_file.train.ids[0])]["x"], rtol=1e-6)


@pytest.mark.parametrize(
    ("index", "said"),
    [([0] * N, "repeats values"), (pd.MultiIndex.from_product([range(2), range(N // 2)]), "has 2 levels")],
)
def test_an_index_that_names_no_row_is_said(index: Any, said: str) -> None:
    found = open_task(frame().set_axis(index), Reading(label="label"))
    assert found.inferred is not None
    assert said in found.inferred.sentences[1]
    assert found.test is not None
    assert sorted(map(int, [*found.train.ids, *found.test.ids])) == list(range(N))


def test_the_index_is_no_column_and_a_lazy_frame_has_no_rows() -> None:
    with pytest.raises(InvalidData, match=r"'label' is the index .*reset_index"):
        open_task(frame().set_index("label"), Reading(label="label"))
    with pytest.raises(ByroteError, match=r"frame\.collect\(\)"):
        open_task(pl.DataFrame({"x": [1, 2]}).lazy(), Reading(label="x"))


def test_periods_are_dates_and_quantities_numbers() -> None:
    columns = {
        "month": pd.period_range("2015-01", periods=N, freq="M"),
        "cost": [f"EUR {at * 7.5:.2f}" for at in range(N)],
        "share": [f"{at * 1.5} %" for at in range(N)],
        "debt": [f"-${at * 1000:,}" for at in range(N)],
        "mixed": [("$3", "€ 4", "$5", "€ 6")[at % 4] for at in range(N)],
        "place": [f"C {at}" for at in range(N)],
    }
    found = task(columns=columns)
    kinds = {name: said_of(found, name).kind for name in columns}
    assert kinds == {
        "month": "date", "cost": "number", "share": "number", "debt": "number", "mixed": "category", "place": "id",
    }  # fmt: skip
    assert "every value has the unit 'EUR', and is read without it" in said_of(found, "cost").notes
    at, where = found.train.display.columns.index("debt"), int(found.train.ids[1])
    assert found.train.inputs[1, at] == -1000 * where


def test_labels_that_are_odd_are_questioned() -> None:
    spelled = task(columns={"label": np.resize(["Yes", "YES ", "no"], N)})
    assert "'YES' and 'Yes' are classes of their own" in said_of(spelled, "label").notes[0]
    dates = task(label="day", columns={"day": pd.date_range("2024-01-01", periods=N).astype(str)})
    assert "it holds dates" in said_of(dates, "day").notes[0]
    with pytest.raises(InvalidData, match=r"'customer_no' looks like an id .* --type customer_no=number"):
        task(label="customer_no", columns={"customer_no": 1000 + np.arange(N)})
    numbers = task(label="customer_no", columns={"customer_no": 1000 + np.arange(N)}, types={"customer_no": "number"})
    assert numbers.train.labels.dtype != np.int64


def test_copies_with_different_labels_are_named() -> None:
    twice = pd.concat([frame(z=np.arange(N) / 7)] * 2, ignore_index=True)
    twice = twice.drop(index=range(N + 2, 2 * N)).reset_index(drop=True)
    twice.loc[N, "label"] = "b"
    found = open_task(twice, Reading(label="label"))
    assert found.inferred is not None
    assert f"1 of these stands there with different labels: the rows 0 = {N}." in " ".join(found.inferred.sentences)


def test_a_reading_takes_names_as_people_write_them() -> None:
    assert Reading(label="churn", drop="churned_on").drop == ("churned_on",)  # pyright: ignore[reportArgumentType]
    assert Reading(types={"age": "category"}).types == (("age", "category"),)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidData, match="Give a dict"):
        Reading(types="age=category")  # pyright: ignore[reportArgumentType]
    for kind, meant in (("integer", "number"), ("str", "category"), ("datetime", "date")):
        with pytest.raises(ByroteError, match=f"Did you mean '{meant}'"):
            Reading(types=(("age", kind),))
    with pytest.raises(ByroteError, match="Did you mean 'label'"):
        task(label="LABEL")
    said = Reading(
        label="a b", drop=("c", "d"), types=(("e=f", "date"),), test_share=0.3, size=30, test_column="t", series=("s",)
    )
    assert Reading.from_options(said.options()) == said
