"""Shared by the whole suite. Its place makes `oracles`, `cases`, `laws` and `small` importable from every folder."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # read once, when torch is imported: workers and what they start share the cores

import jaxtyping
import pytest
from xdist.scheduler import LoadScopeScheduling

import shapes

shapes.prepare()

from byrote.record import Record  # noqa: E402
from byrote.report import write_report  # noqa: E402
from small_record import make  # noqa: E402

LONG = ("headline", "pages", "cluster", "browser", "slow")
"""The markers that `make quick` leaves out; what they mean stands in pyproject.toml."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks the S3 server. Modules with the most long tests come first, so that none begins when the others are done."""
    for item in items:
        if "server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.cluster)
    count = Counter(item.path for item in items if any(item.get_closest_marker(name) for name in LONG))
    items.sort(key=lambda item: -count[item.path])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return ByModule(config, log)


class ByModule(LoadScopeScheduling):
    """A module is tested by one worker, which trains its records once; the modules that share a Ray cluster by one, too."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.split("::")[0]
        return "ray" if "/integrations/test_ray" in module else module


@pytest.fixture
def unchecked_shapes() -> Iterator[None]:
    """Let arrays of any shape into the package, as users do, and the package refuse them."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return make(tmp_path_factory.getbasetemp() / "small")


@pytest.fixture(scope="session")
def page(record: Record) -> Path:
    return write_report(record)


@pytest.fixture(scope="session")
def embedded_data(page: Path) -> dict[str, Any]:
    """The data that the page carries."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser for the tests of a module; see `in_browser`."""
    from playwright.sync_api import sync_playwright

    from in_browser import ARGUMENTS, CHROMIUM

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield found
        found.close()
