"""Shared by the whole suite. Its place makes `oracles`, `cases`, `laws` and `small` importable from every folder."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from byrote.record import Record
from byrote.report import write_report
from small_record import make


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
