"""Tasks reach a real cluster of three nodes on 127.0.0.1, and survive the loss of one; nothing of it listens to others."""

import importlib
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, wait
from pathlib import Path
from typing import Any

import psutil
import pytest

from byrote.errors import ByroteError, InvalidData, WorkerDied
from integrations.nodes import SECONDS, until

ray = pytest.importorskip("ray")

from byrote.integrations.ray import LARGE, RETRIES, RayExecutor  # noqa: E402

pytestmark = pytest.mark.cluster


def results(futures: list[Future[Any]]) -> list[Any]:
    assert not wait(futures, timeout=SECONDS).not_done
    return [future.result() for future in futures]


def marked(directory: Path, payload: bytes, number: int) -> int:
    """Leave a file that says where this task has begun, and wait for the file that lets it end."""
    node, attempt = ray.get_runtime_context().get_node_id(), os.urandom(4).hex()
    (directory / f"{number}.{node}.{attempt}").touch()
    while not (directory / "go").exists():
        time.sleep(0.02)
    return len(payload) + number


def nodes_of(directory: Path, number: int) -> list[str]:
    return [path.name.split(".")[1] for path in directory.glob(f"{number}.*")]


@pytest.fixture(scope="module", autouse=True)
def by_value() -> Iterator[None]:
    """Send functions of this module as they are: workers cannot import it."""
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    ray.cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@pytest.mark.usefixtures("joined")
def test_all_nodes_are_used_at_once_and_large_bytes_are_sent_once(tmp_path: Path) -> None:
    payload = bytes(LARGE)
    with RayExecutor() as executor:
        assert executor.parallelism == 3
        before = references()
        futures = [executor.submit(marked, tmp_path, payload, number) for number in range(6)]
        try:
            assert references() - before == 6 + 1, "a result each, and one payload"
            until(lambda: len({node for number in range(6) for node in nodes_of(tmp_path, number)}) == 3)
        finally:
            (tmp_path / "go").touch()
        assert results(futures) == [len(payload) + number for number in range(6)]
        assert results([executor.submit(len, bytes(LARGE)) for _ in range(9)]) == [LARGE] * 9


def references() -> int:
    """Return how many objects of the cluster this process owns or refers to."""
    return len(ray._private.worker.global_worker.core_worker.get_all_reference_counts())


def test_a_node_that_dies_costs_its_unfinished_tasks_only(joined: Any, tmp_path: Path) -> None:
    first, second, payload = tmp_path / "first", tmp_path / "second", bytes(LARGE)
    first.mkdir(), second.mkdir()
    (first / "go").touch()
    with RayExecutor() as executor:
        done = [executor.submit(marked, first, payload, number) for number in range(6)]
        assert results(done) == [len(payload) + number for number in range(6)]
        futures = [executor.submit(marked, second, payload, number) for number in range(5)]
        until(lambda: sum(bool(nodes_of(second, number)) for number in range(5)) == 3)
        victim = next(iter(joined.worker_nodes))
        lost = [number for number in range(5) if victim.node_id in nodes_of(second, number)]
        assert len(lost) == 1
        joined.remove_node(victim, allow_graceful=False)
        (second / "go").touch()
        assert results(futures) == [len(payload) + number for number in range(5)]
    assert [len(nodes_of(first, number)) for number in range(6)] == [1] * 6
    for number in range(5):
        began = nodes_of(second, number)
        assert len(began) == (2 if number in lost else 1)
        assert began.count(victim.node_id) == (1 if number in lost else 0)


@pytest.mark.usefixtures("joined")
def test_what_is_not_installed_on_the_nodes_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only_here.py").write_text("def answer():\n    return 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    answer = importlib.import_module("only_here").answer
    with RayExecutor() as executor:
        error = executor.submit(answer).exception(SECONDS)
    assert type(error) is ByroteError
    assert "No module named 'only_here'. Install the same packages on every node" in str(error)


class Locked(Exception):
    """One that cannot be sent."""

    def __init__(self) -> None:
        super().__init__("left")
        self.lock = threading.Lock()


class Forgetful(Exception):
    """One that can be sent, but not be read."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)


@pytest.mark.usefixtures("joined")
def test_exceptions_arrive_as_themselves_and_are_not_tried_again(tmp_path: Path) -> None:
    def refuse() -> None:
        (tmp_path / os.urandom(4).hex()).touch()
        raise InvalidData("The 7th number is odd. Give an even one.")

    def locked() -> None:
        raise Locked

    def forgetful() -> None:
        raise Forgetful("left", "right")

    with RayExecutor() as executor:
        error = executor.submit(refuse).exception(SECONDS)
        assert type(error) is InvalidData
        assert str(error) == "The 7th number is odd. Give an even one."
        assert "in refuse" in str(error.__cause__), "where it happened is told by its cause"
        assert len(list(tmp_path.iterdir())) == 1
        assert "Locked" in str(executor.submit(locked).exception(SECONDS))
        assert type(executor.submit(forgetful).exception(SECONDS)) is ByroteError
        assert executor.submit(divmod, 7, 2).result(SECONDS) == (3, 1)


@pytest.mark.usefixtures("joined")
def test_a_task_that_kills_its_workers_is_given_up_with_a_sentence(tmp_path: Path) -> None:
    def die() -> None:
        (tmp_path / os.urandom(4).hex()).touch()
        os._exit(1)

    with RayExecutor() as executor:
        error = executor.submit(die).exception(SECONDS)
    assert type(error) is WorkerDied
    assert "lost a task 6 times" in str(error)
    assert len(list(tmp_path.iterdir())) == RETRIES + 1


@pytest.mark.usefixtures("joined")
def test_cancelled_futures_are_over_at_once_and_free_their_cpus(tmp_path: Path) -> None:
    with RayExecutor() as executor:
        futures = [executor.submit(marked, tmp_path, b"", number) for number in range(5)]
        until(lambda: sum(bool(nodes_of(tmp_path, number)) for number in range(5)) == 3)
        assert all(future.cancel() for future in futures)
        assert len(wait(futures, timeout=SECONDS).done) == 5
        with pytest.raises(CancelledError):
            futures[0].result()
        assert executor.submit(sum, (1, 2)).result(SECONDS) == 3, "those that ran were interrupted"
    assert len(list(tmp_path.iterdir())) == 3, "those that waited never began"


@pytest.mark.usefixtures("joined")
def test_shutdown_drops_what_waits_and_leaves_the_connection_that_was_there(tmp_path: Path) -> None:
    executor = RayExecutor()
    futures = [executor.submit(marked, tmp_path, b"", number) for number in range(5)]
    executor.shutdown(cancel_futures=True)
    assert all(future.cancelled() for future in futures)
    with pytest.raises(RuntimeError, match="shut down"):
        executor.submit(sum, (1, 2))
    assert ray.is_initialized()
    with RayExecutor() as another:
        assert another.submit(sum, (1, 2)).result(SECONDS) == 3


@pytest.mark.usefixtures("joined")
def test_a_cluster_without_gpus_is_told_rather_than_waited_for_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    with RayExecutor() as executor:
        assert executor.parallelism == 3
    assert not caplog.records
    with RayExecutor(gpus=0.5) as executor:
        assert executor.parallelism == 1
        assert "no GPU for even one task" in caplog.text
        waiting = executor.submit(sum, (1, 2))
        assert waiting.cancel()


def test_it_joins_the_cluster_of_the_environment_and_leaves_it_running(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    nodes: list[str] = []
    for _ in range(2):
        assert not ray.is_initialized()
        with RayExecutor() as executor:
            nodes.append(executor.submit(lambda: ray.get_runtime_context().get_node_id()).result(SECONDS))
    assert set(nodes) <= {node.node_id for node in cluster.list_all_nodes()}


def test_without_a_cluster_it_starts_one_that_only_this_machine_can_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray._private.ray_constants, "ENABLE_RAY_CLUSTER", True)  # as where no cluster of tests runs
    before = set(psutil.Process().children(recursive=True))
    with RayExecutor() as executor:
        assert executor.parallelism >= 1
        assert executor.submit(os.getpid).result(SECONDS) != os.getpid()
        started = set(psutil.Process().children(recursive=True)) - before
        listening = [
            socket_.laddr.ip
            for process in [psutil.Process(), *started]
            for socket_ in process.net_connections("inet")
            if socket_.status == psutil.CONN_LISTEN
        ]
        assert len(listening) >= 5
        assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}
    assert not ray.is_initialized()
    until(lambda: not any(process.is_running() and "raylet" in process.name() for process in started))


def test_settings_and_addresses_that_cannot_be_are_refused() -> None:
    with pytest.raises(InvalidData, match="-1 GPUs"):
        RayExecutor(gpus=-1)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    for address, told in ((f"127.0.0.1:{port}", "refused"), ("nonsense", "Invalid address")):
        with pytest.raises(ByroteError, match=f"No Ray cluster answers at '{address}'.*{told}"):
            RayExecutor(address)


def test_ray_that_is_not_installed_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ByroteError, match=r"pip install 'byrote\[ray\]'"):
        RayExecutor()
