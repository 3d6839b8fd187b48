"""Records anywhere: the same bytes, whole or not at all, and sentences where they cannot be reached."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import s3fs
from upath import UPath

import byrote
from byrote.errors import ByroteError, WrongRecord
from byrote.evidence.evaluate import evaluate
from byrote.record import (
    Record,
    finished_runs,
    run_path,
    write_manifest,
)
from byrote.record.storage import (
    exists,
    names,
    place,
    private_folder,
    read_all,
    read_bytes,
    read_ranges,
    replacing,
    scratch_folder,
)
from byrote.scores import forgetting, loss, mean_confidence, memorization
from byrote.training import hardware
from byrote.training.claims import log
from far import LAST, PAGE, RUNS, Disk, N, Server, environment, fill, serve
from small import small_task


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("server") / "log") as server, pytest.MonkeyPatch.context() as patch:
        for name, value in environment(server).items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        yield server
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def bucket(server: Server) -> str:
    name = f"byrote-{uuid.uuid4().hex}"
    s3fs.S3FileSystem().mkdir(name)
    return f"s3://{name}"


@pytest.fixture(params=[pytest.param("s3", marks=pytest.mark.cluster), "memory"])
def far(request: pytest.FixtureRequest) -> str:
    """A new place that is not on this disk."""
    return f"{request.getfixturevalue('bucket') if request.param == 's3' else f'memory://{uuid.uuid4().hex}'}/record"


def test_paths_stay_paths_and_urls_are_told_apart(tmp_path: Path) -> None:
    assert place("a/b") == Path("a/b")
    assert place(tmp_path) == tmp_path
    assert place("file:///tmp/a%20b") == Path("/tmp/a b")
    assert place(UPath(tmp_path)) == place(UPath(f"file://{tmp_path}")) == tmp_path
    assert all(type(place(each)) is type(tmp_path) for each in ("a", tmp_path, UPath(tmp_path), "file:///tmp"))
    far = place("s3://bucket/audits/fashion/")
    assert str(far) == str(place(far)) == "s3://bucket/audits/fashion"
    assert str(far / "runs" / "0001.parquet") == "s3://bucket/audits/fashion/runs/0001.parquet"
    assert place(UPath("s3://bucket/x", anon=True)).storage_options["anon"] is True


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("nope://x/y", r"nope://x/y cannot be a place for records .*'nope'.* Give a path, or a URL"),
        ("gs://bucket/x", r"gs://bucket/x needs a package that is not installed\. Please install gcsfs"),
        (Path("s3://bucket/x"), r"'s3:/bucket/x' looks like a URL that lost a slash\. Give URLs as text"),
    ],
)
def test_what_is_no_place_is_refused(where: Any, told: str) -> None:
    with pytest.raises(ByroteError, match=told):
        place(where)


def test_s3_without_its_package_says_what_to_install() -> None:
    code = "import sys; sys.modules['s3fs'] = None\nfrom byrote.record.storage import place\nplace('s3://bucket/x')"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr
    assert "ByroteError: s3://bucket/x needs the package s3fs, which is not installed." in told
    assert "pip install 'byrote[s3]'" in told


def write_and_fail(path: Any) -> None:
    with replacing(path) as aside:
        aside.write_text("half")
        raise ValueError


def test_replacing_is_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    with replacing(path) as aside:
        aside.write_text("old")
        assert not path.exists()
        assert aside.parent == path.parent
    assert path.read_text() == "old"
    assert path.stat().st_mode & 0o777 == 0o644
    with pytest.raises(ValueError):
        write_and_fail(path)
    assert path.read_text() == "old"
    assert [each.name for each in path.parent.iterdir()] == ["file.txt"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_files_have_the_mode_that_the_umask_says(umask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        with replacing(tmp_path / "new" / "file.txt") as aside:
            aside.write_text("x")
        task = small_task(epochs=1)
        byrote.collect(task, tmp_path / "record", runs=1, compute=byrote.Compute(workers=1))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new" / "file.txt").stat().st_mode) == mode
    files = [
        path
        for path in (tmp_path / "record").rglob("*")
        if path.is_file() and path.suffix != ".lock" and path.name != ".lock"
    ]
    assert len(files) >= 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {mode}


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    """Renaming a file to the name of a device would destroy it: as root, /dev/null."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with replacing(path) as aside:
        aside.write_text("new")
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert path.is_fifo()


def test_replacing_far_away_is_all_or_nothing(far: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = place(far) / "new" / "file.txt"
    with pytest.raises(ValueError):
        write_and_fail(path)
    assert names(path.parent) == []
    with replacing(path) as aside:
        aside.write_text("old")
        assert not exists(path)
    with pytest.raises(ValueError):
        write_and_fail(path)
    assert read_bytes(path) == b"old"
    assert names(path.parent) == ["file.txt"]
    with replacing(path) as aside:
        aside.write_text("new")
    assert read_all(path.parent) == {"file.txt": b"new"}
    assert list(tmp_path.iterdir()) == [], "scratch files are left"


def test_what_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ByroteError, match="Cannot write to"), replacing(tmp_path / "file" / "x"):
        pass
    (tmp_path / "taken").mkdir()
    with pytest.raises(ByroteError, match=r"Cannot write .*taken"), replacing(tmp_path / "taken") as aside:
        aside.write_text("")


UPLOAD = """
import warnings
from pathlib import Path
import byrote
from far import Disk
from byrote.record.storage import place, replacing
warnings.simplefilter("ignore")
Disk.register()
with replacing(place("disk://{path}"), Path({aside!r})):
    print("now", flush=True)
"""


def test_where_files_can_be_seen_half_they_are_put_under_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Disk.register()
    with pytest.warns(UserWarning, match="not explicitly implemented"):
        directory = place(f"disk://{tmp_path}/record")
    with replacing(directory / "file") as aside:
        aside.write_text("whole")
    assert names(directory) == ["file"]
    assert read_bytes(directory / "file") == b"whole"

    def put_half(self: Disk, source: str, target: str) -> None:
        Path(target).write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Disk, "put_file", put_half)
    with pytest.raises(ByroteError, match="No space left"), replacing(directory / "file") as aside:
        aside.write_text("new")
    assert names(directory) == ["file"]
    assert read_bytes(directory / "file") == b"whole"


def test_a_killed_upload_leaves_no_half_file_under_the_name(tmp_path: Path) -> None:
    folder, aside, size = tmp_path / "record", tmp_path / "aside", 1 << 27
    with aside.open("wb") as file:
        file.truncate(size)
    code = UPLOAD.format(path=folder / "file", aside=str(aside))
    process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        while not folder.exists() or not any(folder.iterdir()):
            assert process.poll() is None
        process.kill()
    assert not (folder / "file").exists() or (folder / "file").stat().st_size == size


def test_kinds_of_content_are_told_by_the_name(bucket: str) -> None:
    path = place(bucket) / "report.html"
    with replacing(path) as aside:
        aside.write_text("<p>")
    assert s3fs.S3FileSystem().info(path.path)["ContentType"] == "text/html"


def test_scratch_is_on_this_machine_and_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert scratch_folder(Path("a/b")) == Path("a/b/working")
    first, second = (scratch_folder(place(f"memory://{each}")) for each in "ab")
    assert first != second
    assert first == scratch_folder(place("memory://a/"))
    assert first.parent == second.parent == private_folder()
    assert stat.S_IMODE(private_folder().stat().st_mode) == 0o700
    private_folder().chmod(0o770)
    with pytest.raises(ByroteError, match=r"is not a folder of yours alone\. Remove it"):
        private_folder()
    private_folder_of_others = tmp_path / "elsewhere"
    private_folder_of_others.mkdir(mode=0o700)
    (tmp_path / f"byrote-{os.getuid()}").rmdir()
    (tmp_path / f"byrote-{os.getuid()}").symlink_to(private_folder_of_others)
    with pytest.raises(ByroteError, match="is not a folder of yours alone"):
        private_folder()
    (tmp_path / f"byrote-{os.getuid()}").unlink()
    (tmp_path / f"byrote-{os.getuid()}").write_text("")
    (tmp_path / f"byrote-{os.getuid()}").chmod(0o600)
    with pytest.raises(ByroteError, match="is not a folder of yours alone"):
        private_folder()


def test_a_far_record_is_the_local_one_byte_for_byte(far: str, tmp_path: Path) -> None:
    fill(far)
    fill(tmp_path)
    local = {each.relative_to(tmp_path): each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()}
    assert {name: read_bytes(place(far) / str(name)) for name in local} == local
    assert len(local) == RUNS + 2
    one, other = Record(far), Record(tmp_path)
    assert one.runs == other.runs == finished_runs(place(far)) == tuple(range(RUNS))
    assert one.manifest == other.manifest
    np.testing.assert_array_equal(one.population.ids, other.population.ids)
    np.testing.assert_array_equal(one.population.inputs, other.population.inputs)
    for run in one.runs:
        np.testing.assert_array_equal(one.member(run), other.member(run))
        assert one.run_settings(run) == {"run": run, "key": ""}
        for column in ("loss", "correct", "prediction_seen"):
            np.testing.assert_array_equal(one.over_steps(run, column), other.over_steps(run, column))
            np.testing.assert_array_equal(one.at_step(run, column, LAST), other.at_step(run, column, LAST))
            np.testing.assert_array_equal(one.at_step(run, column, 1), other.at_step(run, column, 1))


@pytest.mark.parametrize("tail", [8, 100, 4000, 1 << 18])
def test_far_files_are_read_in_ranges(tail: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the end of a file brings, and however wide the gaps that are fetched along."""
    monkeypatch.setattr("byrote.record.parquet.TAIL", tail)
    monkeypatch.setattr("byrote.record.storage.GAP", tail // 10)
    far = f"memory://{uuid.uuid4().hex}"
    fill(far, 3)
    fill(tmp_path, 3)
    one, other = Record(far), Record(tmp_path)
    np.testing.assert_array_equal(one.population.inputs, other.population.inputs)
    for column in ("correct", "loss_seen", "loss_seen"):
        for run in one.runs:
            np.testing.assert_array_equal(one.over_steps(run, column), other.over_steps(run, column))
            np.testing.assert_array_equal(one.at_step(run, column, LAST), other.at_step(run, column, LAST))
            np.testing.assert_array_equal(one.member(run), other.member(run))


def test_near_ranges_come_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    path = UPath(f"memory://{uuid.uuid4().hex}/file")
    path.fs.pipe_file(path.path, bytes(range(200)))
    monkeypatch.setattr("byrote.record.storage.GAP", 10)
    asked = [(50, 60), (15, 20), (0, 10), (52, 55), (65, 70), (80, 90)]
    assert [(start, len(data)) for start, data in read_ranges(path, asked)] == [(0, 20), (50, 20), (80, 10)]
    monkeypatch.setattr("byrote.record.storage.BLOCK", 19)
    found = read_ranges(path, asked)
    assert [(start, len(data)) for start, data in found] == [(0, 10), (15, 5), (50, 10), (65, 5), (80, 10)]
    assert all(data == bytes(range(start, start + len(data))) for start, data in found)
    assert read_ranges(path, []) == []


def test_scores_far_away_equal_local_ones_in_few_requests(server: Server, bucket: str, tmp_path: Path) -> None:
    fill(bucket)
    fill(tmp_path)
    before, requests = len(server.requests()), list[int]()
    record = Record(bucket)
    requests.append(len(server.requests()) - before)
    for score in (memorization, loss, mean_confidence, forgetting):
        before = len(server.requests())
        found, expected = evaluate(score, record), evaluate(score, Record(tmp_path))
        requests.append(len(server.requests()) - before)
        for name in ("value", "low", "high", "runs_in"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert requests[0] <= 5
    assert requests[1] == 2 * RUNS, "the size and the end of each file"
    assert requests[2:] == [0, 0, 0], "the end holds all of a small run"


def test_runs_that_others_write_and_remove_are_seen(bucket: str) -> None:
    url, directory = f"{bucket}/record", place(f"{bucket}/record")
    fill(directory, 2)
    assert finished_runs(directory) == (0, 1)
    code = f"from far import fill; fill({url!r}, 4)"
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent.parent, check=True)
    assert exists(run_path(directory, 3))
    assert finished_runs(directory) == Record(url).runs == (0, 1, 2, 3)
    code = f"from byrote.record.storage import place; place({str(run_path(directory, 1))!r}).unlink()"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert finished_runs(directory) == Record(url).runs == (0, 2, 3)
    assert not exists(run_path(directory, 1))


def test_many_runs_are_one_listing(server: Server, bucket: str) -> None:
    directory = place(bucket)
    s3fs.S3FileSystem().pipe({run_path(directory, run).path: b"" for run in range(2 * PAGE + 1)})
    before = len(server.requests())
    assert finished_runs(directory) == tuple(range(2 * PAGE + 1))
    assert len(server.requests()) - before == 3


WRITE = """
import sys
import numpy as np
import byrote
from far import N, steps
from byrote.record import run_path, write_run
from byrote.record.storage import place
from layout import LAYOUT, run_settings
def halting(steps):
    for step in steps:
        yield step
        print(step.step, flush=True)
        sys.stdin.readline()
member = np.arange(N) % 2 == 0
write_run(run_path(place({url!r}), 7), halting(steps(member, 7)), member, np.arange(N).astype(str), run_settings(7), LAYOUT)
"""


def start(url: str) -> subprocess.Popen[str]:
    """Start a process that writes run 7 and waits to be told to go on after each step."""
    command = [sys.executable, "-c", WRITE.format(url=url)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=Path(__file__).parent.parent, stdin=pipe, stdout=pipe, text=True, bufsize=1)


def test_a_killed_writer_leaves_nothing(bucket: str) -> None:
    with start(bucket) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        process.send_signal(signal.SIGKILL)
    assert s3fs.S3FileSystem().find(bucket, refresh=True) == []
    with start(bucket) as process:
        process.communicate("\n" * LAST)
    assert finished_runs(place(bucket)) == (7,)


def test_two_writers_of_one_run_leave_one_of_them_whole(bucket: str) -> None:
    with start(bucket) as first, start(bucket) as second:
        assert first.stdout is not None
        assert first.stdout.readline() == "1\n"
        second.communicate("\n" * LAST)
        path = run_path(place(bucket), 7)
        early = read_bytes(path)
        first.communicate("\n" * LAST)
    assert finished_runs(place(bucket)) == (7,)
    assert read_bytes(path) == early
    assert early.endswith(b"PAR1")


def test_seconds_are_read_from_a_file_for_each_run(far: str, tmp_path: Path) -> None:
    entries = [{"run": run, "seconds": run / 4, "worker": 1, "finished": 0.0} for run in (0, 3, 12)]
    for where in (far, tmp_path):
        fill(where, 1)
        assert Record(where).seconds() == {}
        for entry in entries:
            log(place(where), entry)
        assert Record(where).seconds() == {0: 0.0, 3: 0.75, 12: 3.0}
    assert sorted(names(place(far) / "log")) == ["0000.json", "0003.json", "0012.json"]


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "FSSPEC_S3_ENDPOINT_URL"])
def test_the_endpoint_may_be_given_in_the_environment(server: Server, bucket: str, name: str) -> None:
    fill(bucket, 1)
    plain = {key: value for key, value in os.environ.items() if "ENDPOINT" not in key}
    code = f"from byrote.record import Record; print(Record({bucket!r}))"
    environ = {**plain, name: server.endpoint}
    told = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert told.stdout == f"Record('{bucket}/': 1 runs, {N} examples)\n"


def test_options_of_the_file_system_may_be_given(server: Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(bucket, 1)
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    given = UPath(bucket, endpoint_url=server.endpoint, key="someone", secret="secret")
    assert Record(given).runs == (0,)
    with pytest.raises(
        ByroteError, match=r"cannot be reached \(NoCredentialsError.*Check the address, the credentials"
    ):
        Record(UPath(bucket, endpoint_url=server.endpoint))


def test_what_cannot_be_reached_is_a_sentence(bucket: str, tmp_path: Path) -> None:
    nowhere = place(f"s3://not-{bucket[5:]}/record")
    with pytest.raises(WrongRecord, match=r"is not a record: it has no record\.json"):
        Record(nowhere)
    assert finished_runs(nowhere) == ()
    with pytest.raises(
        ByroteError, match=r"Cannot write s3://not-.*/record.json \(The specified bucket does not exist\)"
    ):
        write_manifest(nowhere, {})
    closed = UPath(bucket, endpoint_url="http://127.0.0.1:1", config_kwargs={"retries": {"max_attempts": 0}})
    with pytest.raises(ByroteError, match=r"cannot be reached \(EndpointConnectionError.*the network\."):
        Record(closed)
    with serve(tmp_path / "log", INITIAL_NO_AUTH_ACTION_COUNT="0") as strict:
        options = {"endpoint_url": strict.endpoint}
        with pytest.raises(
            ByroteError, match=r"cannot be reached \(PermissionError: .*Check the address, the credentials"
        ):
            Record(UPath("s3://strict/x", **options))
        with pytest.raises(ByroteError, match=r"s3://strict/x/record\.json cannot be reached \(PermissionError"):
            write_manifest(place(UPath("s3://strict/x", **options)), {})


@pytest.fixture(autouse=True)
def _same_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two directories are compared to the bit, so neither may settle on another way to multiply by a stopwatch."""
    monkeypatch.setattr(hardware, "fastest_matmul", lambda device: "highest")


COLLECT = """
from small import small_task
from byrote.training.collect import collect
from byrote.training import hardware
from byrote.training.compute import Compute
hardware.fastest_matmul = lambda device: "highest"
collect(small_task(epochs={epochs}), {url!r}, runs=4, compute=Compute(workers=1))
"""


def collecting(url: str, epochs: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", COLLECT.format(url=url, epochs=epochs)]
    return subprocess.Popen(command, cwd=Path(__file__).parent.parent, start_new_session=True)


def run_bytes(where: Any) -> dict[str, bytes]:
    return read_all(place(where) / "runs")


def test_collecting_far_away_equals_collecting_here(bucket: str, tmp_path: Path) -> None:
    url = f"{bucket}/audits/small"
    told: list[int] = []
    far = byrote.collect(
        small_task(), url, runs=4, compute=byrote.Compute(workers=2), progress=lambda now: told.append(now.steps)
    )
    here = byrote.collect(small_task(), tmp_path, runs=4, compute=byrote.Compute(workers=2))
    assert run_bytes(url) == run_bytes(tmp_path)
    assert far.runs == here.runs == (0, 1, 2, 3)
    assert far.manifest == here.manifest
    assert sorted(far.seconds()) == [0, 1, 2, 3]
    assert told[-1] == 4 * far.last_step
    assert not list(scratch_folder(place(url)).glob("0*")), "scratch files are left"
    whole = run_bytes(url)
    run_path(place(url), 2).unlink()
    assert byrote.collect(small_task(), url, runs=4, compute=byrote.Compute(workers=1)).runs == (0, 1, 2, 3)
    assert run_bytes(url) == whole
    with pytest.raises(WrongRecord, match=r"small holds runs of another audit: seed is 0 there and 1 here"):
        byrote.collect(small_task(), url, runs=4, seed=1)


def test_a_killed_collection_goes_on_where_it_stopped(bucket: str) -> None:
    epochs = 60
    killed, straight = (f"{bucket}/{name}" for name in ("killed", "straight"))
    byrote.collect(small_task(epochs=epochs), straight, runs=4, compute=byrote.Compute(workers=1))
    first = collecting(killed, epochs)
    while not finished_runs(place(killed)):
        assert first.poll() is None, "it ended before it could be killed: use more epochs"
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    kept = run_bytes(killed)
    assert 1 <= len(kept) < 4
    byrote.collect(small_task(epochs=epochs), killed, runs=4, compute=byrote.Compute(workers=1))
    assert run_bytes(killed) == run_bytes(straight)


def test_two_collections_into_one_far_place_go_well(bucket: str) -> None:
    together, alone = (f"{bucket}/{name}" for name in ("together", "alone"))
    processes = [collecting(together, 20) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    byrote.collect(small_task(epochs=20), alone, runs=4, compute=byrote.Compute(workers=1))
    assert run_bytes(together) == run_bytes(alone)
    assert sorted(Record(together).seconds()) == [0, 1, 2, 3]


def test_the_command_line_takes_urls(bucket: str, tmp_path: Path) -> None:
    url = f"{bucket}/small"
    for where in (url, tmp_path):
        fill(where)
    said: list[str] = []
    for where in (url, str(tmp_path)):
        command = [sys.executable, "-m", "byrote", "score", where, "memorization", "csl", "--csv"]
        said.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert said[0] == said[1]
    assert said[0].startswith("example,")
    command = [sys.executable, "-m", "byrote", "report", url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.endswith(f"\nreport: {url}/report.html\n")
    assert read_bytes(place(url) / "report.html").startswith(b"<!doctype html>")
    told = subprocess.run(
        [sys.executable, "-m", "byrote", "score", f"{bucket}/nothing", "csl"], capture_output=True, text=True
    )
    assert (told.returncode, told.stdout) == (1, "")
    assert (
        told.stderr
        == f"byrote: {bucket}/nothing is not a record: it has no record.json. Give the directory of a record.\n"
    )
