"""Lines on stderr while runs are trained, where nobody asked for another kind of progress."""

from itertools import pairwise

import pytest

from byrote.training.progress import Lines, Progress, spell_seconds


def test_lines_come_after_a_while_and_then_less_often(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    lines, said = Lines(), list[float]()
    for second in range(1000):
        clock[0] = float(second)
        lines(Progress(second, 1000, second // 100, 10))
        if capsys.readouterr().err:
            said.append(second)
    assert said[0] == 10
    assert 10 <= len(said) <= 25
    gaps = [after - before for before, after in pairwise(said)]
    assert gaps == sorted(gaps)


def test_a_line_says_how_far_and_how_long(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    lines = Lines()
    clock[0] = 60.0
    lines(Progress(0, 100, 0, 10))
    assert not capsys.readouterr().err, "nothing is known yet"
    lines(Progress(10, 100, 1, 10))
    assert capsys.readouterr().err == "byrote: 1 of 10 runs are trained, about 9 minutes left\n"


def test_runs_that_were_there_already_are_counted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    lines, now = Lines(), Progress(10, 40, 1, 4, before=6)
    clock[0] = 60.0
    lines(now)
    assert capsys.readouterr().err == "byrote: 7 of 10 runs are trained, about 3 minutes left\n"
    assert (now.in_all, now.share) == ((7, 10), pytest.approx(0.7))
    assert Progress(0, 0, 0, 0).share == 0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 second"), (40, "40 seconds"), (720, "12 minutes"), (12600, "3.5 hours")]
)
def test_durations_are_spelled(seconds: float, text: str) -> None:
    assert spell_seconds(seconds) == text
