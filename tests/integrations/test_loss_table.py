"""A table of losses per example and epoch, written by someone else, becomes the columns that scores read."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

from byrote.errors import InvalidData, MissingEvidence
from byrote.integrations.loss_table import read_table
from byrote.scores import (
    correctness,
    csl,
    first_learned,
    forgetting,
    learning_time,
    lira,
    loss,
    mean_confidence,
    memorization,
)

EPOCHS, EXAMPLES = 5, 7


def rows(seed: int = 0) -> tuple[pa.Table, dict[str, np.ndarray]]:
    """Rows in any order, and what they say over [step example]."""
    rng = np.random.default_rng(seed)
    whole = {
        "loss": rng.gamma(1, 1, (EPOCHS, EXAMPLES)).astype(np.float32),
        "correct": rng.random((EPOCHS, EXAMPLES)) < 0.6,
        "confidence": rng.random((EPOCHS, EXAMPLES)).astype(np.float32),
    }
    step, example = (axis.ravel() for axis in np.indices((EPOCHS, EXAMPLES)))
    order = rng.permutation(step.size)
    columns = {name: values.ravel()[order] for name, values in whole.items()}
    ids = np.array([f"im{i}" for i in range(EXAMPLES)])
    named = {"example": ids[example[order]], "epoch": 10 * step[order] + 3, "label": example[order] % 2}
    return pa.table(named | columns), whole


def save(table: pa.Table, path: Path) -> Path:
    csv.write_csv(table, path) if path.suffix == ".csv" else pq.write_table(table, path)
    return path


@pytest.mark.parametrize("name", ["losses.csv", "losses.parquet"])
def test_scores_of_a_table_are_those_of_the_arrays(name: str, tmp_path: Path) -> None:
    table, whole = rows()
    read = read_table(save(table, tmp_path / name))
    assert read.ids.tolist() == [f"im{i}" for i in range(EXAMPLES)]
    assert read.column["label"].tolist() == [i % 2 for i in range(EXAMPLES)]
    np.testing.assert_allclose(read.column["loss_seen"], whole["loss"])
    for score, column in (
        (csl, "loss"),
        (forgetting, "correct"),
        (learning_time, "correct"),
        (mean_confidence, "confidence"),
    ):
        values = whole[column].astype(np.float32)
        if score is mean_confidence:
            score = score.bind(until=EPOCHS)
        np.testing.assert_allclose(read.apply(score), score(values), rtol=1e-6)
    np.testing.assert_allclose(read.apply(correctness), whole["correct"].mean(axis=0), rtol=1e-6)


def test_clean_passes_have_a_last_step(tmp_path: Path) -> None:
    table, whole = rows()
    read = read_table(save(table, tmp_path / "a.parquet"), seen=False)
    np.testing.assert_array_equal(read.apply(loss), whole["loss"][-1])
    np.testing.assert_array_equal(read.apply(loss.bind(step=2)), whole["loss"][1])
    for step in (0, 6, "last"):
        with pytest.raises(MissingEvidence, match=rf"step={step!r}, .*steps 1 to 5.*'step=1'"):
            read.apply(loss.bind(step=step))
    with pytest.raises(MissingEvidence, match="read it with the other value of `seen`"):
        read.apply(csl)
    for score in (lira, memorization):
        with pytest.raises(MissingEvidence, match=f"{score.name} reads"):
            read.apply(score)


def test_a_row_that_is_missing_is_nan(tmp_path: Path) -> None:
    table, whole = rows()
    gone = table.slice(4)
    read = read_table(save(gone, tmp_path / "a.csv"))
    assert np.isnan(read.column["loss_seen"]).sum() == 4
    there = ~np.isnan(read.column["loss_seen"])
    np.testing.assert_allclose(read.column["loss_seen"][there], whole["loss"][there])


def test_other_names_numbers_and_gaps(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("uid,ep,xent,hit\n11,2,0.5,True\n11,0,inf,False\n4,0,1.5,True\n4,2,,False\n")
    read = read_table(path, names={"example": "uid", "epoch": "ep", "loss": "xent", "correct": "hit"})
    assert read.ids.tolist() == ["4", "11"]
    np.testing.assert_array_equal(read.column["loss_seen"], [[1.5, np.inf], [np.nan, 0.5]])
    np.testing.assert_array_equal(read.column["correct_seen"], [[1, 0], [0, 1]])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("example,loss\n1,2\n", "It needs example, epoch and one of loss, correct, confidence, margin"),
        ("example,epoch,other\n1,2,3\n", "It needs example, epoch and one of"),
        ("example,epoch,loss\n1,0,2\n1,0,3\n", "several rows for example 1 at epoch 0. If they are of several runs"),
        ("example,epoch,loss\n1,0,low\n", "has string in loss, which are no numbers"),
        ("example,epoch,loss\n1,,2\n2,1,2\n", "has 1 empty of 2 values in epoch"),
        ("example,epoch,loss\n", "has 0 empty of 0 values in example"),
        ("example,epoch,loss,label\n1,0,2,a\n1,1,2,b\n", "several labels for example 1. An example has one label"),
        ("example,epoch,loss\n1,0\n", "cannot be read"),
        ("example,epoch,loss\na,early,1\na,late,2\n", "has 'early' and 'late' in epoch, which have no order"),
        ("example,epoch,loss\na,e1_s1,1\na,e2_s2,2\n", "which have no order"),
        ("example,epoch,loss\na,epoch_1,1\na,epoch_01,2\na,epoch_2,2\n", "several rows for example a at epoch 1"),
        ("example,epoch,confidence\na,1,1.5\n", "has 1.5 in confidence, row 1. Write values that are from 0 to 1"),
        ("example,epoch,correct\na,1,0\na,2,2\n", "has 2 in correct, row 2. Write values that are 0 or 1"),
        ('example,epoch,loss\n"",1,2\n', "has 1 empty of 1 values in example"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InvalidData, match=told):
        read_table(path)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="There is no file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(InvalidData, match=r"a\.json is neither \.csv, \.tsv nor \.parquet"):
        read_table(tmp_path / "a.json")
    (tmp_path / "a.parquet").write_text("{}")
    with pytest.raises(InvalidData, match=r"a\.parquet cannot be read"):
        read_table(tmp_path / "a.parquet")
    (tmp_path / "whole.csv").write_text("example,epoch,loss\n" + "".join(f"{i},1,0.5\n" for i in range(3000)))
    whole = gzip.compress((tmp_path / "whole.csv").read_bytes())
    for broken in (b"no gzip", whole[: len(whole) // 2], whole[:40] + b"\0\0\0\0" + whole[44:], b""):
        (tmp_path / "a.csv.gz").write_bytes(broken)
        with pytest.raises(InvalidData, match=r"a\.csv\.gz cannot be read"):
            read_table(tmp_path / "a.csv.gz")
    (tmp_path / "a.csv.gz").write_bytes(whole)
    assert len(read_table(tmp_path / "a.csv.gz").ids) == 3000


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_ids_are_the_text_that_was_written(ending: str, tmp_path: Path) -> None:
    """Zeros in front, twenty digits, what looks like a missing value: all are names, in natural order."""
    names = ["100", "007", "7", "12345678901234567890", "NA", "nan", "1e3", "9"]
    table = pa.table({"example": names, "epoch": [1] * len(names), "loss": np.arange(len(names), dtype=np.float64)})
    read = read_table(save(table, tmp_path / f"a.{ending}"))
    assert read.ids.tolist() == ["1e3", "007", "7", "9", "100", "12345678901234567890", "NA", "nan"]
    assert dict(zip(read.ids.tolist(), read.column["loss_seen"][0], strict=True)) == {
        name: at for at, name in enumerate(names)
    }


def test_whole_numbers_of_parquet_are_names_and_fractions_are_not(tmp_path: Path) -> None:
    large = 2**63 + 1
    table = pa.table({"example": pa.array([large, 7], pa.uint64()), "epoch": [1, 1], "loss": [1.0, 2.0]})
    assert read_table(save(table, tmp_path / "a.parquet")).ids.tolist() == ["7", str(large)]
    with pytest.raises(InvalidData, match=r"has double in example\. Write whole numbers or text"):
        read_table(save(pa.table({"example": [1.0], "epoch": [1], "loss": [1.0]}), tmp_path / "b.parquet"))


@pytest.mark.parametrize("name", ["{}", "epoch_{}", "run 3, epoch {}", "{}.0", "model-{:03}.pt"])
def test_epochs_come_in_the_order_of_their_numbers(name: str, tmp_path: Path) -> None:
    """In the order of text, 10 comes before 2, and an example that is never forgotten would be forgotten twice."""
    path = tmp_path / "a.csv"
    lines = [
        f"a,{name.format(e)},{e >= 3}\nb,{name.format(e)},{e >= 11}\n" for e in (5, 12, 1, 3, 2, 4, 11, 10, 9, 8, 7, 6)
    ]
    path.write_text("example,epoch,correct\n" + "".join(lines).replace("run 3, epoch", "run 3 epoch"))
    read = read_table(path)
    assert read.apply(forgetting).tolist() == [0, 0]
    assert read.apply(first_learned).tolist() == [3, 11]


def test_epochs_that_are_fractions_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("example,epoch,loss\na,0.5,3\na,10,1\na,2.25,2\n")
    assert read_table(tmp_path / "a.csv").column["loss_seen"].tolist() == [[3], [2], [1]]
