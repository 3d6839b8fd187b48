"""`byrote causes` as a user types it."""

import csv
import io
import json
from pathlib import Path

import pytest

from cli.test_cli import assert_message, byrote

FILE = """
import numpy as np
import byrote

rng = np.random.default_rng(0)
x = rng.normal(size=(200, 4)).astype("float32")
y = (x[:, 0] > 0).astype(int)


def nearest(train, seed):
    def predict(x):
        found = np.argmin(((x[:, None] - train.inputs[None]) ** 2).sum(axis=2), axis=1)
        return np.where(np.eye(2)[train.labels[found]] > 0, 0.9, 0.1)
    return predict


task = byrote.Task(byrote.Fit(nearest), byrote.Examples(x[:150], y[:150]), byrote.Examples(x[150:], y[150:]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("causes_verb")
    (folder / "mine.py").write_text(FILE)
    return folder


def test_it_states_the_runs_prints_the_answer_and_writes_the_page(folder: Path) -> None:
    asked = ("causes", "mine.py", "--runs", 16, "--workers", 1)
    result = byrote(*asked, cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "16 runs: 4 arms of 4, on noise, variety, data" in result.stderr
    assert "is known when the first are finished" in result.stderr
    assert "Time was not examined" in result.stderr
    assert "As it is, the model's accuracy" in result.stdout
    assert "How sure: 16 runs in 4 arms of 4" in result.stdout
    assert "report: audits/mine-causes/causes.html" in result.stdout
    assert "byrote causes: mine" in (folder / "audits/mine-causes/causes.html").read_text()
    again = byrote(*asked, "--csv", cwd=folder)
    assert "16 runs, of which 16 are there already" in again.stderr
    rows = list(csv.DictReader(io.StringIO(again.stdout)))
    assert {row["name"] for row in rows if row["kind"] == "factor"} == {"noise", "variety", "data"}
    assert all(float(row["gap low"]) <= float(row["gap"]) <= float(row["gap high"]) for row in rows)
    found = json.loads(byrote(*asked, "--json", cwd=folder).stdout)
    assert [row["name"] for row in found] == [row["name"] for row in rows]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--runs", "7"], "Give 8 runs or more"),
        (["--remedy", "kfold(5)"], "detects memorization and does not reduce it"),
        (["--remedy", "dropout(0.5)"], "byrote.Fit"),
        (["--factor", "width"], "No factor can be examined"),
        (["--factor", "colour"], "There is no factor named 'colour'"),
    ],
)
def test_what_cannot_be_asked_is_one_message(folder: Path, options: list[str], said: str) -> None:
    result = byrote("causes", "mine.py", "--out", "other", *options, cwd=folder)
    assert_message(result, said)
    assert not (folder / "other").exists()
