"""Executed: the code blocks of a page, as they stand there, one after the other."""

import contextlib
import re
import shlex
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def blocks(page: str, language: str = "python") -> list[str]:
    """Return the code blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[list[str]]:
    """Return the words of every command of byrote on a page, after `byrote`: lines of code blocks, and code within sentences.

    A command within a sentence without any argument is the name of one: it ends after its options.
    """
    text = page.read_text()
    fence = re.compile(r"^```(?:sh|bash)?\n(.*?)^```", re.DOTALL | re.MULTILINE)
    lines = "\n".join(fence.findall(text)).replace("\\\n", " ").splitlines()
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    typed = [*lines, *(" ".join(code.split()) for code in re.findall(r"`([^`]*)`", prose))]
    found = [re.split(r"\s{2,}|\s[|>&;]", line)[0] for line in typed if line.startswith("byrote ")]
    return [shlex.split(line, comments=True)[1:] for line in found]


def executed(page: str, folder: Path, **given: Any) -> dict[str, Any]:
    """Execute the Python of a page in a folder, with the names that are given, and return all names that it leaves."""
    names = dict(given)
    with contextlib.chdir(folder):
        for block in blocks(page):
            exec(compile(block, page, "exec"), names)  # noqa: S102 - our own page
    return names
