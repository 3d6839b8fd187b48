import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import pytest

from byrote.errors import WrongRecord
from byrote.record import run_path, write_manifest
from byrote.record.storage import place, replacing
from byrote.training.manifest import alone, plan
from layout import MANIFEST as LAID_OUT

MANIFEST = {**LAID_OUT, "key": "k", "task": {"classes": ["a"]}, "steps": {"last": 3}, "seed": 0}
ALONE = """
import tempfile
from byrote.training.manifest import alone
from byrote.record.storage import place
tempfile.tempdir = {temporary!r}
print("waiting", flush=True)
with alone(place({where!r})):
    print("alone", flush=True)
"""


@pytest.fixture(params=["here", "far"])
def where(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return str(tmp_path / "record") if request.param == "here" else f"memory://{uuid.uuid4().hex}"


@pytest.mark.cluster
def test_processes_of_one_machine_plan_one_after_the_other(where: str, tmp_path: Path) -> None:
    code = ALONE.format(temporary=str(tmp_path), where=where)
    with alone(place(where)):
        other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline() == "waiting\n"
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.5)
    with other:
        assert other.stdout.readline() == "alone\n"


def test_blocks_are_extended_never_changed(where: str) -> None:
    directory = place(where)
    assert plan(directory, MANIFEST, 4) == [4]
    write_manifest(directory, {**MANIFEST, "blocks": [4]})
    assert [plan(directory, MANIFEST, wanted) for wanted in (0, 4, 7)] == [[4], [4], [4, 3]]
    with pytest.raises(WrongRecord, match="holds runs of another audit: seed is 0 there and 1 here"):
        plan(directory, {**MANIFEST, "key": "other", "seed": 1}, 4)


def test_runs_without_a_manifest_are_refused(where: str) -> None:
    with replacing(run_path(place(where), 0)) as path:
        path.write_text("")
    with pytest.raises(WrongRecord, match=r"has runs but no record\.json"):
        plan(place(where), MANIFEST, 4)
