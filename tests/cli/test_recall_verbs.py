"""`byrote recall list`, `look-up` and `delete` on a saved memory."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from byrote.cli.recall_verbs import recall
from byrote.errors import InvalidData, WrongRecord
from byrote.recall import Memory, open_memory


def run(*arguments: object) -> Result:
    return CliRunner().invoke(recall, [str(each) for each in arguments])


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    memory = Memory(4)
    memory.add(rng.normal(size=(30, 4)), [f"name {i}" for i in range(30)])
    memory.calibrate(rng.normal(size=(50, 4)), 0.1)
    memory.save(tmp_path / "m")
    np.save(tmp_path / "queries.npy", np.concatenate([memory.keys(["3"]), -memory.keys(["3"])]))
    return tmp_path / "m"


def test_list(saved: Path) -> None:
    shown = run("list", saved)
    assert shown.exit_code == 0
    assert "name 19" in shown.stdout
    assert "name 20" not in shown.stdout
    assert "30 entries of 4 numbers a key (cosine, exact)" in shown.stderr
    assert "Known is what is nearer than 0.03571; 0.098 [" in shown.stderr
    assert f"{open_memory(saved).fingerprint:064x}" in shown.stderr
    rows = json.loads(run("list", saved, "--json").stdout)
    assert [row["id"] for row in rows] == [str(i) for i in range(30)]


def test_texts_of_strangers_do_not_reach_the_terminal_as_commands(tmp_path: Path) -> None:
    memory = Memory(4)
    memory.add(np.eye(4), ["[red]", "a\x1b[2Jb", "[/nothing]", "café"])
    memory.save(tmp_path / "m")
    shown = run("list", tmp_path / "m").stdout
    assert "\x1b" not in shown
    for text in ("[red]", "a\\x1b[2Jb", "[/nothing]", "café"):
        assert text in shown


def test_look_up(saved: Path) -> None:
    found = run("look-up", saved, saved.parent / "queries.npy", "-k", 2, "--csv")
    rows = list(csv.DictReader(io.StringIO(found.stdout)))
    assert [(row["query"], row["rank"]) for row in rows] == [("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")]
    assert (rows[0]["id"], rows[0]["value"], float(rows[0]["distance"]), rows[0]["known"]) == ("3", "name 3", 0, "yes")
    assert "queries are known" in run("look-up", saved, saved.parent / "queries.npy").stderr


def test_delete(saved: Path) -> None:
    before = open_memory(saved)
    before.delete(["3", "4"])
    done = run("delete", saved, "3", "4", "--prove")
    assert done.exit_code == 0
    assert done.stdout.strip() == f"{before.fingerprint:064x}"
    assert "2 entries are deleted; 28 are left." in done.stderr
    assert "never held them: yes" in done.stderr
    assert "are left: none" in done.stderr
    assert open_memory(saved).ids == before.ids
    assert run("delete", saved, "5").exit_code == 0
    assert len(open_memory(saved)) == 27


def test_refusals(saved: Path, tmp_path: Path) -> None:
    assert isinstance(run("delete", saved, "3", "absent").exception, InvalidData)
    assert len(open_memory(saved)) == 30
    assert isinstance(run("list", tmp_path).exception, WrongRecord)
    (tmp_path / "no.npy").write_bytes(b"nothing")
    assert "is no file of numpy.save" in str(run("look-up", saved, tmp_path / "no.npy").exception)
