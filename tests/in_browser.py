"""A real browser for tests of pages: Debian's chromium, and what must not happen in any tab."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

CHROMIUM = Path("/usr/bin/chromium")
ARTEFACTS = Path(__file__).parents[1] / "artefacts"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]

MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing: apt-get install chromium"),
]


def watch(tab: Page, trouble: list[str], is_allowed: Callable[[str], bool]) -> None:
    """Note in `trouble` what goes wrong in a tab: console errors, uncaught errors, dialogs, requests to what is not allowed."""
    tab.set_default_timeout(20_000)
    tab.on("console", lambda m: trouble.append(m.text) if m.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    tab.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
    tab.on("request", lambda r: None if is_allowed(r.url) else trouble.append(r.url))
