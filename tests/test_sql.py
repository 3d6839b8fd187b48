import re
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from byrote.evidence.evaluate import Values, evaluate
from byrote.record import Record
from byrote.scores import mean_confidence, memorization
from byrote.task.canaries import Canaries
from byrote.task.designs import Subsets
from byrote.task.examples import Examples
from byrote.task.models import mlp
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute

PAGE = (Path(__file__).parent.parent / "docs/sql.md").read_text()
BLOCKS = {
    name: code
    for code, name in re.findall(r"^```(?:sql|python)\n((?:--|#) (\w+)\n.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Six short runs with canaries: hard noise, few runs, so that values are of all kinds, NaN included."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 30)
    points = rng.normal(size=(90, 4)).astype(np.float32) + labels[:, None]
    train, test = Examples(points[::2], labels[::2]), Examples(points[1::2], labels[1::2])
    task = Task(
        lambda: mlp((4,), 3, width=64),
        train,
        test,
        Recipe(epochs=4, batch_size=16, learning_rate=0.3),
        ("ant", "bee", "cat"),
    )
    directory = tmp_path_factory.mktemp("record")
    return collect(task, directory, runs=6, design=Subsets(0.7), canaries=Canaries(3, 3, 3), compute=Compute(workers=1))


@pytest.fixture(autouse=True)
def _inside(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(record.directory)


def rows(name: str) -> list[tuple[Any, ...]]:
    return duckdb.sql(BLOCKS[name]).fetchall()


def python(name: str, scratch: Path) -> Any:
    script = scratch / f"{name}_block.py"
    script.write_text(BLOCKS[name])
    return runpy.run_path(str(script))["memorization"]


def assert_equal(found: Mapping[str, float | None], expected: Values, record: Record) -> None:
    real = record.population.where("train")
    assert sorted(found) == sorted(expected.ids[real].tolist())
    ours = expected.value[real]
    theirs = np.array([found[name] for name in expected.ids[real].tolist()], np.float64)
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-12)


def test_the_page_has_the_blocks_that_are_run_here() -> None:
    assert set(BLOCKS) == {"memorization", "mean_confidence", "most_memorized", "pandas", "polars"}
    assert len(re.findall("^```(?:sql|python)", PAGE, re.MULTILINE)) == len(BLOCKS)


def test_the_record_has_something_to_find(record: Record) -> None:
    value = evaluate(memorization, record).value[record.population.where("train")]
    assert len(np.unique(value[np.isfinite(value)])) > 4
    assert record.population.where("canary").sum() == 9


def test_duckdb_memorization(record: Record) -> None:
    expected, found = evaluate(memorization, record), rows("memorization")
    assert_equal({row[0]: row[1] for row in found}, expected, record)
    counts = {row[0]: (row[2], row[3]) for row in found}
    for name, inside, outside in zip(expected.ids, expected.runs_in, expected.runs_out, strict=True):
        assert counts.get(str(name), (inside, outside)) == (inside, outside)
    assert [row[1] for row in found if row[1] is not None] == sorted(
        (row[1] for row in found if row[1] is not None), reverse=True
    )


def test_duckdb_memorization_is_null_where_an_example_was_in_every_run(record: Record) -> None:
    only = sorted(record.directory.glob("runs/*.parquet"))[0].name
    found = duckdb.sql(BLOCKS["memorization"].replace("runs/*.parquet", f"runs/{only}")).fetchall()
    assert {row[1] for row in found} == {None}


def test_duckdb_mean_confidence(record: Record) -> None:
    found = {row[0]: row[1] for row in rows("mean_confidence")}
    assert_equal(found, evaluate(mean_confidence, record), record)


def test_duckdb_most_memorized_with_labels(record: Record) -> None:
    values, population = evaluate(memorization, record), record.population
    real = np.flatnonzero(population.where("train") & np.isfinite(values.value))
    best = sorted(real, key=lambda i: (-values.value[i], str(values.ids[i])))[:20]
    expected = [(str(values.ids[i]), record.classes[population.labels[i]]) for i in best]
    found = rows("most_memorized")
    assert [row[:2] for row in found] == expected
    np.testing.assert_allclose([row[2] for row in found], values.value[best], rtol=0, atol=1e-12)


def test_pandas_memorization(record: Record, tmp_path: Path) -> None:
    assert_equal(python("pandas", tmp_path).to_dict(), evaluate(memorization, record), record)


def test_polars_memorization(record: Record, tmp_path: Path) -> None:
    found = python("polars", tmp_path)
    assert_equal(dict(found.iter_rows()), evaluate(memorization, record), record)
    assert found["memorization"][0] == found["memorization"].max()
