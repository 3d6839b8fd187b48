"""What tests on a cluster of several nodes share."""

import time
from collections.abc import Callable
from typing import Any

SECONDS = 300
"""For what takes a few on an idle machine. No test waits for time to pass."""
NODE = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": 80 << 20}


def until(condition: Callable[[], Any]) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)
