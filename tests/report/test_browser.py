"""The page in a real browser. Needs Debian's chromium; screenshots go to artefacts/."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from byrote.explain.explanation import EXPLAINED
from byrote.record import Record
from byrote.report import write_report
from byrote.report.copies import CLOSEST
from findings.test_copies import with_copies
from in_browser import ARTEFACTS, MARKS, watch
from report.kinds import KINDS
from report.kinds import make as make_kind
from small_record import HOSTILE

pytestmark = MARKS


@pytest.fixture(scope="module")
def trouble() -> list[str]:
    """What went wrong in any tab: console errors, uncaught errors, requests, dialogs."""
    return []


def visit(browser: Browser, page: Path, trouble: list[str], **options: Any) -> Page:
    tab = browser.new_context(**options).new_page()
    address = page.as_uri()
    watch(tab, trouble, lambda url: url == address or url.startswith("data:"))
    tab.goto(address)
    tab.wait_for_selector("html[data-drawn]")
    return tab


@pytest.fixture(scope="module")
def desktop(browser: Browser, page: Path, trouble: list[str]) -> Page:
    return visit(browser, page, trouble, viewport={"width": 1280, "height": 900}, color_scheme="light")


@pytest.fixture(autouse=True)
def nothing_goes_wrong(trouble: list[str]) -> Iterator[None]:
    yield
    assert trouble == []


def test_every_chart_is_drawn(desktop: Page, embedded_data: dict[str, Any]) -> None:
    expected = {
        "memorized", "memorized-mislabeled", "memorized-noise", "memorized-ordinary", "curves", "canary-curves",
        "map", "agreement", "detection", "attack",
    }  # fmt: skip
    assert set(embedded_data["charts"]) == expected
    for name in expected:
        drawing = desktop.locator(f"#chart-{name} svg")
        assert drawing.count() == 1, name
        assert drawing.locator("path, rect, line, text").count() > 10, name
    assert "var(--" not in desktop.locator("#chart-map").inner_html()
    ARTEFACTS.mkdir(exist_ok=True)
    desktop.screenshot(path=ARTEFACTS / "report-light.png", full_page=True)


def test_hovering_shows_the_numbers(desktop: Page) -> None:
    desktop.locator("#chart-memorized .mark-rect path").first.hover()
    expect(desktop.locator("#tip")).to_contain_text("share", timeout=20_000)
    desktop.locator("#chart-memorized").scroll_into_view_if_needed()
    desktop.mouse.move(5, 5)


def test_filters_and_sorting_change_the_gallery(desktop: Page, embedded_data: dict[str, Any]) -> None:
    items = embedded_data["items"]
    count = desktop.locator("#count")

    def shown() -> list[str]:
        return desktop.locator(".card .id").all_inner_texts()

    assert count.inner_text().startswith(f"{min(len(items), EXPLAINED)} of {len(items)}")
    cause = items[0]["cause"]
    desktop.select_option("#filter-cause", cause)
    of_cause = [item for item in items if item["cause"] == cause]
    assert 0 < len(of_cause) < len(items)
    assert count.inner_text().startswith(f"{len(of_cause)} of ")
    label = of_cause[0]["label"]
    desktop.select_option("#filter-label", label)
    both = [item for item in of_cause if item["label"] == label]
    assert count.inner_text().startswith(f"{len(both)} of ")
    assert set(shown()) <= {item["id"] for item in both}
    desktop.select_option("#filter-cause", "")
    desktop.select_option("#filter-label", "")
    desktop.fill("#filter-id", items[5]["id"])
    assert items[5]["id"] in shown()
    desktop.fill("#filter-id", "no such id")
    assert count.inner_text().startswith("0 of ")
    desktop.fill("#filter-id", "")
    desktop.locator("#filter-least").fill("0.9")
    high = [item for item in items if item["memorization"][0] >= 0.9]
    assert count.inner_text().startswith(f"{len(high)} of ")
    desktop.locator("#filter-least").fill("0")
    before = shown()
    desktop.select_option("#sort", "id")
    assert sorted(before) != shown() != before
    desktop.select_option("#sort", "memorization")
    assert shown() == before
    chip = desktop.locator(f'button.cause[data-cause="{cause}"]')
    chip.click()
    assert chip.get_attribute("aria-pressed") == "true"
    assert count.inner_text().startswith(f"{len(of_cause)} of ")
    chip.click()


def test_show_more_goes_on_to_the_end(desktop: Page, embedded_data: dict[str, Any]) -> None:
    while desktop.locator("#more").is_visible():
        desktop.locator("#more").click()
    assert desktop.locator(".card").count() == len(embedded_data["items"])


def test_no_canary_is_in_the_gallery(desktop: Page, record: Record) -> None:
    assert "canary/" not in desktop.locator("#gallery").inner_text()
    assert "canary/" not in desktop.locator("#pairs").inner_text()


def test_copies_are_drawn_side_by_side(
    browser: Browser, record: Record, trouble: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    copied = write_report(with_copies(record), tmp_path_factory.mktemp("copied") / "report.html")
    tab = visit(browser, Path(copied), trouble, viewport={"width": 1280, "height": 900}, color_scheme="light")
    pairs = tab.locator("#copy-list li")
    assert pairs.count() == CLOSEST
    assert tab.locator("#copy-list img.picture").count() == 2 * CLOSEST
    words = pairs.all_inner_texts()
    assert [f"train/{HOSTILE}" in said for said in words] == [True] + [False] * (CLOSEST - 1)
    assert "labels differ: one may be wrong, distance 0.000" in words[0]
    assert all("same label, distance 0.0" in said for said in words[1:])
    tab.context.close()


def test_details_open_and_close_by_keyboard(desktop: Page) -> None:
    card = desktop.locator(".card").first
    card.focus()
    desktop.keyboard.press("Enter")
    dialog = desktop.locator("dialog[open]")
    assert card.get_attribute("data-id") in dialog.inner_text()
    assert "Nearest training examples" in dialog.inner_text()
    dialog.get_by_role("button", name="Next").press("Enter")
    second = desktop.locator(".card").nth(1).get_attribute("data-id")
    assert second
    assert second in dialog.inner_text()
    desktop.keyboard.press("Escape")
    assert desktop.locator("dialog[open]").count() == 0


def test_every_control_can_be_reached_by_tab(desktop: Page) -> None:
    desktop.locator(".skip").focus()
    reached = ["skip"]
    for _ in range(32):
        desktop.keyboard.press("Tab")
        reached.append(desktop.evaluate("document.activeElement.id || document.activeElement.className || 'x'"))
    assert {"skip", "theme", "cause", "filter-cause", "filter-label", "filter-id", "sort"} <= set(reached)


def test_the_switch_of_the_data_map_recolours_it(desktop: Page) -> None:
    before = desktop.locator("#chart-map svg").inner_html()
    desktop.locator('[data-chart="map"][data-shade="correctness"]').click()
    desktop.wait_for_function("before => document.querySelector('#chart-map svg')?.innerHTML !== before", arg=before)


def test_the_theme_button_darkens_page_and_charts(desktop: Page) -> None:
    def colours() -> list[str]:
        return desktop.evaluate(
            """["body", "#chart-curves svg .role-axis-label text"].map((s, i) =>
                getComputedStyle(document.querySelector(s))[i ? "fill" : "backgroundColor"])"""
        )

    before = colours()
    desktop.evaluate("delete document.documentElement.dataset.drawn")
    desktop.locator("#theme").click()
    desktop.wait_for_selector("html[data-drawn]")
    after = colours()
    assert before[0] != after[0]
    assert before[1] != after[1]
    desktop.screenshot(path=ARTEFACTS / "report-dark.png", full_page=True)


def test_a_phone_shows_it_without_sideways_scrolling(browser: Browser, page: Path, trouble: list[str]) -> None:
    tab = visit(browser, page, trouble, viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    tab.locator(".card").first.tap()
    assert tab.evaluate("document.querySelector('dialog').scrollWidth") <= 390
    tab.keyboard.press("Escape")
    ARTEFACTS.mkdir(exist_ok=True)
    tab.screenshot(path=ARTEFACTS / "report-phone.png", full_page=True)
    tab.context.close()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_data_is_shown_on_a_phone(
    browser: Browser, trouble: list[str], tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    page = Path(write_report(make_kind(kind, tmp_path_factory.mktemp(kind) / "audit")))
    tab = visit(browser, page, trouble, viewport={"width": 400, "height": 800}, color_scheme="dark")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400, "long names widen the page"
    first = tab.locator(".card").first
    assert " left it out" in first.inner_text()
    first.click()
    dialog = tab.locator("dialog[open]")
    assert tab.evaluate("(d => d.scrollWidth - d.clientWidth)(document.querySelector('dialog'))") == 0
    if kind == "table":
        marks = tab.locator(".card .glance b.high, .card .glance b.low, .card .glance b.rare")
        assert tab.locator(".card .glance > span").count() == marks.count(), "a card names no usual value"
        assert dialog.locator(".row tbody tr").count() == 24
        assert HOSTILE in dialog.inner_text()
    elif kind == "signal":
        assert first.locator("svg .line").count() == 2
        assert re.fullmatch(r"-?[\d.]+\s+-?[\d.]+\s+0\s+time steps\s+\d+", first.locator(".axes").inner_text().strip())
        assert dialog.locator(".others svg").count() >= 5
        assert HOSTILE in dialog.locator(".legend").inner_text()
    else:
        assert first.locator(".text").inner_text()
        assert "Nearest" not in dialog.inner_text()
    tab.screenshot(path=ARTEFACTS / f"report-{kind}.png", full_page=True)
    tab.context.close()
