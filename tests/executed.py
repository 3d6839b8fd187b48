"""Executed: the code blocks of a page, as they stand there, one after the other."""

import contextlib
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def blocks(page: str, language: str = "python") -> list[str]:
    """Return the code blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


def executed(page: str, folder: Path, **given: Any) -> dict[str, Any]:
    """Execute the Python of a page in a folder, with the names that are given, and return all names that it leaves."""
    names = dict(given)
    with contextlib.chdir(folder):
        for block in blocks(page):
            exec(compile(block, page, "exec"), names)  # noqa: S102 - our own page
    return names
