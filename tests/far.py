"""Far places for tests: a real S3 server on loopback, in a process that ends when this one does, and a record to put there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
from fsspec.implementations.local import LocalFileSystem

from byrote.record import (
    Observed,
    Population,
    Step,
    run_path,
    write_manifest,
    write_population,
    write_run,
)
from byrote.record.storage import place
from layout import BASE_COLUMNS, LAYOUT, MANIFEST, run_settings

N, LAST, RUNS = 40, 5, 10
PAGE = 20
"""Names that the server gives in one answer."""

SERVE = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Server:
    endpoint: str
    log: Path

    def requests(self) -> list[str]:
        """What was asked so far, such as `GET /bucket/key`."""
        return re.findall(r'"(?:\x1b\[[\d;]*m)*((?:GET|HEAD|PUT|POST|DELETE) \S+)', self.log.read_text())


@contextmanager
def serve(log: Path, **environment: str) -> Iterator[Server]:
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            env={**os.environ, "MOTO_S3_DEFAULT_MAX_KEYS": str(PAGE), **environment},
        )
        with process:
            assert process.stdout is not None
            yield Server(f"http://127.0.0.1:{int(process.stdout.readline())}", log)
            process.stdin.close()


def environment(server: Server) -> dict[str, str]:
    """What a user sets to reach it, and nothing that this machine may have set otherwise."""
    return {
        "AWS_ENDPOINT_URL_S3": server.endpoint,
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class Disk(LocalFileSystem):
    """This disk as fsspec sees it: no object store, so what is put there can be seen half."""

    protocol = "disk"

    @classmethod
    def register(cls) -> None:
        fsspec.register_implementation("disk", cls)


def fill(where: Any, runs: int = RUNS) -> None:
    """A small record: in each run some are members, seen in every step; everyone is asked at the last."""
    directory = place(where)
    rng = np.random.default_rng(0)
    ids = np.array([f"train/{i}" for i in range(N)])
    number = np.zeros(N, np.int64)
    pictures = rng.integers(0, 256, (N, 6, 6)).astype(np.uint8)
    write_population(directory, Population.of(ids, np.full(N, "train"), number, pictures))
    body = {"task": {"classes": ["a", "b"]}, "steps": {"unit": "epoch", "last": LAST}, "blocks": [runs], "key": ""}
    write_manifest(directory, {**MANIFEST, **body})
    for run in range(runs):
        member = rng.random(N) < 0.7
        write_run(run_path(directory, run), steps(member, run), member, ids, run_settings(run), LAYOUT)


def steps(member: np.ndarray, run: int) -> Iterator[Step]:
    rng = np.random.default_rng(run)

    def said(n: int) -> dict[str, np.ndarray]:
        return {name: rng.random(n).round().astype(kind.to_pandas_dtype()) for name, kind in BASE_COLUMNS.items()}

    inside = np.flatnonzero(member)
    for step in range(1, LAST + 1):
        clean = Observed(np.arange(N), said(N)) if step == LAST else None
        yield Step(step, clean, Observed(inside, said(len(inside))))
