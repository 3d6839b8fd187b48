"""One viewer for each module: the small record twice, the second with fewer runs, and a language audit."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from byrote.lm import Texts
from byrote.lm.auditing import audit
from byrote.record import Record
from lm.recall import recall_model
from viewer.served import Served, served

REPORT = "<!doctype html><title>byrote</title><script>document.title = document.cookie</script>"
"""Stands for a report that came with a stranger's audit."""

LINES = ["<b>the secret</b> of mine is 31415926", "another line that is known by heart 27182"]


@pytest.fixture(scope="module")
def directories(record: Record, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    where = tmp_path_factory.mktemp("open")
    whole, fewer, language = where / "whole", where / "fewer", where / "language"
    shutil.copytree(record.directory, whole)
    (whole / "report.html").write_text(REPORT)
    shutil.copytree(whole, fewer)
    for run in record.runs[8:]:
        (fewer / "runs" / f"{run:04d}.parquet").unlink()
    model, _ = recall_model(LINES, [*LINES, "abc"])
    audit(model, Texts.of(LINES), language, prefixes=(8,), suffixes=(8,), limit=4)
    return [whole, fewer, language]


@pytest.fixture(scope="module")
def viewer(directories: list[Path]) -> Iterator[Served]:
    with served(directories) as found:
        yield found
