"""The code behind docs/calibration.md: rows are made, a narrow interval is called so, and the page is that of the rows."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from records.calibration import lists, membership, run, scores, shares  # noqa: E402
from records.calibration.rows import Row, of_draws, of_records, read_rows, write_rows  # noqa: E402

from byrote.stats.intervals import student  # noqa: E402


def coverage(factor: float) -> Row:
    """Return the coverage of Student's interval of 10 normal values, made so many times as long."""
    x = np.random.default_rng(0).normal(size=(2_000, 10))
    low, high = student(x.mean(axis=1), x.var(axis=1, ddof=1) * factor**2, 10, level=0.9)
    return of_draws("student", "10 normal values", (low <= 0) & (high >= 0))


def test_a_broken_interval_is_called_so_and_a_right_one_is_not() -> None:
    assert coverage(1.0).word == ""
    assert coverage(0.8).word == "badly too narrow"
    assert coverage(0.91).word == "too narrow"
    assert coverage(1.2).word == "wide"
    assert coverage(2.0).word == "badly wide"


def test_few_draws_show_little() -> None:
    assert of_draws("x", "", [True] * 3 + [False]).word == ""
    assert of_draws("x", "", [True] * 300 + [False] * 100).word == "badly too narrow"
    assert of_records("x", "", [0.6, 0.95, 0.9]).word == ""
    assert of_records("x", "", [0.6, 0.61, 0.62]).word == "badly too narrow"


def test_a_rate_is_wrong_only_where_it_is_too_large() -> None:
    for name, rate, word in (("p", 0.2, "too often"), ("p", 0.0, ""), ("p", 0.051, "")):
        assert of_draws(name, "", np.arange(400) < 400 * rate, nominal=0.05).word == word


def test_the_interval_is_students_between_records_and_wilsons_of_outcomes() -> None:
    low, high = of_records("x", "", [0.8, 0.9, 1.0]).ends
    assert (low, high) == pytest.approx((0.9 - 4.303 * 0.1 / np.sqrt(3), 1.0), abs=1e-3)
    assert of_draws("x", "", [True] * 10).ends == pytest.approx((10 / (10 + 1.96**2), 1), abs=1e-3)
    assert of_records("x", "", [1.0] * 10).ends == of_draws("x", "", [True] * 10).ends


def test_every_part_gives_rows_with_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "DESIGNS", ("halves", "groups of 5"))
    monkeypatch.setattr(lists, "RUNS", (10,))
    monkeypatch.setattr(lists, "KINDS", dict(list(lists.KINDS.items())[:1]))
    monkeypatch.setattr(lists, "MODELS", dict(list(lists.MODELS.items())[:1]))
    monkeypatch.setattr(scores, "RUNS", (10,))
    for module in (lists, scores):
        monkeypatch.setattr(module, "TRUTHS", {"normal": module.TRUTHS["normal"]})
    monkeypatch.setattr(shares, "TRUTHS", {"coins": shares.TRUTHS["coins"]})
    parts: dict[str, Iterator[Row]] = {
        "lists": lists.rows(records=2),
        "reliability": scores.reliability_rows(records=3),
        "p_values": membership.p_values(records=2, examples=60),
        "shares": shares.rows(records=1, runs=(6,), examples=100),
    }
    for name, part in parts.items():
        rows = list(part)
        assert rows, name
        for row in rows:
            assert 0 <= row.ends[0] <= row.measured <= row.ends[1] <= 1, row
            assert row.draws > 0
            assert row.setting
    assert set(parts) <= set(run.TITLES)


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = [of_draws("q", "a, b", [True, False, True], stratum="s"), of_records("r", "c", [0.1, 0.25], nominal=0.1)]
    write_rows(rows, tmp_path / "new" / "rows.csv")
    for row, read in zip(rows, read_rows(tmp_path / "new" / "rows.csv"), strict=True):
        assert (row.quantity, row.setting, row.stratum, row.draws) == (
            read.quantity,
            read.setting,
            read.stratum,
            read.draws,
        )
        assert (row.measured, row.ends) == (pytest.approx(read.measured, abs=1e-4), pytest.approx(read.ends, abs=1e-3))
        assert row.word == read.word


def test_a_part_is_measured_into_its_file_and_the_page_has_a_table_for_each_quantity(tmp_path: Path) -> None:
    run.measure("shares", lambda: [coverage(1.0), ("other", "x", 0.9, 0.5, 200)], tmp_path)
    rows = read_rows(tmp_path / "shares.csv")
    text = run.page({"shares": rows})
    assert text.startswith(run.INTRODUCTION)
    assert run.NOTES["shares"] in text
    assert text.count("| setting | stratum |") == 2
    assert "| x |  | 0.9 | 0.500 | 0.431 to 0.569 | 200 | badly too narrow |" in text


def test_the_page_is_that_of_the_rows_in_the_repository() -> None:
    assert run.PAGE.read_text() == run.page({name: read_rows(run.ROWS / f"{name}.csv") for name in run.TITLES})
