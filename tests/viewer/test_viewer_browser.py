"""The viewer in a real browser: by the keyboard alone, on a phone, in the dark, and with many rows."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from byrote.evidence.evaluate import evaluate
from byrote.record import Record
from byrote.scores import memorization
from byrote.viewer.decisions import Decisions
from in_browser import ARTEFACTS, MARKS, watch
from small_record import HOSTILE
from viewer.served import Served, served
from written import written

MANY = 20_000

expect.set_options(timeout=20_000)  # a busy machine is slow, and no page is wrong because of that

pytestmark = MARKS


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty thousand examples, without any training: the higher the number of an example, the less memorized it is."""
    rng = np.random.default_rng(0)
    member = np.arange(4)[:, None] % 2 == np.arange(MANY) % 2
    right = member | (rng.random((4, MANY)) < np.arange(MANY) / MANY)
    confidence = np.where(member, 1.0, np.arange(MANY) / MANY).astype(np.float32)
    columns: dict[str, Any] = {
        "correct": right, "confidence": confidence, "loss": 1 - confidence, "margin": confidence, "residual": 1 - confidence,
        "prediction": np.zeros((4, MANY), np.int64),
    }  # fmt: skip
    return Path(str(written(tmp_path_factory.mktemp("large") / "large", member, columns).directory))


@pytest.fixture(scope="module")
def viewer(directories: list[Path], large: Path) -> Iterator[Served]:
    with served([*directories, large]) as found:
        yield found


@pytest.fixture(scope="module")
def trouble() -> list[str]:
    """What went wrong in any tab: console errors, uncaught errors, dialogs, requests to anything but the viewer."""
    return []


@pytest.fixture(autouse=True)
def nothing_goes_wrong(trouble: list[str]) -> Iterator[None]:
    yield
    assert trouble == []


def visit(browser: Browser, viewer: Served, trouble: list[str], path: str = "/", **options: Any) -> Page:
    tab = browser.new_context(**options).new_page()
    watch(tab, trouble, lambda url: url.startswith((viewer.base, "data:")))
    tab.goto(viewer.address)
    if path != "/":
        go(tab, viewer, path)
    return tab


def go(tab: Page, viewer: Served, path: str) -> None:
    tab.goto(viewer.base + path)
    tab.wait_for_selector("html[data-drawn]")
    if path.startswith("/audit"):
        tab.wait_for_selector("html[data-rows]")


@pytest.fixture(scope="module")
def desktop(browser: Browser, viewer: Served, trouble: list[str]) -> Page:
    return visit(browser, viewer, trouble, viewport={"width": 1280, "height": 900}, color_scheme="light")


def said(tab: Page, text: str) -> None:
    """Wait until the page says so."""
    expect(tab.locator("#status")).to_contain_text(text, timeout=20_000)


def active(tab: Page) -> str:
    return tab.locator(".row[aria-selected=true] .id").inner_text()


def test_the_secret_does_not_stay_in_the_address(desktop: Page, viewer: Served) -> None:
    assert desktop.url == f"{viewer.base}/"
    desktop.wait_for_selector(".tile")
    assert "secret" not in desktop.evaluate("document.referrer + location.href")
    assert desktop.evaluate("document.cookie") == ""  # the page cannot read it
    assert desktop.locator("section.opened").count() == 4
    assert desktop.locator("h1").inner_text() == "3 audits and 1 language audit"
    ARTEFACTS.mkdir(exist_ok=True)
    desktop.screenshot(path=ARTEFACTS / "view-overview.png", full_page=True)


def test_by_the_keyboard_alone_one_looks_decides_and_undoes(
    desktop: Page, viewer: Served, directories: list[Path]
) -> None:
    tab, keys = desktop, desktop.keyboard
    go(tab, viewer, "/audit/1")
    decisions = Decisions(directories[0])
    expect(tab.locator("[role=grid]")).to_be_focused()
    first = active(tab)
    keys.press("ArrowDown")
    second = active(tab)
    assert second != first
    keys.press("d")
    said(tab, "drop")
    assert decisions.current()[second].choice == "drop"
    expect(tab.locator(".row[aria-selected=true]")).to_contain_text("drop")
    keys.press("ArrowUp")
    keys.press("w")
    said(tab, "wanted")
    assert decisions.current()[first].choice == "wanted"
    keys.press("u")
    said(tab, "undecided again")
    assert first not in decisions.current()
    keys.press("r")
    tab.wait_for_selector("dialog[open] select")
    keys.press("Enter")  # the models' proposal is not known while the example is closed, so nothing is chosen
    assert tab.locator("dialog[open]").count() == 1
    assert first not in decisions.current()
    chosen = tab.locator("dialog[open] option").nth(1).inner_text()
    keys.press("ArrowDown")
    keys.press("Enter")
    tab.wait_for_selector("dialog", state="detached")
    said(tab, f"relabel as {chosen}")
    assert decisions.current()[first].choice == "relabel"
    keys.press("t")
    keys.type(HOSTILE)
    keys.press("Enter")
    said(tab, "tagged")
    assert decisions.current()[first].tags == (HOSTILE,)
    keys.press("Enter")
    tab.wait_for_selector("aside.example:not([hidden])")
    expect(tab.locator("aside table").first.locator("tbody tr")).to_have_count(11)
    tab.wait_for_selector("aside .curve")
    tab.wait_for_selector("aside .others img.picture")
    assert tab.locator("aside h2").inner_text() == first
    keys.press("r")
    assert "Chosen is what you decided" in tab.locator("dialog[open]").inner_text()
    assert tab.locator("dialog[open] option:checked").inner_text() == chosen
    keys.press("Escape")
    assert tab.locator("aside a[href^='/audit/2#']").count() == 1
    assert tab.locator(".head .score").count() == 3
    assert tab.evaluate(CUT) == []  # no column is cut beside the example
    tab.screenshot(path=ARTEFACTS / "view-example.png")
    keys.press("Escape")
    assert tab.locator("aside.example").is_hidden()
    keys.press("?")
    assert "undo" in tab.locator("dialog[open]").inner_text()
    keys.press("Escape")
    keys.press("/")
    keys.type("train/1")
    expect(tab.locator(".count")).to_have_text(re.compile("^1"))
    keys.press("Enter")
    assert tab.evaluate("document.activeElement.getAttribute('role')") == "grid"
    assert active(tab).startswith("train/1")


def test_every_focus_can_be_seen(desktop: Page, viewer: Served) -> None:
    go(desktop, viewer, "/audit/1")
    seen: set[str] = set()
    for _ in range(16):
        desktop.keyboard.press("Tab")
        where, style = desktop.evaluate(
            "[document.activeElement.outerHTML.slice(0, 90), getComputedStyle(document.activeElement).outlineStyle]"
        )
        if not where.startswith("<body"):
            assert style != "none", where
            seen.add(where)
    assert len(seen) > 8


def test_a_second_tab_keeps_what_the_first_decided(
    desktop: Page, browser: Browser, viewer: Served, trouble: list[str], directories: list[Path]
) -> None:
    other = visit(browser, viewer, trouble, "/audit/2")
    go(desktop, viewer, "/audit/2")
    name = active(other)
    desktop.keyboard.press("k")
    said(desktop, "keep")
    other.keyboard.press("t")
    other.keyboard.type("odd")
    other.keyboard.press("Enter")
    said(other, "tagged")
    decided = Decisions(directories[1]).current()[name]
    assert (decided.choice, decided.tags) == ("keep", ("odd",))
    desktop.keyboard.press("d")
    said(desktop, "drop")
    other.keyboard.press("w")
    said(other, "decided elsewhere")
    expect(other.locator(".row[aria-selected=true] .choice")).to_contain_text("drop")
    assert Decisions(directories[1]).current()[name].choice == "drop"
    other.keyboard.press("w")
    said(other, "wanted")
    desktop.evaluate("dispatchEvent(new Event('focus'))")
    expect(desktop.locator(".row[aria-selected=true] .choice")).to_contain_text("wanted")
    desktop.get_by_role("button", name="Files of the decisions").click()
    expect(desktop.locator("dialog[open] pre").first).to_contain_text("byrote memorize TASK --wanted")
    other.context.close()


def test_what_is_typed_while_rows_are_on_their_way_decides_nothing(
    browser: Browser, viewer: Served, trouble: list[str], directories: list[Path]
) -> None:
    tab = visit(browser, viewer, trouble, "/audit/1")
    tab.wait_for_selector("select[name=cause] option:nth-child(2)", state="attached")  # nothing else is on its way
    before = Decisions(directories[0]).current()
    held: list[Route] = []
    tab.route(re.compile("/api/rows/"), lambda route: held.append(route))
    tab.locator("summary", has_text="Scores shown").click()
    tab.locator("input[value=forgetting]").check()  # the rows of the screen hold until the new ones are here
    tab.locator("[role=grid]").focus()
    name = active(tab)
    tab.keyboard.press("t")
    tab.keyboard.type("drunk")  # every letter decides, undoes or moves
    tab.keyboard.press("Enter")
    said(tab, "tagged drunk")
    tab.keyboard.press("u")
    said(tab, "again")
    assert Decisions(directories[0]).current() == before
    tab.select_option("select[name=split]", "test")  # no row is known
    tab.locator("[role=grid]").focus()
    tab.keyboard.press("t")
    tab.keyboard.type("drunk")
    held.pop().continue_()  # the page has given up those before
    tab.unroute(re.compile("/api/rows/"))
    tab.wait_for_selector("dialog[open] input")
    assert tab.locator("dialog[open]").count() == 1
    tab.keyboard.press("Escape")
    assert active(tab) != name
    assert Decisions(directories[0]).current() == before
    tab.context.close()


def test_filters_sorting_and_scores_change_the_table(desktop: Page, viewer: Served, record: Record) -> None:
    go(desktop, viewer, "/audit/1")
    desktop.select_option("select[name=label]", "2")
    expected = int(((record.population.labels == 2) & record.population.where("train")).sum())
    expect(desktop.locator(".count")).to_have_text(re.compile(f"^{expected} "))
    assert HOSTILE in desktop.locator(".body .row small").first.inner_text()
    desktop.locator("summary", has_text="Scores shown").click()
    desktop.locator("input[value=forgetting]").check()
    desktop.wait_for_selector(".head button[data-sort=forgetting]")
    desktop.locator("summary", has_text="Scores shown").click()
    desktop.locator(".head button[data-sort=forgetting]").click()
    desktop.wait_for_selector("[role=columnheader][aria-sort=descending] button[data-sort=forgetting]")
    assert "high: hard or memorized" in desktop.locator(".head").inner_text()
    expect(desktop.locator(".head .cause")).to_have_count(1)
    desktop.select_option("select[name=split]", "test")
    expect(desktop.locator(".head .score, .head .cause")).to_have_count(0)  # no test example has these
    expect(desktop.locator(".count")).to_contain_text("Not shown, since no test example has them")
    desktop.locator("summary", has_text="Scores shown").click()
    desktop.locator("input[value=c_score]").check()
    expect(desktop.locator(".head .score, .body .row:first-child .score")).to_have_count(2)


def test_lines_that_are_no_decisions_are_said(desktop: Page, viewer: Served, large: Path) -> None:
    (large / "decisions.jsonl").write_text("<b>\n")
    go(desktop, viewer, "/audit/4")
    expect(desktop.locator("p.lacking")).to_contain_text("Line 1 of ")
    (large / "decisions.jsonl").unlink()
    desktop.evaluate("dispatchEvent(new Event('focus'))")
    expect(desktop.locator("p.lacking")).to_be_hidden()


CUT = """() => {
  const right = (node) => node.getBoundingClientRect().right, edge = right(document.querySelector('.grid'));
  const cells = [...document.querySelectorAll('.head > span, .body .row > span')].filter((cell) => right(cell) > edge);
  const words = [...document.querySelectorAll('.body .row .number, .body .row .badge')].filter((each) => right(each) > right(each.parentElement) + 1 || each.scrollWidth > each.clientWidth + 1);
  return [...cells, ...words].map((node) => node.outerHTML.slice(0, 120));
}"""


def test_many_rows_are_scrolled_to_the_end_without_drawing_them_all(desktop: Page, viewer: Served, large: Path) -> None:
    go(desktop, viewer, "/audit/4")
    assert desktop.locator("[role=grid]").get_attribute("aria-rowcount") == str(MANY + 1)
    desktop.keyboard.press("End")
    record = Record(large)
    values = evaluate(memorization, record)
    shown = desktop.locator("select[name=sort]").input_value()
    assert shown in ("memorization", "shrunk_memorization")
    desktop.wait_for_selector(".row[aria-selected=true] .id")
    assert desktop.locator(".body .row").count() < 60
    last = active(desktop)
    assert values.value[int(last.split("/")[1])] <= np.nanquantile(values.value, 0.2)
    for share in (0.1, 0.5, 0.93):
        desktop.evaluate(
            f"(() => {{ const g = document.querySelector('[role=grid]'); g.scrollTop = {share} * g.scrollHeight; }})()"
        )
        expect(desktop.locator(".body .row[data-empty]")).to_have_count(0)
        indices = [int(row.get_attribute("data-index") or 0) for row in desktop.locator(".body .row").all()]
        assert abs(indices[len(indices) // 2] / MANY - share) < 0.02
    assert desktop.locator(".body .row").count() < 60
    go(desktop, viewer, "/audit/4#train%2F12345")
    desktop.reload()
    desktop.wait_for_selector("aside.example:not([hidden])")
    assert active(desktop) == "train/12345"


def test_two_audits_and_a_language_model(desktop: Page, viewer: Served) -> None:
    go(desktop, viewer, "/compare/1/2")
    desktop.wait_for_selector(".scatter .dot-of")
    assert "training examples have changed" in desktop.locator("main").inner_text()
    desktop.screenshot(path=ARTEFACTS / "view-compare.png")
    link = desktop.locator("tbody th a").first
    name = link.inner_text()
    link.click()
    desktop.wait_for_selector("aside.example:not([hidden])")
    assert active(desktop) == name
    go(desktop, viewer, "/language/3")
    assert desktop.locator(".passage .tok").count() >= 8
    assert "<b>" in desktop.locator("main").inner_text()


def test_a_hostile_report_reaches_nothing(browser: Browser, viewer: Served) -> None:
    tab = browser.new_context().new_page()
    tab.goto(viewer.address)
    tab.goto(f"{viewer.base}/report/1")  # its script asks for the cookie, which its sandbox forbids
    asked = "fetch('/api/open').then(() => 'answered', () => 'refused')"
    assert tab.evaluate("window.origin") == "null"
    assert tab.evaluate(asked) == "refused"
    tab.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_never_scrolls_sideways(browser: Browser, viewer: Served, trouble: list[str], scheme: Any) -> None:
    tab = visit(
        browser, viewer, trouble, viewport={"width": 390, "height": 844}, color_scheme=scheme, reduced_motion="reduce"
    )
    for path in ("/", "/audit/4", "/compare/1/2", "/language/3") if scheme == "light" else ():
        go(tab, viewer, path)
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    go(tab, viewer, "/audit/1")
    seen = "document.querySelector('.body .row')?.getBoundingClientRect().bottom < 0.75 * innerHeight"
    tab.wait_for_function(seen)  # a row is seen at first; it is drawn again when the causes arrive
    assert tab.locator("select[name=split]").is_hidden()
    tab.locator("button", has_text="Filter and sort").click()
    tab.select_option("select[name=split]", "test")
    expect(tab.locator(".more-filters")).to_have_text("Filter and sort (1 set)")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.locator("#theme").inner_text() == ("Light" if scheme == "dark" else "Dark")  # where the button leads to
    tab.locator("#theme").click()
    assert tab.locator("#theme").inner_text() == ("Dark" if scheme == "dark" else "Light")
    tab.locator("#theme").click()
    tab.locator(".body .row").first.click()
    tab.keyboard.press("Enter")
    tab.wait_for_selector("aside .curve")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.screenshot(path=ARTEFACTS / f"view-phone-{scheme}.png")
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    light = sum(map(int, background[4:-1].split(","))) > 380
    assert light == (scheme == "light")
    tab.context.close()


def test_contrast_of_text_is_enough(desktop: Page, viewer: Served) -> None:
    go(desktop, viewer, "/audit/1")
    for scheme in ("light", "dark"):
        desktop.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        low = desktop.evaluate(CONTRAST)
        assert low == []
    desktop.emulate_media(color_scheme="light")


CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (node) => { for (let at = node; at; at = at.parentElement) { const c = getComputedStyle(at).backgroundColor; if (c.startsWith('rgb(')) return parse(c); } return [255, 255, 255]; };
  const found = [];
  for (const node of document.querySelectorAll('main *, header *')) {
    if (![...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim()) || !node.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push(`${node.tagName}.${node.className} ${node.textContent.slice(0, 30)} ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
  }
  return found;
}"""


def test_a_server_that_is_gone_is_said(browser: Browser, directories: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(directories[1], copy)
    with served([copy]) as own:
        tab = browser.new_context().new_page()
        tab.goto(own.address)
        go(tab, own, "/audit/1")
        shutil.rmtree(copy)
        tab.keyboard.press("d")
        said(tab, "no longer there")
    tab.keyboard.press("d")
    said(tab, "Is byrote view still running?")
    tab.context.close()
