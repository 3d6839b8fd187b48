"""The command in the report repeats the audit: it is carried out, and gives the same runs to the byte."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from byrote.cli import app
from byrote.record import Record
from byrote.report.settings import command
from byrote.task.loading import load_task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from small import small_task

TASK = """
import numpy as np
import byrote
from torch import nn

rng = np.random.default_rng(0)
x = rng.normal(size=(60, 3))
task = byrote.Task(lambda: nn.Linear(3, 2), byrote.Examples(x, rng.integers(0, 2, 60)), None, byrote.Recipe(epochs=9, batch_size=10))
"""


def run(line: str) -> None:
    for call in line.split(" && "):
        words = shlex.split(call)
        assert words[0] == "byrote"
        result = CliRunner().invoke(app, words[1:], catch_exceptions=False)
        assert result.exit_code == 0, result.output


@pytest.mark.slow
def test_the_command_of_the_report_gives_the_same_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for place in (first, second):
        place.mkdir()
        (place / "mine.py").write_text(TASK)
    monkeypatch.chdir(first)
    options = "--design 'subsets(fraction=0.6)' --canaries mislabeled=3,ambiguous=2 --seed 5 --epochs 2 --probe-every 1"
    for runs in (3, 5):
        run(f"byrote audit mine.py --runs {runs} --probe 'curvature(vectors=2)' {options} --workers 1")
    record = Record(first / "audits" / "mine")
    repeated = command(record)
    assert repeated is not None
    assert repeated in (first / "audits" / "mine" / "report.html").read_text().replace("&#39;", "'").replace(
        "&amp;", "&"
    )
    monkeypatch.chdir(second)
    run(repeated)
    again = Record(second / "audits" / "mine")
    assert again.manifest == record.manifest
    assert again.runs == record.runs == (0, 1, 2, 3, 4)
    for number in record.runs:
        name = Path("audits", "mine", "runs", f"{number:04d}.parquet")
        assert (second / name).read_bytes() == (first / name).read_bytes()


def test_a_collection_that_stopped_by_itself_is_repeated_block_by_block(tmp_path: Path) -> None:
    task, one = small_task(epochs=1), Compute(workers=1)
    record = collect(task, tmp_path / "first", until="error=0.3", compute=one, source="mine.py")
    assert sum(record.manifest["blocks"]) > len(record.runs)
    line = command(record)
    assert line is not None
    loop = re.fullmatch(r"for runs in ([\d ]+); do byrote audit mine.py --runs \$runs --design [^;]*; done", line)
    assert loop
    counts = [int(each) for each in loop[1].split()]
    assert (counts[0], counts[-1]) == (4, len(record.runs))
    for runs in counts:
        again = collect(task, tmp_path / "second", runs=runs, compute=one)
    assert again.runs == record.runs
    assert all((again.member(run) == record.member(run)).all() for run in record.runs)


def test_two_tasks_in_one_folder_have_two_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "other"):
        Path(f"{name}.py").write_text(TASK)
    assert [load_task(f"{name}.py").name for name in ("one", "other")] == ["one", "other"]
    Path("named.py").write_text(TASK.replace("batch_size=10)", "batch_size=10), name='mine'"))
    assert load_task("named.py").name == "mine"
