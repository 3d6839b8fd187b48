"""What values show of themselves in a notebook: their numbers, small, without a script, and hostile names as text."""

import re
from pathlib import Path

import numpy as np
import pytest

from byrote.evidence.evaluate import evaluate
from byrote.experiments.compare import compare
from byrote.experiments.compare_audits import compare_audits
from byrote.notebook import LONGEST, table
from byrote.record import Record
from byrote.scores import memorization
from byrote.stats.estimate import Estimate
from byrote.task.canaries import Canaries
from byrote.training.compute import Compute
from small import small_task
from small_record import CLOSING, HOSTILE


def assert_safe(html: str) -> None:
    assert "<script" not in html
    assert "<img" not in html
    assert "http" not in html
    assert not re.search(r"<[^>]* on\w+=", html)
    assert len(html) < 20_000
    assert html.count("<div") == html.count("</div>")


def test_a_record_says_what_it_holds(record: Record) -> None:
    html = record._repr_html_()
    assert_safe(html)
    assert "14 finished" in html
    assert "&lt;/script&gt;" in html  # the name of the task is hostile


def test_values_show_the_first_ten_with_their_intervals(record: Record) -> None:
    values = evaluate(memorization, record)
    html = values._repr_html_()
    assert_safe(html)
    assert html.count("<tr>") == 11
    first = values.ranked(~np.isnan(values.value))[0]
    assert f"{values.value[first]:.3g} [{values.low[first]:.3g}, {values.high[first]:.3g}]" in html
    assert "High: memorized" in html


def test_an_estimate_shows_its_interval_and_what_is_behind_it() -> None:
    html = Estimate(0.25, 0.125, 0.5, 14, "run")._repr_html_()
    assert_safe(html)
    assert "0.25 [0.125, 0.5]" in html
    assert "90 % interval, from 14 runs" in html
    assert "undefined" in Estimate.undefined("run")._repr_html_()


def test_two_audits_show_what_has_changed(record: Record) -> None:
    html = compare_audits(record, record)._repr_html_()
    assert_safe(html)
    assert "0 of" in html


@pytest.mark.slow
def test_a_comparison_shows_its_ways_of_training(tmp_path: Path) -> None:
    found = compare(
        small_task(), ["dropout(0.5)"], tmp_path / "mine", runs=6, canaries=Canaries(mislabeled=4), compute=Compute(workers=1)
    )  # fmt: skip
    html = found._repr_html_()
    assert_safe(html)
    assert "dropout(rate=0.5)" in html
    assert html.count("<tr>") == 3


def test_cells_are_text_and_not_too_long() -> None:
    html = table(HOSTILE, (CLOSING,), [(HOSTILE, "x" * 10_000)], CLOSING)
    assert_safe(html)
    assert "x" * (LONGEST - 1) in html
    assert "x" * LONGEST not in html
