"""Working: one process of this machine trains a run, its progress can be read, and nothing is left behind."""

import json
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import pytest

from byrote.record import run_path
from byrote.record.storage import exists, place, replacing, scratch_folder
from byrote.training.claims import claim, log, scratch, ticked, ticker, tidy

HOLD = """
import sys, tempfile
from byrote.record.storage import place
from byrote.training.claims import claim
tempfile.tempdir = {temporary!r}
with claim(place({where!r}), 3) as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["here", "far"])
def where(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return str(tmp_path / "record") if request.param == "here" else f"memory://{uuid.uuid4().hex}"


def test_a_run_belongs_to_one_process_until_it_dies(where: str, tmp_path: Path) -> None:
    code = HOLD.format(temporary=str(tmp_path), where=where)
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"True\n"
        with (
            claim(place(where), 3) as mine,
            claim(place(where), 4) as another,
            claim(place(where + "x"), 3) as elsewhere,
        ):
            assert (mine, another, elsewhere) == (False, True, True)
        other.kill()
        other.wait()
    with claim(place(where), 3) as mine:
        assert mine


def test_progress_is_read_by_any_process_of_this_machine(where: str) -> None:
    assert ticked(place(where), 3) == 0
    with claim(place(where), 3):
        tick = ticker(place(where), 3)
        for step in (1, 2, 17):
            tick(step)
            assert ticked(place(where), 3) == step
    assert ticked(place(where), 4) == 0
    scratch(place(where), 3, "step").write_text("")
    assert ticked(place(where), 3) == 0


def test_finished_runs_leave_nothing(where: str) -> None:
    directory = place(where)
    for run in (3, 4):
        with claim(directory, run):
            ticker(directory, run)(1)
    with replacing(run_path(directory, 3)) as path:
        path.write_text("")
    tidy(directory)
    left = {path.stem for path in scratch_folder(directory).iterdir()}
    assert left == {"0004"}
    with replacing(run_path(directory, 4)) as path:
        path.write_text("")
    tidy(directory)
    tidy(directory)
    assert not scratch_folder(directory).exists()
    assert exists(run_path(directory, 4))


@pytest.mark.parametrize("torn", [b'{"run": 0, "seco', b"\xff\xfe", b'{"run": 0, "seconds": 1}'])
def test_a_line_that_a_dying_process_tore_stays_alone(torn: bytes, tmp_path: Path) -> None:
    """Without its end of line, the next entry would be added to it, and both would be lost."""
    (tmp_path / "log.jsonl").write_bytes(torn)
    for run in (1, 2):
        log(tmp_path, {"run": run, "seconds": 2.0})
    before, *after = (tmp_path / "log.jsonl").read_bytes().splitlines()
    assert before == torn
    assert [json.loads(line)["run"] for line in after] == [1, 2]
