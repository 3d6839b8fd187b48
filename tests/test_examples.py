"""The scripts of examples/ that make a report run on real data, with no warning but those of byrote about the data."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.pages
@pytest.mark.parametrize("name", ["table", "signals", "text"])
def test_it_runs_and_writes_a_report(tmp_path: Path, name: str) -> None:
    result = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py"), "audit"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Accuracy: ")
    assert (tmp_path / "audit/report.html").stat().st_size > 100_000
