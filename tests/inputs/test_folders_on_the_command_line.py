"""A folder of pictures, a folder of series and a table of series, from the command line to the report."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from byrote.cli import app
from byrote.errors import InvalidData
from byrote.inputs.opening import open_task
from byrote.inputs.reading import Reading
from byrote.record import Record
from cli.test_cli import assert_message, byrote
from inputs.folders import pictures, series

FEW = ("--runs", "3", "--epochs", "4", "--canaries", "0", "--workers", "1")


def audit(where: Path, *words: str) -> tuple[Record, str, dict[str, Any]]:
    """Audit with three runs of four epochs; return the record, what was said, and the data of the page."""
    result = byrote("audit", *words, "--out", where, *FEW)
    assert result.returncode == 0, result.stderr
    page = (where / "report.html").read_text()
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return Record(where), result.stderr, json.loads(found[1])


@pytest.mark.slow
def test_a_folder_of_pictures(tmp_path: Path) -> None:
    root = pictures(tmp_path / "flags", 12, lambda at: (24, 16) if at % 2 else (36, 24), "jpg")
    (root / "red" / "copy.jpg").write_bytes((root / "red" / "1.jpg").read_bytes())
    (root / "red" / "bad.png").write_bytes(b"nothing")
    record, said, data = audit(tmp_path / "audit", str(root))
    for part in (
        "25 pictures of 2 classes: blue (12), red (13)",
        "red/bad.png (no picture)",
        "red/1.jpg = red/copy.jpg",
    ):
        assert part in said
    assert record.classes == ("blue", "red")
    names = {name.partition("/")[2] for name in record.population.ids.tolist()}
    assert names == {path.relative_to(root).as_posix() for path in root.rglob("*.jpg")}
    assert record.population.inputs.shape == (25, 3, 16, 24)
    red = record.population.inputs[record.population.labels == 1]
    assert red[:, 0].mean() > red[:, 2].mean() + 100, "channels keep their order"
    assert data["pictures"]
    assert all(picture.startswith("data:image/png") for picture in data["pictures"].values())
    at = record.population.ids.tolist()
    together = [next(i for i, name in enumerate(at) if name.endswith(f"red/{end}.jpg")) for end in ("1", "copy")]
    for run in record.runs:
        assert len({bool(record.member(run)[i]) for i in together}) == 1, "copies are left out together"
    assert byrote("audit", root, "--out", tmp_path / "audit", *FEW).returncode == 0, "the same command goes on"
    (root / "red" / "1.jpg").write_bytes((root / "blue" / "1.jpg").read_bytes())
    changed = byrote("audit", root, "--out", tmp_path / "audit", *FEW)
    assert changed.returncode == 1
    assert "byrote: " in changed.stderr
    assert "Traceback" not in changed.stderr


@pytest.mark.slow
def test_a_folder_and_a_table_of_series(tmp_path: Path) -> None:
    root = series(tmp_path / "waves", 12, lambda at: 40 + at % 3)
    record, said, data = audit(tmp_path / "audit", str(root), "--size", "42")
    assert "Channels: x, y." in said
    assert record.population.display.columns == ("x", "y", "measured")
    assert data["signal"]["names"] == ["x", "y", "measured"]
    assert data["signal"]["time"] == 42
    rows = ["id,rhythm," + ",".join(f"t{at}" for at in range(10))]
    rng = np.random.default_rng(0)
    rows += [
        f"beat{at},{'fast' if at % 2 else 'slow'}," + ",".join(map(str, rng.normal(size=10).round(3)))
        for at in range(24)
    ]
    (tmp_path / "beats.csv").write_text("\n".join(rows))
    record, said, data = audit(tmp_path / "beats", str(tmp_path / "beats.csv"), "--label", "rhythm", "--id", "id")
    assert "t0 ... t9" in said
    assert record.population.display.kind == "signal"
    assert {name.partition("/")[2] for name in record.population.ids.tolist()} == {f"beat{at}" for at in range(24)}


def test_what_cannot_be_audited_says_so(tmp_path: Path) -> None:
    assert_message(byrote("audit", tmp_path), "holds no pictures (.jpg, .png ...) and no series")
    pictures(tmp_path, 3)
    assert_message(byrote("audit", tmp_path, "--label", "kind"), "--label is about columns of a table")


def test_a_name_of_nothing_is_answered_with_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("parts", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "rows.csv").touch()
    monkeypatch.chdir(tmp_path)
    for given, near in (("part", "parts"), ("row.csv", "rows.csv"), ("./part", "parts"), ("fashon", "fashion")):
        with pytest.raises(InvalidData, match=f"Did you mean '{near}'.*Give a folder with class folders, a table"):
            open_task(given)
    with pytest.raises(InvalidData, match=r"no task, table or folder named 'zzz'\. Give a folder"):
        open_task("zzz")


def test_what_an_audit_wrote_is_no_data(tmp_path: Path) -> None:
    pictures(tmp_path, 3)
    (tmp_path / "audits/x/runs").mkdir(parents=True)
    (tmp_path / "audits/x/record.json").touch()
    for run in range(20):
        (tmp_path / f"audits/x/runs/{run}.parquet").touch()
    assert open_task(str(tmp_path)).classes == ("blue", "red"), "20 runs are no series"
    with pytest.raises(InvalidData, match="is what an audit wrote, and no data"):
        open_task(str(tmp_path / "audits/x"))


def test_sizes_that_no_network_reads_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="size=3 is no number of pixels or time steps that a network can read"):
        Reading(size=3)
    result = CliRunner().invoke(app, ["audit", str(tmp_path), "--size", "3"])
    assert "3 is not in the range x>=8" in result.output
