"""Files of a memory: what is opened is what was saved, or the state before, whatever ends the saving in between."""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from upath import UPath

from byrote.errors import ByroteError, WrongRecord
from byrote.recall import Memory, open_memory, segments
from recall.by_hand import keys
from recall.saver import change


def held(memory: Memory) -> tuple[Any, ...]:
    return memory.ids, memory.values.tolist(), memory.keys().tobytes(), memory.fingerprint


def files(directory: Path) -> dict[str, tuple[int, int]]:
    found = {path.name: path.stat() for path in directory.iterdir() if path.suffix != ".lock"}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in found.items()}


def small(monkeypatch: pytest.MonkeyPatch, rows: int = 10) -> None:
    monkeypatch.setattr(segments.plan, "__kwdefaults__", {"most": rows})


@pytest.mark.parametrize(
    "values",
    [
        list(range(20)),
        [i / 3 for i in range(19)] + [float("inf")],
        [i % 2 == 0 for i in range(20)],
        [f"Wert ü {i}" for i in range(20)],
        [1, 2.5, True, "x", 2**70] * 4,
    ],
)
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_what_is_opened_is_what_was_saved(metric: Any, values: list[Any], tmp_path: Path) -> None:
    memory = Memory(5, metric=metric, most=25, evict="least_recently_used")
    memory.add(keys(20), values)
    memory.delete(["3"])
    memory.look_up(keys(2))
    memory.calibrate(keys(99, seed=5), 0.1)
    memory.save(tmp_path / "m")
    opened = open_memory(tmp_path / "m")
    assert held(opened) == held(memory)
    assert [type(value) for value in opened.values.tolist()] == [type(value) for value in memory.values.tolist()]
    assert opened.threshold == memory.threshold
    assert (opened.metric, opened.most, opened.evict, opened.index.name) == (metric, 25, "least_recently_used", "exact")
    assert memory.add(keys(8, seed=7), [0] * 8) == opened.add(keys(8, seed=7), [0] * 8) == ("2", "4")
    assert opened.ids == memory.ids, "numbers go on from the last, and the entries used last stay"


def test_an_empty_memory(tmp_path: Path) -> None:
    Memory(5).save(tmp_path)
    assert len(open_memory(tmp_path)) == 0


def test_only_what_has_changed_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    memory = Memory(5)
    memory.add(keys(40), list(range(40)))
    memory.save(tmp_path)
    first = files(tmp_path)
    assert len(first) == 5
    memory.save(tmp_path)
    memory.look_up(keys(3))
    memory.save(tmp_path)
    assert files(tmp_path) == first
    memory.update(["12"], [99])
    memory.save(tmp_path)
    second = files(tmp_path)
    assert len(second.keys() & first.keys() - {"memory.json"}) == 3
    memory = open_memory(tmp_path)
    memory.add(keys(1, seed=3), [1])
    memory.delete(["39"])
    memory.save(tmp_path)
    assert len(files(tmp_path).keys() & second.keys() - {"memory.json"}) == 3
    assert held(open_memory(tmp_path)) == held(memory)


def test_saving_after_each_entry_leaves_few_files_and_writes_each_entry_a_few_times(tmp_path: Path) -> None:
    memory, written = Memory(5), 0
    for i in range(64):
        before = files(tmp_path)
        memory.add(keys(1, seed=i), [i])
        memory.save(tmp_path)
        manifest = json.loads((tmp_path / "memory.json").read_text())
        written += sum(each["rows"] for each in manifest["segments"] if each["name"] not in before)
    assert len(files(tmp_path)) <= 2
    assert written <= 64 * 7, "6 times an entry, as by merging equals"


def test_what_is_deleted_is_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    memory = Memory(5, metric="euclidean")
    memory.add(keys(35), [f"secret{i:02d}" for i in range(35)], [f"person{i:02d}" for i in range(35)])
    memory.save(tmp_path)

    def there(i: int) -> list[bool]:
        data = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        return [text in data for text in (f"secret{i:02d}".encode(), f"person{i:02d}".encode(), keys(35)[i].tobytes())]

    before = files(tmp_path)
    assert all(there(17))
    memory.delete(["person17"])
    memory.save(tmp_path)
    assert not any(there(17))
    assert all(all(there(i)) for i in range(35) if i != 17)
    assert len(before.keys() & files(tmp_path).keys()) == 4, "one segment of four was written again"
    memory.delete([f"person{i:02d}" for i in range(10)])
    memory.save(tmp_path)
    assert len(list(tmp_path.glob("entries-*"))) == 3


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    small(monkeypatch)
    memory = Memory(5, evict="least_recently_used", most=100)
    memory.add(keys(40), list(range(40)))
    memory.calibrate(keys(99, seed=5), 0.1)
    memory.save(tmp_path / "m")
    return tmp_path / "m"


def test_a_file_that_is_cut_off_or_damaged_is_refused_by_name(saved: Path) -> None:
    for path in sorted(saved.iterdir()):
        if path.suffix == ".lock":
            continue
        whole = path.read_bytes()
        cuts = [0, 1, len(whole) // 2, len(whole) - 1]
        changed = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in (0, len(whole) // 2, len(whole) - 5)]
        for damaged in [*(whole[:cut] for cut in cuts), *changed]:
            if path.name == "memory.json" and damaged == whole[:-1]:
                continue  # without its line break it is whole
            path.write_bytes(damaged)
            before = files(saved)
            with pytest.raises(WrongRecord, match=f"{path.name} of the memory .* is damaged|has version"):
                open_memory(saved)
            assert files(saved) == before
        path.write_bytes(whole)
        assert len(open_memory(saved)) == 40
        path.rename(saved / "away")
        with pytest.raises(WrongRecord, match=f"{path.name}"):
            open_memory(saved)
        path.symlink_to(saved / "away")
        with pytest.raises(WrongRecord, match=f"{path.name} is a symbolic link, and byrote follows none in a memory"):
            open_memory(saved)
        path.unlink()
        (saved / "away").rename(path)
    assert len(open_memory(saved)) == 40


def test_impostors_that_are_no_numbers_are_refused_with_a_right_checksum(tmp_path: Path) -> None:
    memory = Memory(4)
    memory.add(keys(20, seed=0)[:, :4], range(20))
    memory.calibrate(keys(40, seed=1)[:, :4], 0.1)
    memory.save(tmp_path)
    manifest = json.loads((tmp_path / "memory.json").read_text())
    forged = tmp_path / manifest["impostors"]["name"]
    np.save(forged, np.full((40, 4), np.nan, np.float32))
    manifest["impostors"]["sha256"] = hashlib.sha256(forged.read_bytes()).hexdigest()
    (tmp_path / "memory.json").write_text(json.dumps(manifest))
    with pytest.raises(WrongRecord, match="impostors"):
        open_memory(tmp_path)


def test_a_damaged_memory_is_not_saved_over(saved: Path) -> None:
    memory = open_memory(saved)
    (saved / "memory.json").write_text("{")
    before = files(saved)
    with pytest.raises(WrongRecord, match=r"memory\.json of the memory .* is damaged"):
        memory.save(saved)
    assert files(saved) == before


@pytest.mark.parametrize(
    ("change_text", "message"),
    [
        (lambda body: body | {"version": 2}, "has version 2, and this byrote reads version 1"),
        (lambda body: body | {"format": "other"}, "damaged"),
        (lambda body: body | {"given": 7}, "damaged"),
        (lambda body: [body], "damaged"),
    ],
)
def test_a_memory_of_another_version(change_text: Callable[[Any], Any], message: str, saved: Path) -> None:
    body = json.loads((saved / "memory.json").read_text())
    (saved / "memory.json").write_text(json.dumps(change_text(body)))
    with pytest.raises(WrongRecord, match=message):
        open_memory(saved)


def test_a_directory_without_a_memory(tmp_path: Path) -> None:
    with pytest.raises(WrongRecord, match=r"holds no memory: there is no memory\.json"):
        open_memory(tmp_path / "nothing")


class Cut(BaseException):
    """Stands for the end of the process."""


@pytest.mark.slow
def test_a_save_that_ends_at_any_operation_leaves_the_old_state_or_the_new(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = {name: getattr(os, name) for name in ("replace", "rename", "unlink", "open", "fsync")}
    old = held(open_memory(saved))
    states, at = [], 0
    while True:
        where = tmp_path / f"copy{at}"
        shutil.copytree(saved, where)
        memory = open_memory(where)
        memory.delete(["3", "25"])
        memory.add(keys(15, seed=2), ["x"] * 15)
        new, count = held(memory), 0

        def counted(name: str, stop: int = at) -> Any:
            def call(*args: Any, **options: Any) -> Any:
                nonlocal count
                count += 1
                if count > stop:
                    raise Cut  # and nothing after it is done either
                return operations[name](*args, **options)

            return call

        with monkeypatch.context() as patch:
            for name in operations:
                patch.setattr(os, name, counted(name))
            try:
                memory.save(where)
                done = True
            except Cut:
                done = False
        found = held(open_memory(where))
        states.append(found == new)
        assert found in (old, new)
        after = open_memory(where)
        after.add(keys(1, seed=9), [1])
        after.save(where)
        manifest = json.loads((where / "memory.json").read_text())
        named = {each["name"] for each in [*manifest["segments"], manifest["used"], manifest["impostors"]]}
        assert set(files(where)) == named | {"memory.json"}, "what the cut left is gone"
        shutil.rmtree(where)
        if done:
            break
        at += 1
    assert at > 10
    assert states == sorted(states), "old until one operation, new from there on"
    assert 0 < sum(states) < len(states)


def test_a_full_disk_leaves_the_old_state(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, old = open_memory(saved), held(open_memory(saved))
    memory.add(keys(30, seed=2), ["x"] * 30)
    write, room = Path.write_bytes, [2000]

    def limited(path: Path, data: bytes) -> int:
        write(path, data[: room[0]])
        room[0] -= len(data)
        if room[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return len(data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", limited)
        with pytest.raises(ByroteError, match="No space left on device"):
            memory.save(saved)
    assert held(open_memory(saved)) == old
    memory.save(saved)
    assert held(open_memory(saved)) == held(memory)


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_a_whole_state(tmp_path: Path) -> None:
    where = tmp_path / "m"
    command = [sys.executable, str(Path(__file__).with_name("saver.py")), str(where), "15"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == 15
    assert all(state in (last, last + 1) for last, state in found), "what was reported as saved is saved"
    named = {each["name"] for each in json.loads((where / "memory.json").read_text())["segments"]}
    assert set(files(where)) == named | {"memory.json"}


def test_who_reads_while_another_saves_sees_a_whole_state(tmp_path: Path) -> None:
    memory, known, done = Memory(8), set[int](), threading.Event()
    change(memory, 0)
    known.add(memory.fingerprint)
    memory.save(tmp_path)

    def save() -> None:
        for turn in range(1, 40):
            change(memory, turn)
            known.add(memory.fingerprint)
            memory.save(tmp_path)
        done.set()

    thread = threading.Thread(target=save)
    thread.start()
    seen = set[int]()
    while not done.is_set():
        seen.add(open_memory(tmp_path).fingerprint)
    thread.join()
    assert seen <= known
    assert len(seen) > 3


def test_two_writers(saved: Path) -> None:
    one, other = open_memory(saved), open_memory(saved)
    one.add(keys(1, seed=3), [1], ["one"])
    one.save(saved)
    other.add(keys(1, seed=4), [1], ["other"])
    with pytest.raises(WrongRecord, match="was changed by another program since it was opened here"):
        other.save(saved)
    with pytest.raises(WrongRecord, match="holds a memory that this one was not opened from"):
        Memory(5).save(saved)
    assert "one" in open_memory(saved)
    from filelock import FileLock

    with (
        FileLock(saved / "memory.lock"),
        pytest.raises(WrongRecord, match="Another program is saving a memory into"),
    ):
        one.save(saved)


def test_a_place_that_is_no_directory_of_this_machine() -> None:
    where = UPath("memory://memories/one")
    memory = Memory(5)
    memory.add(keys(20), list(range(20)))
    memory.save(where)
    memory.delete(["3"])
    memory.save(where)
    assert held(open_memory(where)) == held(memory)
    assert len([path for path in where.iterdir() if path.name.startswith("entries")]) == 1
    with pytest.raises(WrongRecord, match="holds no memory"):
        open_memory("memory://memories/other")
