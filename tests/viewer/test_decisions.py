"""Decisions are on the disk when `change` returns, and nobody's are lost: not by two tabs, two programs, or a kill."""

import json
import multiprocessing
import threading
from pathlib import Path

import pytest

from byrote.errors import ByroteError, InvalidData, Unsupported
from byrote.record.storage import place
from byrote.viewer.decisions import FILE, Change, DecidedElsewhere, Decision, Decisions


def test_the_last_change_counts_and_parts_that_are_not_named_stay(tmp_path: Path) -> None:
    decisions = Decisions(tmp_path)
    decisions.change(Change("train/1", choice="drop"))
    decisions.change(Change("train/1", add="  odd   one "))
    decisions.change(Change("train/2", choice="relabel", label=3))
    assert decisions.current() == {
        "train/1": Decision("train/1", "drop", None, ("odd one",)),
        "train/2": Decision("train/2", "relabel", 3),
    }
    decisions.change(Change("train/2", choice="keep"))
    decisions.change(Change("train/1", choice=""))
    decisions.change(Change("train/1", remove="odd one"))
    assert dict(Decisions(tmp_path).current()) == {"train/2": Decision("train/2", "keep")}
    assert len((tmp_path / FILE).read_text().splitlines()) == 6


def test_undo_takes_back_one_change_and_refuses_where_another_came_later(tmp_path: Path) -> None:
    first, second = Decisions(tmp_path), Decisions(tmp_path)
    one, _ = first.change(Change("train/1", choice="drop"))
    two, _ = first.change(Change("train/1", choice="keep"))
    assert first.undo(two) == Decision("train/1", "drop")
    third, _ = first.change(Change("train/1", choice="wanted"))
    second.change(Change("train/1", add="seen"))
    with pytest.raises(InvalidData, match="decided about again since"):
        first.undo(third)
    with pytest.raises(InvalidData, match="no change 99"):
        first.undo(99)
    assert first.current()["train/1"] == Decision("train/1", "wanted", None, ("seen",))
    alone, _ = second.change(Change("train/7", choice="drop"))
    assert second.undo(alone) == Decision("train/7")
    assert one == 1


def _decide(where: Path, who: int) -> None:
    decisions = Decisions(where)
    for at in range(25):
        decisions.change(Change(f"train/{who}-{at}", choice="drop"))
        decisions.change(Change("train/shared", add=f"{who}-{at % 4}"))


def test_two_programs_and_two_tabs_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    other = context.Process(target=_decide, args=(tmp_path, 0))
    other.start()
    tabs = [threading.Thread(target=_decide, args=(tmp_path, who)) for who in (1, 2)]
    for tab in tabs:
        tab.start()
    for each in (*tabs, other):
        each.join()
    found = Decisions(tmp_path).current()
    assert {f"train/{who}-{at}" for who in range(3) for at in range(25)} < set(found)
    assert set(found["train/shared"].tags) == {f"{who}-{at}" for who in range(3) for at in range(4)}


def test_a_torn_or_edited_line_costs_itself_only(tmp_path: Path) -> None:
    decisions = Decisions(tmp_path)
    decisions.change(Change("train/1", choice="drop"))
    with (tmp_path / FILE).open("ab") as file:  # as a process that was killed leaves it
        file.write(b'{"example": "train/2", "cho')
    assert set(decisions.current()) == {"train/1"}
    decisions.change(Change("train/3", choice="keep"))
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'null\n{"example": "train/4", "choice": "explode", "label": null, "tags": []}\n\xff\n')
    assert set(decisions.current()) == set(Decisions(tmp_path).current()) == {"train/1", "train/3"}


def test_a_file_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    decisions = Decisions(tmp_path)
    decisions.change(Change("train/1", choice="drop"))
    line = json.dumps({"example": "train/9", "choice": "keep", "label": None, "tags": []})
    (tmp_path / "new").write_text(line + "\n")
    (tmp_path / "new").rename(tmp_path / FILE)
    assert set(decisions.current()) == {"train/9"}
    (tmp_path / FILE).unlink()
    assert not decisions.current()


def test_a_choice_that_is_another_by_now_is_not_overwritten(tmp_path: Path) -> None:
    mine, other = Decisions(tmp_path), Decisions(tmp_path)
    mine.change(Change("train/1", choice="drop", before=""))
    with pytest.raises(DecidedElsewhere, match="'train/1' is drop by now") as refused:
        other.change(Change("train/1", choice="wanted", before=""))
    assert refused.value.decision.choice == "drop"
    other.change(Change("train/1", add="odd"))
    assert other.change(Change("train/1", choice="wanted", before="drop"))[1].tags == ("odd",)


def test_what_is_no_tag_and_where_nothing_can_be_written_is_said(tmp_path: Path) -> None:
    decisions = Decisions(tmp_path)
    for tag in ("", "   ", "x" * 41):
        with pytest.raises(InvalidData, match="cannot be added"):
            decisions.change(Change("train/1", add=tag))
    with pytest.raises(ByroteError, match="no decision named 'explode'"):
        decisions.change(Change("train/1", choice="explode"))
    with pytest.raises(Unsupported, match="on this machine only"):
        Decisions(place("memory://far")).change(Change("train/1", choice="drop"))
    with pytest.raises(ByroteError, match="cannot be written"):
        Decisions(tmp_path / "gone").change(Change("train/1", choice="drop"))


def test_lines_that_are_no_decisions_are_named_and_stay_in_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, good = tmp_path / FILE, '{"example": "train/1", "choice": "drop", "label": null, "tags": []}'
    bad = ['{"example": "train/2", "choice": "explode", "label": null, "tags": []}', '{"example": "train/3", "cho']
    file.write_text("\n".join([good, bad[0], "", good, bad[1]]))
    decisions = Decisions(tmp_path)
    assert decisions.skipped() == (2, 5)
    decisions.change(Change("train/4", choice="keep"))
    assert set(decisions.current()) == {"train/1", "train/4"}
    assert decisions.skipped() == Decisions(tmp_path).skipped() == (2, 5)
    for line in (2, 5):
        assert f"{file}, line {line}, is no decision" in caplog.text
    assert file.read_text().splitlines()[:5] == [good, bad[0], "", good, bad[1]]


def test_a_last_line_without_an_end_counts(tmp_path: Path) -> None:
    decisions = Decisions(tmp_path)
    decisions.change(Change("train/1", choice="drop"))
    with (tmp_path / FILE).open("a") as file:  # as some editors leave it
        file.write('{"example": "train/2", "choice": "keep", "label": null, "tags": []}')
    assert set(decisions.current()) == {"train/1", "train/2"}
    decisions.change(Change("train/3", choice="keep"))
    assert set(decisions.current()) == set(Decisions(tmp_path).current()) == {"train/1", "train/2", "train/3"}
    assert decisions.skipped() == ()
