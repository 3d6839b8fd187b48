"""Comparisons of examples by their inputs: they are those of the parts, and an audit makes them while models train."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import byrote
from byrote.evidence.certainty import Certainty, Following
from byrote.explain import check_copies, contamination, space
from byrote.findings import comparisons
from byrote.findings.comparisons import Comparisons
from byrote.record import Record
from byrote.record.display import Display
from byrote.report import write_report
from byrote.training.compute import Compute
from byrote.training.progress import Progress
from small import small_task


def test_they_are_those_of_the_parts(record: Record) -> None:
    made, points = Comparisons(record.population), space(record.population)
    np.testing.assert_array_equal(made.points.points, points.points)
    assert (made.points.near, made.points.rare) == (points.near, points.rare)
    assert made.checks == check_copies(record.population, points=points)
    assert tuple(made.contaminated) == contamination(record, points=points).examples


def test_of_texts_and_without_training_examples_there_are_none(record: Record) -> None:
    texts = replace(record.population, display=Display("text"))
    nobody = replace(record.population, split=np.full(len(record.population), "test"))
    for population in (texts, nobody):
        made = Comparisons(population).complete()
        assert (made.checks, list(made.contaminated)) == ((), [])


def test_an_audit_makes_them_while_it_trains_and_its_report_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the last look found, and what the data alone say, is not computed again for the verdict and the report."""
    told: list[Progress] = []
    made: list[tuple[int, str]] = []
    estimated: list[Any] = []
    plain = comparisons.space

    def counted(*given: Any) -> Any:
        made.append((told[-1].runs, told[-1].stage))
        return plain(*given)

    class Counted(Following):
        def certainty(self, runs: Sequence[int]) -> Certainty:
            estimated.append(runs)
            return super().certainty(runs)

    monkeypatch.setattr(comparisons, "space", counted)
    monkeypatch.setattr("byrote.findings.evaluated_scores.Following", Counted)
    record = byrote.audit(small_task(epochs=2), tmp_path, runs=6, compute=Compute(workers=1), progress=told.append)
    assert made == [(4, "")], "once, at the first look"
    assert not estimated
    page = (tmp_path / "report.html").read_bytes()
    assert Path(str(write_report(Record(tmp_path), tmp_path / "again.html"))).read_bytes() == page
    assert len(estimated) == 1
    assert len(record.runs) == 6
