"""Ray: an Executor whose tasks run anywhere in a cluster and survive the death of their node."""

import logging
import os
import socket
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, InvalidStateError
from concurrent.futures import wait as wait_for
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, cast

from byrote.errors import ByroteError, InvalidData, WorkerDied, missing_extra

RETRIES = 5
"""How often a task that its node or worker did not survive starts anew, before it is given up."""
LARGE = 100 << 10
"""Bytes from which an argument goes to the cluster once rather than with every task, which is where Ray draws the line."""
KEPT = 4
"""How many large arguments are kept there for tasks to come."""
ANSWER_SECONDS = 20

logger = logging.getLogger("byrote")


class RayExecutor(Executor):
    """Runs calls on a Ray cluster, one CPU each.

    Without `address`, on the cluster that this process is connected to, else that of RAY_ADDRESS, else a new one on
    this machine, which listens on 127.0.0.1 only. `address` is `host:port` of a cluster's head, or `auto` for one that
    `ray start` has started here. `gpus` is a task's share of GPUs: 0.25 lets four share one. A cluster that was there
    before stays up. byrote, and what the calls need, must be installed on every node.

    A task whose node dies starts again elsewhere. What a function raises is raised as it is, and not tried again.
    `bytes` that are an argument of several calls (the same object) are sent to the cluster once. Cancelling a future
    interrupts its task if that is running.

    Raises ByroteError when Ray is not installed or no cluster answers, InvalidData for a negative `gpus`. Futures raise
    WorkerDied for a task that did not survive several attempts.
    """

    def __init__(self, address: str | None = None, *, gpus: float = 0) -> None:
        if gpus < 0:
            raise InvalidData(f"A task cannot take {gpus} GPUs. Give 0 or more.")
        self._ray = _import_ray()
        self._joined = not self._ray.is_initialized()
        if self._joined:
            _connect(self._ray, address or os.environ.get("RAY_ADDRESS"))
        self._gpus = gpus
        there = self._ray.cluster_resources()
        for kind, needed in (("CPU", 1), ("GPU", gpus)):
            if there.get(kind, 0) < needed:
                logger.warning("The Ray cluster has no %s for even one task. Tasks wait until it has one.", kind)
        self._task = self._ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(_call)
        self._large: dict[int, tuple[bytes, Any]] = {}
        self._unfinished: set[Future[Any]] = set()
        self._open = True

    @property
    def parallelism(self) -> int:
        """How many tasks run at once now; a cluster that grows by itself may come to run more."""
        there = self._ray.cluster_resources()
        most = there.get("GPU", 0) / self._gpus if self._gpus else float("inf")
        return max(1, int(min(there.get("CPU", 0), most)))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Send a call to the cluster; return the future of its result."""
        if not self._open:
            raise RuntimeError("This RayExecutor was shut down, and takes no more calls. Make another one.")
        task = self._task.remote(fn, *map(self._once, args), **{k: self._once(v) for k, v in kwargs.items()})
        future: Future[Any] = Future()
        self._unfinished.add(future)
        future.add_done_callback(self._unfinished.discard)
        future.add_done_callback(partial(_interrupt_if_cancelled, self._ray, task))
        task.future().add_done_callback(partial(_pass_on, future))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; `cancel_futures` drops those that wait and interrupts those that run.

        `wait` returns when all have ended, and leaves the cluster if this executor joined it; one that it started ends
        with it. Without `wait`, that happens when the process ends.
        """
        self._open = False
        unfinished = tuple(self._unfinished)
        if cancel_futures:
            for future in unfinished:
                future.cancel()
        if wait:
            wait_for(unfinished)
            self._large.clear()
            if self._joined and self._ray.is_initialized():
                self._ray.shutdown()

    def _once(self, argument: Any) -> Any:
        """Return a reference to large bytes, the same for the same object, and anything else as it is."""
        if not isinstance(argument, bytes) or len(argument) < LARGE:
            return argument
        if id(argument) not in self._large:
            if len(self._large) == KEPT:
                del self._large[next(iter(self._large))]  # tasks that wait for it keep it alive in the cluster
            self._large[id(argument)] = argument, self._ray.put(argument)  # held, so that no other object gets its id
        return self._large[id(argument)][1]


def _call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def _interrupt_if_cancelled(ray: Any, task: Any, future: Future[Any]) -> None:
    if future.cancelled():
        future.set_running_or_notify_cancel()  # concurrent.futures.wait would wait for ever without it
        if ray.is_initialized():
            ray.cancel(task)


def _pass_on(future: Future[Any], ended: Future[Any]) -> None:
    error = ended.exception()
    with suppress(InvalidStateError):  # cancelled before
        if error is None:
            future.set_result(ended.result())
        else:
            future.set_exception(_original(error))


def _original(error: BaseException) -> BaseException:
    """Return what the function raised, caused by Ray's own error; or why the function never ran to its end."""
    from ray import exceptions as known

    lost = (known.WorkerCrashedError, known.NodeDiedError, known.OutOfMemoryError, known.ObjectLostError)
    if isinstance(error, lost):
        found = WorkerDied(
            f"The Ray cluster lost a task {RETRIES + 1} times ({type(error).__name__}), probably for lack of memory. "
            "Use nodes with more memory or fewer CPUs, and run again: what is finished is kept."
        )
    elif isinstance(error, known.RayTaskError) and not isinstance(error.cause, known.RaySystemError):
        found = cast("BaseException", error.cause)
    else:
        why = (
            str(getattr(error, "cause", error))
            .strip()
            .split("\n")[-1]
            .removeprefix("ModuleNotFoundError: ")
            .rstrip(".")
        )
        found = ByroteError(
            f"A task or its result cannot travel through the Ray cluster: {why}. Install the same packages on every node."
        )
    found.__cause__ = error
    return found


def _import_ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError:
        raise missing_extra("Training on a Ray cluster needs Ray", "ray") from None
    return ray


def _connect(ray: Any, address: str | None) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address is None:
        with loopback():
            ray.init(address="local", include_dashboard=False, **quiet)
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        if host:
            socket.create_connection(
                (host.strip("[]"), int(port)), ANSWER_SECONDS
            ).close()  # Ray alone tries for minutes
        ray.init(address=address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        answer = str(error).split("\n")[0].rstrip(".")
        raise ByroteError(
            f"No Ray cluster answers at {address!r}: {answer}. Start one there with `ray start --head`, or correct the address."
        ) from error


@contextmanager
def loopback() -> Generator[None]:
    """Keep Ray to 127.0.0.1, as it does by itself on Windows and macOS; on Linux it listens on all interfaces."""
    from ray._private import ray_constants

    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before
