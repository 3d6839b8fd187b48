"""The command as a user types it: real processes, real files; every failure is a message and status 1."""

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest

from byrote.cli import main
from byrote.record.reading import SCHEMA
from byrote.task.canaries import Canaries
from byrote.training.collect import collect
from byrote.training.compute import Compute
from small import small_task

BYROTE = [sys.executable, "-c", "from byrote.cli import main; main()"]

TASK = """
import numpy as np
import byrote
from torch import nn

rng = np.random.default_rng(0)
x = rng.normal(size=(60, 5)).astype("float32")
y = (x[:, 0] > 0).astype(int)
{change}
task = byrote.Task(
    model=lambda: nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, {classes})),
    train=byrote.Examples(x[:40], y[:40]{ids}),
    test=byrote.Examples(x[40:], y[40:]),
    recipe=byrote.Recipe(epochs={epochs}, batch_size=8),
    name="mine",
)
"""


def byrote(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, as its entry point does; importing torch anew each time would take minutes."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    argv, sys.argv = sys.argv, ["byrote", *map(str, arguments)]
    try:
        with contextlib.chdir(cwd or "."), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc(file=err)  # what the interpreter does with --debug
        status = 1
    finally:
        sys.argv = argv
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start a command in a session of its own, which signals end as at a terminal; background jobs ignore some of them."""
    return subprocess.Popen(
        [*BYROTE, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_heed_signals,
    )


def _heed_signals() -> None:
    """A shell's background jobs ignore SIGINT, and what nohup starts ignores SIGHUP; so would what they start."""
    for each in (signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)


def write_task(folder: Path, change: str = "", *, classes: int = 2, ids: str = "", epochs: int = 2) -> Path:
    path = folder / "my_task.py"
    path.write_text(TASK.format(change=change, classes=classes, ids=ids, epochs=epochs))
    return path


def assert_message(result: subprocess.CompletedProcess[str], *parts: str, after: tuple[str, ...] = ()) -> None:
    """Status 1, nothing on stdout, and one short line that says what was given, found, and to be done.

    `after` is how the lines before it begin, where the work had begun.
    """
    assert result.returncode == 1, result.stderr
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1 + len(after), result.stderr
    assert all(lines.pop(0).startswith(each) for each in after), result.stderr
    assert lines[0].startswith("byrote: ")
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in lines[0]
    assert lines[0].rstrip().endswith((".", "]"))


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("cli") / "record"
    collect(small_task(), directory, runs=10, canaries=Canaries.of_each(2), compute=Compute(workers=1))
    return directory


@pytest.mark.slow
def test_audit_of_a_file_writes_a_report_and_a_summary(tmp_path: Path) -> None:
    write_task(tmp_path)
    result = byrote("audit", "my_task.py", "--runs", 4, "--workers", 1, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "report: audits/mine/report.html" in result.stdout
    assert (tmp_path / "audits/mine/report.html").stat().st_size > 100_000
    again = byrote("audit", "my_task.py", "--runs", 0, cwd=tmp_path)
    assert again.returncode == 0
    assert again.stdout == result.stdout
    assert len((tmp_path / "audits/mine/log.jsonl").read_text().splitlines()) == 4


def test_fewer_runs_than_there_are_is_said(record: Path, caplog: pytest.LogCaptureFixture) -> None:
    for runs, said in ((4, True), (0, False), (10, False)):
        caplog.clear()
        found = collect(small_task(), record, runs=runs, canaries=Canaries.of_each(2), compute=Compute(workers=1))
        assert len(found.runs) == 10
        assert ("4 runs were asked for, and 10 are there: all of them are used." in caplog.text) == said


def test_a_file_named_as_a_module_is_a_sentence_also_for_python_m(tmp_path: Path) -> None:
    """`python -m` looks in the current folder first: before, this torch.py was taken for torch."""
    (tmp_path / "torch.py").write_text("task = None")
    (tmp_path / "click.py").write_text("task = None")
    command = [sys.executable, "-m", "byrote", "audit", "torch.py"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert_message(result, "torch.py has the name of the module 'torch', and would hide it. Rename the file.")


def test_audit_of_a_module_with_options(tmp_path: Path) -> None:
    write_task(tmp_path)
    result = byrote(
        "audit", "my_task:task", "--runs", 5, "--epochs", 3, "--design", "kfold(folds=5)", "--canaries", 1,
        "--seed", 7, "--out", "here", "--workers", 1, cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    manifest = json.loads((tmp_path / "here/record.json").read_text())
    assert manifest["recipe"]["epochs"] == 3
    assert manifest["design"] == "kfold(folds=5)"
    assert manifest["canaries"] == "canaries(mislabeled=1, ordinary=1, noise=1)"
    assert manifest["seed"] == 7


@pytest.mark.parametrize(
    ("change", "options", "told"),
    [
        ("x[3, 2] = np.nan", {}, ["1 of 40 inputs hold NaN or infinite values", "'3'"]),
        ("x[45, 2] = np.inf", {}, ["1 of 20 inputs hold NaN or infinite values", "'5'"]),
        ("y[7] = -1", {}, ["Label -1 of example '7' is out of range"]),
        ("y = y + 0.5", {}, ["Labels must be class indices"]),
        ("y[:] = 1", {}, ["All 40 training examples have label 1", "two classes"]),
        ("y = y[:-1]", {}, ["There are 20 inputs but labels of shape (19,)"]),
        ("", {"ids": ", ids=[0] * 40"}, ["1 ids are used more than once", "'0'"]),
        ("", {"classes": 3}, ["outputs of shape (2, 3)", "has 2 classes"]),
        ("x = x[:, :4]", {}, ["The model cannot read inputs of shape (2, 4)"]),
        ("1 / 0", {}, ["my_task.py, line 9, raises ZeroDivisionError"]),
        ("def broken(:", {}, ["my_task.py, line 9, raises SyntaxError"]),
        ("raise SystemExit(3)", {}, ["my_task.py, line 9, raises SystemExit"]),
    ],
)
def test_bad_tasks(tmp_path: Path, change: str, options: dict[str, object], told: list[str]) -> None:
    write_task(tmp_path, change, **options)  # type: ignore[arg-type]
    assert_message(byrote("audit", "my_task.py", "--runs", 2, cwd=tmp_path), *told)
    assert not (tmp_path / "audits").exists()


def test_files_that_are_no_tasks(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "other.py").write_text("task = 5\n")
    assert_message(byrote("audit", "empty.py", cwd=tmp_path), "empty.py does not define 'task'", "byrote.Task")
    assert_message(byrote("audit", "other.py", cwd=tmp_path), "is int, not byrote.Task")
    assert_message(byrote("audit", "absent.py", cwd=tmp_path), "There is no file 'absent.py'")
    assert_message(byrote("audit", "absent:task", cwd=tmp_path), "Importing 'absent' raises ModuleNotFoundError")
    assert_message(byrote("audit", "fashon"), "named 'fashon'", "Did you mean 'fashion'?")


def test_designs_that_do_not_fit(tmp_path: Path) -> None:
    write_task(tmp_path)
    for design, runs, told in (
        ("kfold(folds=41)", 41, "40 examples cannot be cut into 41 folds"),
        ("kfold(folds=5)", 7, "7 runs do not complete a repeat of 5 folds"),
        ("subsets(fraction=2)", 4, "leaves no one in or no one out"),
        ("subset", 4, "Did you mean 'subsets'?"),
        ("__import__('os').system('x')", 4, "is not a name with options"),
    ):
        assert_message(byrote("audit", "my_task.py", "--runs", runs, "--design", design, cwd=tmp_path), told)
    assert_message(
        byrote("audit", "my_task.py", "--canaries", 10, cwd=tmp_path), "30 canaries are more than a fifth of 40"
    )


def test_a_directory_of_another_task_or_schema(tmp_path: Path, record: Path) -> None:
    write_task(tmp_path)
    before = sorted(path.name for path in record.rglob("*"))
    assert_message(byrote("audit", "my_task.py", "--out", record, cwd=tmp_path), "holds runs of another audit", "--out")
    older = tmp_path / "older"
    older.mkdir()
    (older / "record.json").write_text('{"schema": 0}')
    for verb in (["audit", "my_task.py", "--out", older], ["score", older, "memorization"], ["report", older]):
        assert_message(byrote(*verb, cwd=tmp_path), "schema version 0", f"reads version {SCHEMA}")
    assert_message(byrote("report", tmp_path / "absent"), "is not a record")
    assert sorted(path.name for path in record.rglob("*") if path.name != ".lock") == [
        n for n in before if n != ".lock"
    ]


def test_devices_that_are_not_there(tmp_path: Path) -> None:
    write_task(tmp_path)
    for device in ("meta", "quantum"):
        result = byrote("audit", "my_task.py", "--device", device, cwd=tmp_path)
        assert_message(result, f"cannot use the device '{device}'", "--device cpu")


def test_places_that_cannot_be_written(tmp_path: Path, record: Path) -> None:
    write_task(tmp_path)
    assert_message(byrote("audit", "my_task.py", "--out", "/proc/byrote", cwd=tmp_path), "Cannot write to /proc/byrote")
    assert_message(byrote("report", record, "--out", "/proc/report.html"), "Cannot write", after=("drawing the page ",))


@pytest.mark.cluster
def test_ctrl_c_is_a_message_and_keeps_finished_runs(tmp_path: Path) -> None:
    write_task(tmp_path, epochs=150)
    process = start(tmp_path, "audit", "my_task.py", "--runs", "8", "--out", "out")
    while len(list((tmp_path / "out/runs").glob("*.parquet"))) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in told
    assert "Interrupted. What is finished is kept" in told
    kept = {path.name: path.read_bytes() for path in (tmp_path / "out/runs").glob("*.parquet")}
    assert 2 <= len(kept) < 8
    again = byrote("audit", "my_task.py", "--runs", 8, "--out", "out", "--workers", 1, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert {name: (tmp_path / "out/runs" / name).read_bytes() for name in kept} == kept


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    for arguments in (["--debug", "report", tmp_path], ["report", tmp_path, "--debug"]):
        result = byrote(*arguments)
        assert result.returncode == 1
        assert "Traceback" in result.stderr
        assert "WrongRecord" in result.stderr


def test_wrong_usage_is_status_2() -> None:
    for arguments in ([], ["score"], ["audit", "fashion", "--runs", "-1"], ["report", "x", "--nonsense"]):
        result = byrote(*arguments)
        assert result.returncode == 2, arguments
        assert "Traceback" not in result.stderr


def test_score_prints_a_table_csv_and_json(record: Path) -> None:
    table = byrote("score", record, "el2n(step=2)", "memorization", "--top", 5)
    assert table.returncode == 0, table.stderr
    assert len(table.stdout.splitlines()) == 6
    assert "10 runs" in table.stderr
    assert table.stderr.startswith("Sorted by the lower end of the 90 % interval of el2n(step=2), largest first.")
    assert "\nmemorization: " in table.stderr  # each in one sentence
    rows = list(csv.DictReader(io.StringIO(byrote("score", record, "el2n(step=2)", "memorization", "--csv").stdout)))
    same = json.loads(byrote("score", record, "el2n(step=2)", "memorization", "--json").stdout)
    assert len(rows) == len(same) == 76
    assert [row["example"] for row in rows] == [row["example"] for row in same]
    sure = [row["el2n(step=2) low"] for row in same if row["el2n(step=2) low"] is not None]
    assert sure == sorted(sure, reverse=True)
    assert float(rows[0]["memorization"]) == same[0]["memorization"]
    assert {"memorization low", "memorization high", "runs in", "runs out", "label"} <= set(rows[0])


def test_canaries_are_printed_only_on_request(record: Path) -> None:
    for split in ("train", "test"):
        assert "canary/" not in byrote("score", record, "mean_confidence", "--split", split, "--csv").stdout
    assert byrote("score", record, "memorization", "--split", "canary", "--csv").stdout.count("canary/") == 6
    assert "canary/" not in byrote("score", record, "influence", "--top", 50, "--csv").stdout


def test_a_score_of_ones_own(record: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        '"""Mine, 2026."""\n'
        "from jaxtyping import Float\nfrom numpy import ndarray\nimport byrote\n\n"
        "@byrote.score(high='hard')\n"
        'def worst(loss_seen: Float[ndarray, "step example"], *, power: int = 1) -> Float[ndarray, " example"]:\n'
        '    """Largest loss: high is hard."""\n'
        "    return loss_seen.max(0) ** power\n"
    )
    result = byrote("score", record, "mine.py:worst(power=2)", "--top", 3, "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)[0]["worst(power=2)"] > 0


def test_scores_that_do_not_exist_or_lack_evidence(record: Path, tmp_path: Path) -> None:
    assert_message(
        byrote("score", record, "memorisation"), "no score named 'memorisation'", "Did you mean 'memorization'?"
    )
    assert_message(byrote("score", record, "el2n(step=50)"), "Step 50 was asked for", "steps 1 to 3")
    assert_message(byrote("score", record, "el2n(stp=5)"), "no option 'stp'")
    assert_message(byrote("score", record, "influence", "memorization"), "only score")
    for asked in (["lira"], ["memorization", "lira"]):
        assert_message(
            byrote("score", record, *asked), "lira is a membership attack", f"`byrote attack {record}`", "byrote.guess"
        )
    collect(small_task(), tmp_path, runs=1, compute=Compute(workers=1))
    assert_message(
        byrote("score", tmp_path, "memorization"), "memorization needs 2 runs or more", "has 1 finished", "runs=2"
    )


@pytest.mark.slow
def test_report_again_equals_the_first(record: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.html", tmp_path / "b.html"
    lines = byrote("report", record, "--out", first).stdout.strip().splitlines()
    assert lines[0].startswith("Accuracy: ")  # the verdict, as after an audit
    assert any(line.startswith("Memorization is estimated by ") for line in lines)
    assert lines[-1] == f"report: {first}"
    byrote("report", record, "--out", second)
    assert first.read_bytes() == second.read_bytes()


def test_catalogue_lists_every_score() -> None:
    from byrote.scores import SCORES

    text = byrote("catalogue").stdout
    rows = json.loads(byrote("catalogue", "--json").stdout)
    assert len(rows) == len(SCORES)
    for row in rows:
        assert row["score"] in text
        assert row["paper"]
        assert row["needs"]
        assert row["high means"]


def test_help_and_version_import_nothing_heavy() -> None:
    code = "import sys; from byrote.cli import main\ntry: main()\nexcept SystemExit: pass\nprint(sorted({'torch', 'altair', 'pyarrow', 'scipy'} & set(sys.modules)))"
    for option in ("--help", "--version"):
        result = subprocess.run([sys.executable, "-c", code, option], capture_output=True, text=True)
        assert result.stdout.splitlines()[-1] == "[]", result.stderr
