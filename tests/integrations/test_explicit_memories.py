"""Every kind of explicit memory answers as a brute force over what it holds, through a life; databases are real ones."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byrote.errors import ByroteError, InvalidData, WrongRecord
from byrote.integrations.lancedb import LanceMemory
from byrote.integrations.pgvector import PgMemory
from byrote.recall import Memory, threshold_at
from integrations.memories import Make, make, postgres
from recall.by_hand import brute, keys

__all__ = ["make", "postgres"]

ODD = "'; DROP TABLE memory; -- \\ \" % {0} ü"


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_answers_are_those_of_brute_force_through_a_life(metric: str, make: Make) -> None:
    rng, memory = np.random.default_rng(1), make(5, metric)
    held: dict[str, np.ndarray] = {}
    values: dict[str, Any] = {}
    for turn in range(6):
        new, names = keys(20, seed=turn), [f"{turn}-{i}{ODD}" for i in range(20)]
        memory.add(new, [f"v{name}" for name in names], names)
        held.update(zip(names, new, strict=True))
        values.update({name: f"v{name}" for name in names})
        gone = rng.choice(list(held), 7, replace=False).tolist()
        memory.delete(gone)
        held = {name: key for name, key in held.items() if name not in gone}
        changed = rng.choice(list(held), 3, replace=False).tolist()
        memory.update(changed, [turn, 2.5, True])
        values.update(zip(changed, [turn, 2.5, True], strict=True))
        queries = keys(4, seed=100 + turn)
        expected = brute(queries, np.array(list(held.values())), metric)
        found = memory.look_up(queries, k=3)
        order = np.argsort(expected, axis=1, kind="stable")[:, :3]
        assert found.ids.tolist() == [[list(held)[i] for i in row] for row in order]
        np.testing.assert_allclose(found.distances, np.take_along_axis(expected, order, 1), atol=2e-6)
        assert found.values.tolist() == [[values[list(held)[i]] for i in row] for row in order]
    assert memory.ids == tuple(held)
    assert len(memory) == len(held)
    assert all(name in memory for name in held)
    assert "absent" not in memory
    assert memory.values.tolist() == [values[name] for name in held]
    alone = Memory(5, metric=metric)
    alone.add(np.array(list(held.values())), [values[name] for name in held], list(held))
    assert memory.fingerprint == alone.fingerprint
    assert (memory.keys(list(held)[3:1:-1]) == alone.keys(list(held)[3:1:-1])).all()


def test_equal_keys_are_at_distance_0_in_the_order_of_adding(make: Make) -> None:
    memory, stored = make(64), 30 * keys(40, 64)
    memory.add(np.concatenate([stored, stored]), np.arange(80))
    found = memory.look_up(stored, k=2)
    assert (found.distances == 0).all()
    assert found.values.tolist() == [[i, i + 40] for i in range(40)]
    assert memory.look_up(stored[:1], k=100).ids[0].tolist().count("") == 20


def test_deleting_leaves_what_never_held_it(make: Make) -> None:
    never, memory = make(5), make(5)
    names = [f"a{i}" for i in range(50)]
    never.add(keys(50)[:35], list(range(35)), names[:35])
    memory.add(keys(50)[::-1], list(range(50))[::-1], names[::-1])
    proof = memory.delete_and_prove(names[35:])
    assert proof.never_held
    assert proof.fingerprint == memory.fingerprint == never.fingerprint
    assert not proof.copies_left
    assert not set(proof.answers.ids.ravel()) & set(proof.ids)


def test_the_threshold_follows_what_is_stored(make: Make) -> None:
    rng = np.random.default_rng(0)
    impostors, memory = rng.normal(size=(50, 4)), make(4)
    memory.add(rng.normal(size=(20, 4)), np.arange(20))
    memory.calibrate(impostors, 0.2)
    for turn in range(2):
        memory.add(rng.normal(size=(10, 4)), np.arange(10))
        memory.delete(list(memory.ids)[turn : turn + 4])
        fresh = memory.look_up(impostors).nearest
        assert memory.threshold.distance == pytest.approx(threshold_at(fresh, 0.2).distance, abs=1e-6)
        assert memory.look_up(impostors).known.sum() in (9, 10)
    memory.delete(list(memory.ids))
    assert memory.threshold is None
    assert not memory.look_up(impostors).known.any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda m: m.add(keys(2, 4), [1, 2]), r"have the shape \[row, 5\], and these have \[2, 4\]"),
        (lambda m: m.add(keys(2), [1, 2], ["a", "x"]), "1 ids are in this memory already, for example 'a'"),
        (lambda m: m.add(keys(2), [1, 2], ["x", "x"]), "The id 'x' is given twice"),
        (lambda m: m.add(keys(1), [1], ["\ud800"]), "ids with half of a character"),
        (lambda m: m.add(keys(1), ["a\0"]), "values with a zero character"),
        (lambda m: m.add(keys(2), [1]), "There are 2 keys, 1 values and 2 ids"),
        (lambda m: m.add(keys(1) * np.nan, [1]), "1 keys are not finite"),
        (lambda m: m.add(keys(1) * 0, [1]), "1 keys are all 0"),
        (lambda m: m.delete(["a", "x"]), "1 ids are not in this memory of 3, for example 'x'"),
        (lambda m: m.delete(["a", "a"]), "1 ids are given twice"),
        (lambda m: m.delete(["\ud800"]), "1 ids are not in this memory"),
        (lambda m: m.update(["a"], [1, 2]), "There are 1 ids and 2 values"),
        (lambda m: m.look_up(keys(1), k=0), "k=0 keys cannot be looked up"),
        (lambda m: m.calibrate(keys(20), 0.01), "20 impostors cannot show a false-accept rate of 0.01"),
    ],
)
def test_refusals_change_nothing(wrong: Callable[[Any], object], message: str, make: Make) -> None:
    memory = make(5)
    memory.add(keys(3), [0, 1, 2], ["a", "b", "c"])
    before = memory.fingerprint
    with pytest.raises(InvalidData, match=message):
        wrong(memory)
    assert (memory.fingerprint, memory.ids, memory.threshold) == (before, ("a", "b", "c"), None)


def test_a_table_is_opened_again_as_it_was_left(postgres: str, tmp_path: Path) -> None:
    opened = list[PgMemory]()

    def kept(memory: Any) -> Any:
        opened.extend([memory] if isinstance(memory, PgMemory) else [])
        return memory

    for kind, where in ((PgMemory, postgres), (LanceMemory, str(tmp_path))):
        first = kept(kind(where, "again", width=5, metric="euclidean"))
        first.add(keys(30), [f"v{i}" for i in range(30)])
        first.calibrate(keys(50, seed=3), 0.1)
        other = kept(kind(where, "again"))
        assert (other.width, other.metric, other.threshold) == (5, "euclidean", first.threshold)
        assert other.fingerprint == first.fingerprint
        other.add(keys(50, seed=3) + np.float32(1e-3), ["x"] * 50)
        assert first.threshold == other.threshold, "what another program adds counts at once"
        assert 0 < first.threshold.distance < 0.01
        with pytest.raises(
            InvalidData, match="50 of the 50 impostors by which this memory is calibrated would be stored"
        ):
            other.add(keys(50, seed=3), ["x"] * 50)
        with pytest.raises(InvalidData, match=r"holds keys of 5 numbers \(euclidean\), and 7 \(euclidean\) were given"):
            kind(where, "again", width=7)
        with pytest.raises(InvalidData, match="and a width of None makes none"):
            kind(where, "absent")
    for memory in opened:
        memory.close()


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ByroteError, match="The PostgreSQL server cannot be reached"):
        PgMemory(f"postgresql:///x?host={tmp_path}", width=5)


def test_a_table_of_something_else(postgres: str, tmp_path: Path) -> None:
    import lancedb
    import psycopg

    with psycopg.connect(postgres) as connection:
        connection.execute("CREATE TABLE other (id text, amount int)")
    with pytest.raises(WrongRecord, match="'other' is none of a memory: it has the columns amount, id"):
        PgMemory(postgres, "other", width=5)
    lancedb.connect(str(tmp_path)).create_table("other", [{"id": "a", "amount": 1}])
    with pytest.raises(WrongRecord, match="'other' is none of a memory: it has the columns id, amount"):
        LanceMemory(str(tmp_path), "other", width=5)


def test_a_change_that_fails_in_between_changes_nothing(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = PgMemory(postgres, "whole", width=5)
    memory.add(keys(3), [1, 2, 3])
    before = memory.fingerprint
    with monkeypatch.context() as patch:
        patch.setattr(type(memory._table), "version", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            memory.add(keys(3, seed=1), [1, 2, 3])
        with pytest.raises(ZeroDivisionError):
            memory.delete(["1"])
    assert memory.fingerprint == before
    memory.close()


def test_sql_of_another_program_is_seen(postgres: str) -> None:
    import psycopg

    memory = PgMemory(postgres, "seen", width=4)
    rng = np.random.default_rng(0)
    memory.add(rng.normal(size=(20, 4)), np.arange(20))
    memory.calibrate(rng.normal(size=(50, 4)), 0.2)
    before = memory.threshold
    with psycopg.connect(postgres) as connection:
        connection.execute("DELETE FROM seen WHERE number < 15")
    assert len(memory) == 5
    assert before is not None
    assert memory.threshold is not None
    assert memory.threshold.distance > before.distance
    memory.close()


def test_erasing_leaves_no_bytes_of_what_was_deleted(tmp_path: Path) -> None:
    memory = LanceMemory(str(tmp_path), width=64, metric="euclidean")
    memory.add(keys(40, 64), [f"secret{i}-" for i in range(40)])

    def there(i: int) -> bool:
        data = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        return keys(40, 64)[i].tobytes() in data

    assert there(7)
    memory.delete(["7"])
    assert there(7), "a row that is marked is still in the file"
    memory.erase()
    assert not there(7)
    assert there(8)
    assert memory.delete_and_prove(["8"]).never_held
    assert not there(8)


def test_writers_at_the_same_time_take_turns(postgres: str) -> None:
    def write(seed: int) -> None:
        with PgMemory(postgres, "turns", width=5) as memory:
            for turn in range(10):
                memory.add(keys(1, seed=100 * seed + turn), [turn])

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with PgMemory(postgres, "turns") as memory:
        assert sorted(memory.ids, key=int) == [str(i) for i in range(30)]


def test_a_database_without_the_extension(postgres: str) -> None:
    import psycopg

    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bare")
        connection.execute("CREATE ROLE guest LOGIN")
    with pytest.raises(
        ByroteError, match=r"The server has no extension pgvector \(permission denied.*\). Install it, or"
    ):
        PgMemory(psycopg.conninfo.make_conninfo(postgres, dbname="bare", user="guest"), width=5)


@pytest.mark.parametrize(
    ("package", "extra", "call"),
    [
        ("psycopg", "pgvector", lambda: PgMemory("", width=5)),
        ("pgvector.psycopg", "pgvector", lambda: PgMemory("", width=5)),
        ("lancedb", "lancedb", lambda: LanceMemory("nowhere", width=5)),
        ("faiss", "recall", lambda: Memory(5, index="approximate")),
    ],
)
def test_a_package_that_is_not_installed(
    package: str, extra: str, call: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        ByroteError, match=rf"which is not installed\. Install the extra: pip install 'byrote\[{extra}\]'"
    ):
        call()
