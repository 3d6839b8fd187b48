"""Copies in the test set, wrong labels, and how often each rule is right, in the findings and on the page."""

import html as escape
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byrote.errors import Remedy
from byrote.explain import CopyCheck, contamination, space
from byrote.explain.planted import check_copies
from byrote.findings.cause_check import RuleCheck, copy_rule, read_issues, rule_table
from byrote.findings.copies import Copies, read_copies
from byrote.findings.vocabulary import CLASSIFICATION
from byrote.record import Record
from byrote.report import NotMeasured, write_report
from byrote.report.copies import CLOSEST, copy_items
from byrote.report.numbers import difference_text, percent_text
from byrote.report.pictures import Album
from byrote.stats.estimate import Estimate
from findings.test_findings import own_loop
from small_record import HOSTILE, make

PLANTED = 12


def with_copies(record: Record) -> Record:
    """Return the record with copies of training examples as test examples: exact and alike, and one with another label."""
    population = record.population
    tests, train = (np.flatnonzero(population.where(split)) for split in ("test", "train"))
    hostile = int(np.flatnonzero(population.ids == f"train/{HOSTILE}")[0])
    sources = [hostile, *[int(at) for at in train if at != hostile][20 : 20 + PLANTED - 1]]
    inputs, labels = population.inputs.copy(), population.labels.copy()
    inputs[tests[:PLANTED]], labels[tests[:PLANTED]] = inputs[sources], labels[sources]
    changed = inputs[tests[1:PLANTED]].astype(np.int64) + np.random.default_rng(0).integers(-3, 4, (PLANTED - 1, 8, 8))
    inputs[tests[1:PLANTED]] = np.clip(changed, 0, 255).astype(np.uint8)
    labels[tests[0]] = (labels[hostile] + 1) % len(record.classes)
    found = Record(record.directory)
    found.population = replace(population, labels=labels).with_inputs(inputs)
    return found


def without(record: Record, **changes: Any) -> Record:
    found = Record(record.directory)
    found.population = replace(record.population, **changes)
    return found


def read(record: Record) -> Copies | NotMeasured:
    points = space(record.population)
    return read_copies(record, points, check_copies(record.population, points=points, count=20))


def text(page: str, section: str) -> str:
    """Return what a reader sees of one section, without what a script fills in."""
    found = re.search(rf'<section id="{section}".*?</section>', page, re.DOTALL)
    assert found
    return " ".join(escape.unescape(re.sub("<[^>]+>", " ", found[0])).split())


@pytest.fixture(scope="module")
def copied(record: Record) -> Record:
    return with_copies(record)


@pytest.fixture(scope="module")
def page(copied: Record, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(copied, tmp_path_factory.mktemp("copies") / "report.html").read_text()


def test_all_test_examples_are_compared_while_there_are_few(copied: Record) -> None:
    found = read(copied)
    assert isinstance(found, Copies)
    assert (found.looked_at, found.tests) == (60, 60)
    assert len(found.found.examples) == PLANTED
    assert repr(found.found) == repr(contamination(copied))


@pytest.mark.slow
def test_of_many_pairs_a_sample_is_compared_and_the_page_states_it(
    copied: Record, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    train = int(copied.population.where("train").sum())
    monkeypatch.setattr("byrote.findings.copies.COMPARED", 30 * train + 1)
    found = read(copied)
    assert isinstance(found, Copies)
    assert (found.looked_at, found.tests) == (30, 60)
    assert found.found.share.n == 30
    assert 0 < len(found.found.examples) < PLANTED
    shown = text(write_report(copied, tmp_path / "sample.html").read_text(), "copies")
    assert f"{len(found.found.examples)} of 30 test examples" in shown
    assert "a random sample of the 60 test examples" in shown


def test_the_page_shows_the_numbers(copied: Record, page: str) -> None:
    shown, size = text(page, "copies"), contamination(copied)
    assert (
        f"12 of 60 test examples have a near-duplicate among the training examples: {percent_text(size.share)}".replace(
            "\N{NO-BREAK SPACE}", " "
        )
        in shown
    )
    assert "random sample" not in shown
    for number in (size.accuracy, size.accuracy_on_others):
        assert f"{100 * number.value:.1f} %" in shown
        assert f"{100 * number.low:.1f} % to" in shown
    assert shown.count(f"{len(copied.runs)} runs") >= 3
    assert difference_text(size.difference, CLASSIFICATION, sign=True).replace("\N{NO-BREAK SPACE}", " ") in shown
    assert "Exact copies: 1; nearly equal: 11" in shown


def test_the_closest_pairs_are_shown_with_their_pictures_and_labels(copied: Record, page: str) -> None:
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert match
    data = json.loads(match[1])
    pairs, ids = data["copies"], list(copied.population.ids)
    assert len(pairs) == CLOSEST
    assert [pair["distance"] for pair in pairs] == sorted(pair["distance"] for pair in pairs)
    assert {pair[end] for pair in pairs for end in ("test", "train")} <= set(data["pictures"])
    for pair in pairs:
        labels = [copied.classes[copied.population.labels[ids.index(pair[end])]] for end in ("test", "train")]
        assert [pair["testLabel"], pair["trainLabel"]] == labels
        assert pair["same"] is (labels[0] == labels[1])
    assert pairs[0]["train"] == f"train/{HOSTILE}"
    assert (pairs[0]["distance"], pairs[0]["same"]) == (0, False)
    assert HOSTILE not in page


@pytest.mark.slow
def test_without_a_copy_there_is_no_list_and_no_verdict(record: Record, tmp_path: Path) -> None:
    page = write_report(record, tmp_path / "none.html").read_text()
    assert "None of 60 test examples has a near-duplicate" in text(page, "copies")
    assert 'id="copy-list"' not in page
    assert "near-duplicate in the training set" not in text(page, "verdict")


def test_what_the_search_finds_and_misses_is_beside_it(copied: Record, page: str) -> None:
    shown, checks = text(page, "copies"), check_copies(copied.population)
    for each in checks:
        assert each.kind in shown
    assert "should not be reported" in shown
    found = read(copied)
    assert isinstance(found, Copies)
    assert "exact" not in found.missed
    assert "blend" not in found.missed
    assert found.missed
    assert f"Most copies of the kind {found.missed[0]} are missed" in shown
    right = round(sum(each.found.value * 100 for each in checks if each.is_copy))
    wrong = round(sum(each.found.value * 100 for each in checks if not each.is_copy))
    assert f"Of {right + wrong} planted examples reported as copies, {right} are" in shown


def share(kind: str, found: int, *, is_copy: bool = True) -> CopyCheck:
    return CopyCheck(kind, is_copy, Estimate(found / 50, 0.0, 1.0, 50, "example"))


def test_the_precision_of_each_rule_counts_what_was_planted_for_it() -> None:
    copies = copy_rule([share("exact", 50), share("turned", 10), share("blend", 15, is_copy=False)])
    assert (copies.found, copies.planted, copies.wrongly, copies.others) == (60, 100, 15, 50)
    assert not isinstance(copies.precision, NotMeasured)
    assert (copies.precision.value, copies.precision.n) == (60 / 75, 75)
    assert copies.meant == "copies: exact, turned"
    checks = (
        RuleCheck("mislabeled", 40, (30, 0, 1, 2, 7), 28),
        RuleCheck("noise", 20, (6, 0, 9, 0, 5), 0),
        RuleCheck("ordinary", 40, (4, 1, 0, 3, 32), 0),
    )
    table = {row.cause: row for row in rule_table(checks, copies)}
    assert list(table) == ["label suspect", "near-duplicate", "atypical", "ambiguous"]
    suspect, atypical, ambiguous = table["label suspect"], table["atypical"], table["ambiguous"]
    assert (suspect.found, suspect.planted, suspect.wrongly, suspect.others) == (30, 40, 10, 60)
    assert (atypical.found, atypical.planted, atypical.wrongly, atypical.others) == (9, 20, 1, 80)
    assert not isinstance(suspect.precision, NotMeasured)
    assert suspect.precision.value == 0.75
    assert 0.5 < suspect.precision.low < 0.75 < suspect.precision.high < 0.95
    assert (ambiguous.planted, ambiguous.wrongly, ambiguous.others) == (0, 5, 100)
    assert isinstance(ambiguous.precision, NotMeasured)
    assert ambiguous.precision.remedy == Remedy("canaries", "ambiguous=50")
    planted = (*checks, RuleCheck("ambiguous", 10, (2, 0, 1, 6, 1), 0))
    row = next(row for row in rule_table(planted, copies) if row.cause == "ambiguous")
    assert (row.found, row.planted, row.wrongly, row.others) == (6, 10, 5, 100)
    assert row.meant == "ambiguous canaries"
    assert table["near-duplicate"] == copies


def test_a_rule_that_names_nothing_has_no_precision() -> None:
    (suspect, *_) = rule_table([RuleCheck("mislabeled", 8, (0, 0, 0, 0, 8), 0)], copy_rule([]))
    assert isinstance(suspect.precision, NotMeasured)
    assert (suspect.planted, suspect.found, suspect.wrongly) == (8, 0, 0)
    assert isinstance(copy_rule([]).precision, NotMeasured)


def test_every_rule_is_on_the_page_with_its_precision(page: str) -> None:
    shown = text(page, "canaries")
    rules = shown[shown.index("Precision of the causes") :]
    for cause, kind in (("label suspect", "mislabeled"), ("atypical", "noise")):
        assert re.search(rf"{cause} {kind} canaries \d+ of 12 \d+ of 24 (0\.\d\d|1\.00) \[", rules), cause
    assert re.search(r"near-duplicate, also in the test set copies: exact, .* 0 of 100 1\.00 \[", rules)
    assert re.search(
        r"ambiguous nothing . \d+ of 36 No example with this cause was planted\. Run .* with --canaries ambiguous=50",
        rules.replace("`", ""),
    )


def test_wrong_labels_are_counted_beside_the_gallery_with_the_command(record: Record, page: str) -> None:
    known = read_issues(record)
    assert not isinstance(known, NotMeasured)
    shown = text(page, "gallery")
    assert "byrote relabel RECORD" in shown
    assert f"Of {known.wrong} planted wrong labels, {known.found} are reported , {known.proposed} of them" in shown
    assert re.search(rf"Of {known.right} ordinary canaries, .* {known.accused} (is|are) reported", shown)
    assert known.found > 6 > known.accused


def test_too_few_runs_check_no_suggestion(tmp_path: Path) -> None:
    known = read_issues(make(tmp_path / "four", runs=4, canaries=8, epochs=1))
    assert isinstance(known, NotMeasured)
    assert "at least 3 models" in known.reason
    assert "4 runs" in known.reason
    bare = read_issues(make(tmp_path / "bare", runs=2, canaries=0, epochs=1))
    assert isinstance(bare, NotMeasured)
    assert "No wrong labels were planted" in bare.reason


def test_without_inputs_or_tests_it_is_one_sentence(record: Record, tmp_path: Path) -> None:
    population = record.population
    bare = without(record, read_inputs=lambda: np.zeros((len(population), 0), np.float32))
    shown = text(write_report(bare, tmp_path / "bare.html").read_text(), "copies")
    assert shown.startswith("Copies in the test set Not measured. This record kept no inputs to compare.")
    untested = without(record, split=np.where(population.where("test"), "train", population.split))
    assert read(untested) == NotMeasured("This record has no test examples.")


@pytest.mark.parametrize("clean_pass", [False, True])
def test_a_loop_of_ones_own_is_searched_too(record: Record, tmp_path: Path, clean_pass: bool) -> None:
    own = with_copies(own_loop(record, tmp_path / "own", clean_pass=clean_pass))
    shown = text(write_report(own, tmp_path / "own.html").read_text(), "copies")
    assert "12 of 60 test examples have a near-duplicate" in shown
    assert ("Their effect on the accuracy is unknown" in shown) is not clean_pass
    assert ("Accuracy without copies" in shown) is clean_pass
    assert "nan" not in shown.lower().split()


def test_vectors_have_pairs_without_pictures(tmp_path: Path) -> None:
    record = make(tmp_path / "vectors", runs=4, canaries=8, epochs=2, vectors=True)
    population = record.population
    inputs = population.inputs.copy()
    inputs[np.flatnonzero(population.where("test"))[0]] = inputs[np.flatnonzero(population.where("train"))[9]]
    copied = without(record, read_inputs=lambda: inputs)
    found, album = read(copied), Album(copied.population)
    assert isinstance(found, Copies)
    (pair,) = copy_items(copied, found, album)
    assert pair["distance"] == 0
    assert album.pictures == {}
    shown = text(write_report(copied, tmp_path / "vectors.html").read_text(), "copies")
    assert "of features in standard deviations" in shown
    assert "The closest pair" in shown
