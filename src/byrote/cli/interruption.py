"""Interruption: SIGINT, SIGTERM and SIGHUP end a command in the same way; a second one ends it at once."""

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
AT_ONCE = "byrote: Stopped at once. What is finished is kept; the same command goes on from there."


@contextmanager
def interruptible() -> Generator[None]:
    """Raise KeyboardInterrupt at the first signal that asks for an end, and end the process at the second.

    The first gives workers and files time to be cleaned up. The second finds nothing that must be: a run file is complete or
    absent, and workers end when their parent is gone. A signal that is ignored (as SIGHUP under nohup) stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what signals do
        return
    known = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    before = {each: signal.getsignal(each) for each in known}
    interrupted = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            os.write(2, f"{AT_ONCE}\n".encode())  # the streams of Python may be in use
            os._exit(1)
        interrupted = True
        raise KeyboardInterrupt

    for each, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(each, end)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler if handler is not None else signal.SIG_DFL)
