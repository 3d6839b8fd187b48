"""The page of a table, of signals and of texts: what an example is, and never a distance between token ids."""

import json
import re
from typing import Any

import numpy as np
import pytest

from byrote.evidence.best_memorization import best_memorization
from byrote.record import Record
from byrote.record.display import Display
from byrote.record.population import Population
from byrote.report import write_report
from byrote.report.lines import HEIGHT, POINTS, Lines
from byrote.report.pictures import Album
from byrote.report.table_columns import number
from byrote.report.table_rows import COLUMNS, TableRows
from report.kinds import KINDS, LONG, UNUSUAL, make
from small_record import CLOSING, HOSTILE


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    return {kind: make(kind, tmp_path_factory.mktemp(kind) / "audit") for kind in KINDS}


@pytest.fixture(scope="module")
def pages(records: dict[str, Record]) -> dict[str, str]:
    return {kind: write_report(record).read_text() for kind, record in records.items()}


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.mark.parametrize("kind", KINDS)
def test_every_card_has_what_the_example_is_and_the_runs_behind_its_value(
    records: dict[str, Record], pages: dict[str, str], kind: str
) -> None:
    data, values = data_of(pages[kind]), best_memorization(records[kind])
    assert data["kind"] == kind
    assert data["items"]
    position = {name: at for at, name in enumerate(values.ids.tolist())}
    for item in data["items"]:
        at = position[item["id"]]
        assert (item["runsIn"], item["runsOut"]) == (values.runs_in[at], values.runs_out[at])
        assert item["runsIn"] + item["runsOut"] == 6
        assert (item["row"] is not None) == (kind == "table")
        assert (item["id"] in data["lines"]) == (kind == "signal")
        assert (item["id"] in data["texts"]) == (kind == "text")


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_are_text(pages: dict[str, str], kind: str) -> None:
    for name in (HOSTILE, CLOSING):
        assert name not in pages[kind]
    assert HOSTILE in json.dumps(data_of(pages[kind]))


def test_token_ids_have_no_distances(records: dict[str, Record], pages: dict[str, str]) -> None:
    data = data_of(pages["text"])
    for item in data["items"]:
        assert not item["neighbours"] + item["testNeighbours"] + item["duplicates"]
        assert item["remoteness"] is None
        assert not re.search("distance|nearest", item["evidence"])
    assert data["copies"] == []
    assert "Copies of texts are not looked for" in pages["text"]
    assert all("word" in text or HOSTILE in text for text in data["texts"].values())


def test_a_row_has_its_values_as_given_with_the_unusual_ones_marked(records: dict[str, Record]) -> None:
    population = records["table"].population
    table = Album(population).table
    assert table
    at = int(np.flatnonzero(population.ids == f"train/{UNUSUAL}")[0])
    assert table.glance(at)[0][:3] == [HOSTILE, "50", "high"]
    others = [int(i) for i in np.flatnonzero(population.where("train"))[20:22]]
    rows = dict(table.beside(at, others)["rows"])
    assert len(rows) == 24
    for column, cells in rows.items():
        assert [cell[0] for cell in cells] == [number(float(population.inputs[i, column])) for i in (at, *others)]
    assert rows[0][0][1] == "high"
    assert rows[0][1][1] == rows[0][2][1] == "differs"


def test_what_is_unusual_is_judged_robustly() -> None:
    """One huge value moves the mean and the standard deviation of a column, and not what is usual in it."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 60)).astype(np.float32)
    x[0, 0], x[1, 0], x[2, 1] = 1e6, 8, -8
    x[:, 2] = np.arange(1000) == 3
    x[:, 3] = 5
    population = Population.of(
        np.array([f"train/{i}" for i in range(1000)]), np.full(1000, "train"), np.zeros(1000, np.int64), x,
        display=Display("table", (), (60,)),
    )  # fmt: skip
    table = TableRows(population)
    assert table.glance(0)[0][::2] == ["column 0", "high"]
    assert table.glance(1)[0][:3] == ["column 0", "8", "high"]
    assert table.glance(2)[0][::2] == ["column 1", "low"]
    assert table.glance(3)[0] == ["column 2", "1", "rare", "0 (99.9\u00a0%) or 1 (0.1\u00a0%)"]
    assert all(row[2] for at in range(50) for row in table.unusual(at)), "a card names no usual value"
    assert table.unusual(3)[0] == table.glance(3)[0]
    assert [] in [table.unusual(at) for at in range(50)]
    marked = [cells[0][1] for at in range(4, 1000) for column, cells in table.beside(at, [])["rows"] if column != 2]
    assert np.mean([mark != "" for mark in marked]) < 0.01
    found = table.beside(0, [])
    assert (len(found["rows"]), found["left"]) == (COLUMNS, 20)
    assert [row[0] for row in found["rows"]] == sorted(row[0] for row in found["rows"])


def test_a_column_with_two_values_is_no_outlier_by_standard_deviations() -> None:
    """One in ten is 1: three standard deviations from 0, and yet usual. A value that neither is stays an outlier."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 4)).astype(np.float32)
    x[:, 0] = np.arange(1000) % 10 == 0
    x[0, 1:], x[1, 1:] = 2, 0
    population = Population.of(
        np.array([f"train/{i}" for i in range(1001)]), np.array(["train"] * 1000 + ["test"]), np.zeros(1001, np.int64),
        np.concatenate([x, [[9, 0, 0, 0]]]).astype(np.float32), display=Display("table", (), (4,)),
    )  # fmt: skip
    table = TableRows(population)
    assert "column 0" not in [row[0] for row in table.glance(0)]
    assert table.beside(0, [1])["rows"][0][1] == [["1", ""], ["0", "differs"]]
    assert table.usual[0] == "0 (90.0\u00a0%) or 1 (10.0\u00a0%)"
    assert table.glance(1000)[0][:3] == ["column 0", "9", "high"]


def test_long_signals_keep_their_peaks_and_share_a_scale() -> None:
    x = np.zeros((50, 1, 5000), np.float32)
    x += np.linspace(0, 1, 50, dtype=np.float32)[:, None, None]
    x[7, 0, 4321] = 99
    population = Population.of(
        np.array([f"train/{i}" for i in range(50)]), np.full(50, "train"), np.zeros(50, np.int64), x.reshape(50, -1),
        display=Display("signal", (), (1, 5000)),
    )  # fmt: skip
    lines = Lines(population)
    (line,) = lines.of(7)["lines"]
    assert len(line) <= POINTS
    assert [4321, HEIGHT] in line
    assert lines.of(7)["own"] == ["0.1429", "99"]  # far beyond what the others reach
    assert lines.of(0) == {"lines": [[[at, 0] for at, _ in lines.of(0)["lines"][0]]], "own": None}
    assert lines.of(49)["lines"][0][0] == [0, HEIGHT]
    assert [band[0] for band in lines.about["band"]][-1] == 4999


def test_the_scale_of_signals_holds_every_peak() -> None:
    x = np.random.default_rng(0).normal(0, 0.1, (60, 1, 200)).clip(-0.3, 0.3).astype(np.float32)
    x[::2, 0, 100], x[5, 0, 7], x[9, 0, 8] = 1.2, 1.744, -0.419
    population = Population.of(
        np.array([f"train/{i}" for i in range(60)]), np.full(60, "train"), np.zeros(60, np.int64), x.reshape(60, -1),
        display=Display("signal", (), (1, 200)),
    )  # fmt: skip
    lines = Lines(population)
    assert (lines.about["low"], lines.about["high"]) == ("-0.419", "1.744")
    assert [lines.of(at)["own"] for at in range(60)] == [None] * 60


def test_the_page_explains_the_estimator_and_what_high_and_low_are(pages: dict[str, str]) -> None:
    assert "Memorization is estimated by shrunk_memorization: " in pages["table"]
    assert "beyond 98&nbsp;% of the training examples" in pages["table"]
    assert "A difference of token ids means nothing" in pages["text"]
    assert LONG in pages["table"]
