from typing import Any

import pytest

from byrote.errors import MissingEvidence
from byrote.record.lookahead import AHEAD, Lookahead

RUNS = [0, 2, 3, 5, 8, *range(10, 30)]
BROKEN = 8


class Desk:
    """Hands out what was asked for, and notes it."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.ahead = Lookahead(self.fetch, RUNS)

    def fetch(self, run: int, column: str | None, step: int | None) -> Any:
        self.asked.append((run, column, step))
        if run == BROKEN:
            raise MissingEvidence("not there")
        return run, column, step

    def runs(self) -> list[int]:
        return sorted(run for run, _, _ in self.asked)


def test_one_run_after_another_is_sent_for_once() -> None:
    desk = Desk()
    assert desk.ahead.get(0, "loss", None) == (0, "loss", None)
    assert desk.runs() == [0], "one run alone is no sign that more will be asked for"
    for run in RUNS[1:]:
        if run == BROKEN:
            with pytest.raises(MissingEvidence):
                desk.ahead.get(run, "loss", None)
        else:
            assert desk.ahead.get(run, "loss", None) == (run, "loss", None)
    assert desk.runs() == RUNS


def test_another_column_is_sent_for_anew() -> None:
    desk = Desk()
    for last, (column, step) in enumerate((("loss", None), ("margin", None), ("margin", 3), ("loss", None)), 8):
        for run in RUNS[5:last]:
            assert desk.ahead.get(run, column, step) == (run, column, step)


def test_what_is_not_asked_in_order_is_not_looked_ahead_for() -> None:
    desk = Desk()
    for run in (5, 2, 5, 0, 3, 17):
        desk.ahead.get(run, "loss", 1)
    for column, step in (("loss", 2), ("margin", 2), ("margin", None)):
        desk.ahead.get(20, column, step)
        desk.ahead.get(20, column, step)
    assert len(desk.asked) == 12


def test_no_more_than_a_few_are_on_their_way() -> None:
    desk = Desk()
    for run in (10, 11, 12):
        desk.ahead.get(run, "loss", None)
    assert {10, 11, 12} <= set(desk.runs()) <= {10, *range(11, 12 + AHEAD)}
