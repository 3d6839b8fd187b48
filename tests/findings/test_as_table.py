"""What is a table becomes a data frame of the real pandas, polars, DuckDB and datasets, with the same numbers."""

from typing import Any

import datasets
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import byrote
from byrote.errors import InvalidData, MissingEvidence
from byrote.evidence.tables import score_rows
from byrote.explain import explain, suggestions
from byrote.explain.explanation import EXPLAINED
from byrote.membership.attacks import Membership, attack_table, read_membership
from byrote.recall import Memory
from byrote.record import Record
from byrote.scores import forgetting, loss, memorization
from byrote.stats.estimate import Estimate


def test_values_are_a_data_frame_in_every_library(record: Record) -> None:
    values = byrote.evaluate(memorization, record)
    frames = {
        "pandas": pd.DataFrame.from_arrow(values),
        "polars": pl.DataFrame(values).to_pandas(),
        "pyarrow": pa.table(values).to_pandas(),
        "duckdb": duckdb.sql("select * from values").df(),
        "datasets": datasets.Dataset(pa.table(values)).to_pandas(),
    }
    for frame in frames.values():
        assert list(frame) == [
            "example",
            "memorization",
            "memorization low",
            "memorization high",
            "runs in",
            "runs out",
        ]
        assert frame["example"].tolist() == record.population.ids.tolist()
        np.testing.assert_array_equal(frame["memorization"].to_numpy(float), values.value)
        np.testing.assert_array_equal(frame["runs in"], values.runs_in)


def test_what_is_undefined_is_null_and_what_is_infinite_stays(record: Record) -> None:
    values = byrote.evaluate(forgetting, record)
    values.value[:2] = np.inf
    frame = pl.DataFrame(values)
    assert np.isnan(values.value).any()
    assert np.isinf(values.value).any()
    assert frame["forgetting"].null_count() == np.isnan(values.value).sum()
    assert not frame["forgetting"].is_nan().any()
    assert frame["forgetting"].is_infinite().sum() == np.isinf(values.value).sum()


def test_values_have_the_columns_that_the_command_line_writes(record: Record) -> None:
    row = score_rows(record, [byrote.evaluate(memorization, record)], top=1)[0]
    frame = pl.DataFrame(byrote.evaluate(memorization, record))
    assert [name for name in row if name != "label"] == frame.columns
    assert frame.row(by_predicate=pl.col("example") == row["example"], named=True) == {
        name: value for name, value in row.items() if name != "label"
    }


def test_an_attack_has_a_row_for_each_run_and_example(record: Record) -> None:
    found = byrote.guess(loss, record)
    frame = pl.DataFrame(found)
    at = frame.filter(run=found.runs[2], position=int(found.positions[5]))
    assert len(frame) == found.value.size
    assert at["loss"].item() == found.value[2, 5]
    assert at["member"].item() == found.member[2, 5]


@pytest.mark.parametrize("values", [["a", "b", "c"], [1, 2, 3], ["a", 2, True]])
def test_a_memory_is_a_table_of_its_entries(values: list[Any]) -> None:
    memory = Memory(2, metric="euclidean")
    memory.add(np.arange(6, dtype=np.float32).reshape(3, 2), values, ids=["x", "y", "z"])
    memory.delete(["y"])
    frame = pl.DataFrame(memory)
    kept = [values[0], values[2]] if len({type(each) for each in values}) == 1 else [str(values[0]), str(values[2])]
    assert frame["id"].to_list() == ["x", "z"]
    assert frame["value"].to_list() == kept
    assert frame["key"].to_list() == [[0.0, 1.0], [4.0, 5.0]]


def test_examples_have_ids_labels_scores_and_causes(record: Record) -> None:
    frame = byrote.example_table(record, [memorization, forgetting], explained=7).to_pandas()
    explained = {each.id: each.cause for each in explain(record, top=7)}
    assert frame["example"].tolist() == record.population.ids.tolist()
    assert (frame["split"] + "/" + frame["id"]).tolist() == record.population.ids.tolist()
    assert frame.set_index("example")["cause"].dropna().to_dict() == explained
    np.testing.assert_array_equal(frame["memorization"], byrote.evaluate(memorization, record).value)
    assert frame["label"].tolist() == [record.classes[label] for label in record.population.labels]
    assert frame["canary"].notna().sum() == record.population.where("canary").sum() > 0


def test_a_record_becomes_a_dataset(record: Record) -> None:
    dataset = datasets.Dataset(byrote.as_table(record))
    assert len(dataset) == len(record.population)
    assert dataset.filter(lambda row: row["cause"] is not None).num_rows == EXPLAINED


def test_lists_and_rows_are_tables(record: Record) -> None:
    explained, suggested = explain(record, top=4), suggestions(record)
    causes, labels = byrote.as_table(explained), byrote.as_table(suggested)
    assert causes["cause"].to_pylist() == [each.cause for each in explained]
    assert causes["memorization low"].to_pylist() == [each.memorization.low for each in explained]
    assert labels["predicted_label"].to_pylist() == [each.predicted_label for each in suggested]
    rows = byrote.as_table([{"a": 1}, {"a": None, "b": "x"}])
    assert rows.to_pylist() == [{"a": 1, "b": None}, {"a": None, "b": "x"}]


def test_attacks_and_compared_audits_are_tables(record: Record) -> None:
    found = read_membership(record)
    assert isinstance(found, Membership)
    assert byrote.as_table(found)["attack"].to_pylist() == [row["attack"] for row in attack_table(found)]
    change = byrote.compare_audits(record, record)
    assert sorted(byrote.as_table(change)["id"].to_pylist()) == sorted(change.ids.tolist())


def test_what_is_no_table_is_refused(record: Record) -> None:
    for no_table in (Estimate.undefined("run"), "text", [1, 2]):
        with pytest.raises(InvalidData, match="is no table"):
            byrote.as_table(no_table)


def test_a_score_without_evidence_says_so(record: Record) -> None:
    with pytest.raises(MissingEvidence):
        byrote.example_table(record, [loss.bind(step=99)])
