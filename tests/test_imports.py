"""Starting is fast because little is imported: which packages are, and which are not."""

import subprocess
import sys

import pytest

PRINT = "import sys; print(*{name.split('.')[0] for name in sys.modules})"
HELP = "import sys; sys.argv = ['byrote', '--help']; from byrote.cli import main; main()"

LIGHT = {"byrote"}
LINE = {"byrote", "click", "rich"}
ARRAYS = {"byrote", "numpy", "scipy", "jaxtyping", "threadpoolctl"}
OTHERS = {"charset_normalizer", "cython_runtime"}
"""Brought along by compiled packages."""


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        pytest.param("import byrote", LIGHT, id="the package"),
        pytest.param(f"try:\n    {HELP}\nexcept SystemExit: pass", LINE, id="the help"),
        pytest.param("import byrote.scores, byrote.summaries", ARRAYS, id="scores and summaries"),
    ],
)
def test_no_other_package_is_imported(code: str, allowed: set[str]) -> None:
    found = subprocess.run([sys.executable, "-c", f"{code}\n{PRINT}"], capture_output=True, text=True, check=True)
    names = set(found.stdout.splitlines()[-1].split())
    others = {name for name in names - sys.stdlib_module_names - OTHERS if not name.startswith("_")}
    assert "byrote" in others
    assert others <= allowed
