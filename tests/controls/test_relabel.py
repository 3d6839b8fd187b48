"""Relabel: by a mapping, or by the file of `byrote relabel`."""

from pathlib import Path

import numpy as np
import pytest

from byrote.controls import relabel
from byrote.errors import InvalidData
from byrote.task.examples import Examples
from byrote.task.task import Task
from small import small_task

BASE = small_task()


def test_a_mapping_of_any_kind_gives_labels() -> None:
    for fixes in ({"3": 0, "train/4": 1}, {3: np.int64(0), 4: 1.0}, [("3", 0), ("4", 1)]):
        task = relabel(fixes)(BASE)
        assert task.train.labels[[3, 4]].tolist() == [0, 1]
        others = np.delete(np.arange(80), [3, 4])
        assert task.train.labels[others].tolist() == BASE.train.labels[others].tolist()
        assert task.train.ids.tolist() == BASE.train.ids.tolist()
    assert relabel({})(BASE) is BASE


def test_a_reviewed_file_gives_labels(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "fixes.csv"
    given = BASE.train.labels.tolist()
    rows = [("train/3", True), ("train/4", False), ("test/5", True), ("canary/mislabeled/6", True)]
    path.write_text(
        "example,is_label_issue,given_label,predicted_label\n"
        + "".join(f"{name},{issue},{given[int(name[-1])]},{(given[int(name[-1])] + 1) % 4}\n" for name, issue in rows)
    )
    task = relabel(path)(BASE)
    assert task.train.labels[3] == (given[3] + 1) % 4
    assert "1 of the fixes" in caplog.text
    assert "of test examples" in caplog.text
    assert (task.train.labels != BASE.train.labels).sum() == 1
    assert task.controls == (f"relabel(fixes={str(path)!r})",)
    with pytest.raises(InvalidData, match="was applied"):
        relabel(path)(task)


def test_fixes_that_change_nothing_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, own = tmp_path / "fixes.csv", int(BASE.train.labels[3])
    path.write_text(f"example,is_label_issue,given_label,predicted_label\ntrain/3,False,{own},{(own + 1) % 4}\n")
    for fixes in (path, {"3": own}):
        assert np.array_equal(relabel(fixes)(BASE).train.labels, BASE.train.labels)
        assert "relabel changes no label of 'small'" in caplog.text
        caplog.clear()
    relabel({"3": (own + 1) % 4})(BASE)
    assert caplog.text == ""


def test_several_targets_are_numbers() -> None:
    rng = np.random.default_rng(0)
    task = Task(BASE.model, Examples(BASE.train.inputs, rng.normal(size=(80, 2))), objective="regression")
    changed = relabel({"3": [0.5, -0.5]})(task)
    assert changed.train.labels[3].tolist() == [0.5, -0.5]
    with pytest.raises(InvalidData, match="relabel gives '3' the label 1"):
        relabel({"3": 1})(task)


@pytest.mark.parametrize("label", [0.5, "cat", None, float("nan"), (1, 2)])
def test_labels_that_the_task_cannot_have_are_refused(label: object) -> None:
    with pytest.raises(InvalidData, match="relabel gives '3' the label"):
        relabel({"3": label})(BASE)


def test_other_faults_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="Label 9 of train example '3' is out of range"):
        relabel({"3": 9})(BASE)
    with pytest.raises(InvalidData, match="1 of the 2 ids that relabel got are of no training example"):
        relabel({"3": 1, "x": 1})(BASE)
    with pytest.raises(InvalidData, match="an id twice"):
        relabel([("3", 1), ("3", 2)])
    with pytest.raises(InvalidData, match="Give a mapping"):
        relabel(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidData, match="cannot read fixes"):
        relabel(tmp_path / "none.csv")(BASE)
