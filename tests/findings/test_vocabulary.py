"""The words of the report follow the objective, and what a record does not hold is absent with a reason."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byrote.errors import ByroteError, MissingEvidence
from byrote.findings.accuracy import mean_right
from byrote.findings.vocabulary import CLASSIFICATION, REGRESSION, read_vocabulary, vocabulary
from byrote.record import Record
from byrote.report import NotMeasured, findings, sentences, write_report
from byrote.report.numbers import difference_text, right, right_range
from byrote.stats.estimate import Estimate
from findings.test_copies import text


@pytest.mark.parametrize(
    ("kind", "word", "written"),
    [
        ("classification", "accuracy", "87.2\N{NO-BREAK SPACE}%"),
        ("regression", "R²", "0.87"),
        ("multilabel", "share of labels right", "87.2\N{NO-BREAK SPACE}%"),
    ],
)
def test_each_objective_has_its_words_and_its_number_format(kind: str, word: str, written: str) -> None:
    words = vocabulary(kind)
    assert (words.kind, words.right) == (kind, word)
    assert right(0.872, words) == written


def test_an_unknown_objective_is_refused_with_the_nearest() -> None:
    with pytest.raises(ByroteError, match="'regression'"):
        vocabulary("regresion")


def test_a_difference_is_in_points_only_where_the_numbers_are_shares() -> None:
    size = Estimate(0.1234, 0.1, 0.2, 9, "run")
    assert difference_text(size, CLASSIFICATION) == "12.3 points [10.0,\N{NO-BREAK SPACE}20.0]"
    assert difference_text(size, REGRESSION, sign=True) == "+0.12 [+0.10,\N{NO-BREAK SPACE}+0.20]"


def test_a_missing_interval_is_named_with_what_the_number_comes_from() -> None:
    assert right_range(Estimate(0.5, np.nan, np.nan, 1, "run"), CLASSIFICATION) == "no interval from 1 run"


def test_a_score_that_is_not_a_share_may_be_negative() -> None:
    answers = [np.array([0.9, -3.0, 0.5]), np.array([0.8, -2.0, 0.1])]
    found = mean_right(answers, "none", is_share=False)
    assert not isinstance(found, NotMeasured)
    assert found.value == pytest.approx(np.mean([a.mean() for a in answers]))
    assert found.low < found.value < 0
    alone = mean_right(answers[:1], "none", is_share=False)
    assert not isinstance(alone, NotMeasured)
    assert (alone.unit, alone.n) == ("example", 3)
    assert alone.value == pytest.approx(answers[0].mean())


class Reduced(Record):
    """A record without some columns, as one of another objective would be."""

    def __init__(self, record: Record, absent: tuple[str, ...], **manifest: Any) -> None:
        super().__init__(record.directory)
        self.absent = absent
        self.manifest = {**self.manifest, **manifest}

    def _check(self, column: str) -> None:
        if column in self.absent:
            raise MissingEvidence(f"This record has no column `{column}`.")
        super()._check(column)


REGRESSION_LACKS = ("correct", "correct_seen", "confidence", "confidence_seen", "prediction", "margin", "margin_seen")


@pytest.fixture(scope="module")
def reduced(record: Record) -> Record:
    manifest = json.loads((record.directory / "record.json").read_text())
    task = {**manifest["task"], "classes": []}
    return Reduced(record, REGRESSION_LACKS, objective="regression(loss='huber')", task=task, inputs="inputs as given")


def test_the_objective_of_a_record_chooses_the_words(record: Record, reduced: Record) -> None:
    assert read_vocabulary(record) == CLASSIFICATION
    assert read_vocabulary(reduced) == REGRESSION


def test_findings_without_right_answers_are_absent_with_their_reasons(reduced: Record) -> None:
    found = findings(reduced)
    for part in (found.accuracies.learned, found.accuracies.gap, found.memorized, found.kinds):
        assert isinstance(part, NotMeasured)
        assert part.reason
    verdict = " ".join(sentences(found))
    assert "R²" in verdict
    assert "accuracy" not in verdict


def test_the_page_names_what_is_absent_and_does_not_crash(reduced: Record, tmp_path: Path) -> None:
    page = Path(write_report(reduced, tmp_path / "regression.html")).read_text()
    for section in ("distribution", "gallery", "pairs", "learning", "map", "canaries"):
        assert "Not measured." in text(page, section), section
    shown = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    assert "ccuracy" not in shown
    assert "R²" in shown
    assert "inputs inputs as given" in text(page, "settings")


def test_what_the_inputs_are_is_shown_only_if_the_record_knows(record: Record, tmp_path: Path) -> None:
    page = Path(write_report(record, tmp_path / "plain.html")).read_text()
    assert " inputs " not in text(page, "settings")
    named = Reduced(record, (), inputs="uint8 pictures divided by 255")
    page = Path(write_report(named, tmp_path / "named.html")).read_text()
    assert "inputs uint8 pictures divided by 255" in text(page, "settings")
