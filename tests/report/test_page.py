import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byrote.record import Record
from byrote.report import write_report
from byrote.report.page import embedded
from byrote.report.pictures import Album
from findings.test_findings import own_loop
from small_record import CLOSING, HOSTILE, make

MEGABYTE = 1_000_000


class Elements(HTMLParser):
    """Collects every element of a page with its attributes, and the text outside scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if not self.found or self.found[-1][0] not in ("script", "style"):
            self.text += data


@pytest.fixture(scope="module")
def elements(page: Path) -> Elements:
    parser = Elements()
    parser.feed(page.read_text())
    return parser


def test_the_default_place_is_in_the_record_and_nothing_else_is_left_there(record: Record, page: Path) -> None:
    assert page == record.directory / "report.html"
    assert not list(record.directory.glob(".*.tmp"))


def test_everything_is_in_the_file(elements: Elements, page: Path) -> None:
    for tag, attributes in elements.found:
        for name in ("src", "href", "srcset", "action"):
            value = attributes.get(name) or ""
            assert value.startswith(("#", "data:")) or not value, f"<{tag} {name}={value!r}>"
        assert not [name for name in attributes if name.startswith("on")], tag
    assert page.stat().st_size < 3 * MEGABYTE


def test_the_policy_forbids_the_network_and_eval(elements: Elements) -> None:
    policy = next(a["content"] for tag, a in elements.found if a.get("http-equiv") == "Content-Security-Policy")
    assert policy
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert "unsafe-eval" not in policy


def test_hostile_names_are_text_everywhere(elements: Elements, page: Path, embedded_data: dict[str, Any]) -> None:
    html = page.read_text()
    assert HOSTILE not in html
    assert CLOSING not in html
    assert [tag for tag, _ in elements.found].count("script") == 3
    assert all(
        a["src"].startswith("data:image/png;base64,") and not a["alt"] for tag, a in elements.found if tag == "img"
    )
    assert any(HOSTILE in item["id"] for item in embedded_data["items"])  # and yet it is there, as text
    assert HOSTILE in elements.text


def test_embedded_json_cannot_leave_its_element() -> None:
    text = embedded({"a": "</script><!--&", "b": [1.5, None]})
    assert not set(text) & set("<>&")
    with pytest.raises(ValueError):
        embedded(float("nan"))


def test_canaries_never_pass_for_real_data(record: Record, embedded_data: dict[str, Any]) -> None:
    named = set(record.population.ids[record.population.where("canary")])
    shown: list[str] = []
    for item in embedded_data["items"]:
        shown.append(item["id"])
        for part in ("neighbours", "testNeighbours", "duplicates", "dependents"):
            shown += [other["id"] for other in item[part]]
    shown += [pair[end] for pair in embedded_data["pairs"] for end in ("train", "test")]
    assert shown
    assert not named & {*shown, *embedded_data["pictures"]}
    points = embedded_data["charts"]["map"]["datasets"]["rows"]
    assert {row["id"] for row in points if row["kind"].startswith("canary: ")} == named
    assert not named & {row["id"] for row in points if row["kind"] == "real"}


def test_every_section_is_in_the_contents_and_every_plot_has_words(elements: Elements) -> None:
    sections = [a["id"] for tag, a in elements.found if tag == "section"]
    links = [a["href"] for tag, a in elements.found if tag == "a" and (a.get("class") or "") not in ("skip", "see")]
    assert [f"#{name}" for name in sections] == links
    ids = {a["id"] for _, a in elements.found if "id" in a}
    seen = [a["href"] for tag, a in elements.found if tag == "a" and a.get("class") == "see"]
    assert seen == ["#rules"]
    assert {name.removeprefix("#") for name in seen} <= ids
    plots = [a for tag, a in elements.found if a.get("class") == "plot"]
    assert plots
    assert all(a.get("aria-label") for a in plots)
    assert [tag for tag, _ in elements.found].count("figcaption") == len(plots)


def test_it_says_that_low_memorization_is_not_privacy(elements: Elements) -> None:
    assert elements.text.count("Low measured memorization is not privacy") >= 2


def test_it_says_what_a_blind_baseline_below_chance_is(elements: Elements) -> None:
    assert (
        "(below .5 is chance: what separates them in one half of the examples does not in the other)" in elements.text
    )


@pytest.mark.slow
def test_same_record_same_page_and_every_stage_is_said_once(record: Record, page: Path, tmp_path: Path) -> None:
    stages: list[str] = []
    assert write_report(record, tmp_path / "again.html", stage=stages.append).read_bytes() == page.read_bytes()
    assert len(stages) == len(set(stages)) == 8
    assert (stages[0], stages[-1]) == ("accuracies and memorization", "drawing the page")


@pytest.mark.parametrize(
    "options",
    [
        {"runs": 1, "canaries": 0, "epochs": 1},
        {"runs": 4, "canaries": 8, "epochs": 12, "vectors": True},
    ],
)
def test_records_that_say_less_get_a_page_all_the_same(tmp_path: Path, options: dict[str, Any]) -> None:
    html = write_report(make(tmp_path / "less", **options)).read_text()
    assert "NaN" not in re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert ("Not measured." in html) == (options["runs"] == 1)
    assert "None of 60 test examples has a near-duplicate" in re.sub("<[^>]+>", "", html)


@pytest.mark.parametrize("clean_pass", [False, True])
def test_a_record_of_ones_own_loop_gets_a_page(record: Record, tmp_path: Path, clean_pass: bool) -> None:
    html = write_report(own_loop(record, tmp_path / "own", clean_pass=clean_pass)).read_text()
    assert "Not measured." in html
    assert "byrote audit " not in html


def test_pictures_stop_at_the_budget(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byrote.report.pictures.BUDGET", 1000)
    album = Album(record.population)
    for position in range(30):
        album.add(position)
    assert 0 < len(album.pictures) < 30
    assert len(album.pictures) + len(album.left_out) == 30
    assert sum(map(len, album.pictures.values())) <= 1000


def test_the_glance_at_a_row_is_at_its_most_unusual_columns(tmp_path: Path) -> None:
    record = make(tmp_path / "vectors", runs=0, canaries=0, vectors=True)
    table = Album(record.population).table
    assert table
    train = record.population.inputs[record.population.where("train")].astype(float)
    spread = (np.quantile(train, 0.75, axis=0) - np.quantile(train, 0.25, axis=0)) / 1.349
    away = np.abs(train[0] - np.median(train, axis=0)) / spread
    assert [row[0] for row in table.glance(0)] == [f"column {at}" for at in np.argsort(-away)[:3]]
