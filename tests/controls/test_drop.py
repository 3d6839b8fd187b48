"""Drop: by ids of the task, of its record, or in a file; and no run is trained on them."""

from pathlib import Path

import numpy as np
import pytest

from byrote.controls import drop
from byrote.errors import InvalidData
from byrote.task.canaries import Canaries
from byrote.training.collect import collect
from byrote.training.compute import Compute
from small import small_task


@pytest.mark.parametrize("ids", [("3", "train/4"), ["3", 4], np.array([3, 4]), np.array(["3", "4"])])
def test_ids_of_any_kind(ids: object) -> None:
    task = drop(ids)(small_task())  # type: ignore[arg-type]
    assert task.excluded == {"3", "4"}


@pytest.mark.parametrize(
    "text",
    ["3\n4\n", " train/3 \n\n4", "id,why\n3,blurred\n4,wrong\n", "\ufeffexample\n3\n4\n"],
)
def test_a_file_of_ids(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ids.csv"
    path.write_text(text)
    assert drop(path)(small_task()).excluded == {"3", "4"}
    assert str(drop(path)) == f"drop(ids={str(path)!r})"


@pytest.mark.parametrize(
    "text",
    [
        "is_label_issue,example\nTrue,train/3\nFalse,4\n,5\nyes,6\n",
        "example,is_target_issue_0,is_target_issue_1\n3,True,False\n4,False,False\n5,,\n6,False,True\n",
    ],
)
def test_only_the_issues_of_a_table_of_issues_are_dropped(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "issues.csv"
    path.write_text(text)
    assert drop(path)(small_task()).excluded == {"3", "6"}
    assert "drop takes 2 of the 4 rows" in caplog.text
    path.write_text(text.replace("True", "perhaps"))
    with pytest.raises(InvalidData, match=r"line 2, has 'perhaps' as is_(label|target)_issue"):
        drop(path)(small_task())


def test_no_ids_change_nothing_and_ids_are_exact(tmp_path: Path) -> None:
    base = small_task()
    assert drop(())(base) is base
    with pytest.raises(
        InvalidData, match="2 of the 3 ids that drop got are of no training example of 'small', for example 'test/4'"
    ):
        drop(("3", "test/4", "80"))(base)
    with pytest.raises(InvalidData, match="cannot read ids from '7'"):
        drop("7")(base)
    with pytest.raises(InvalidData, match="got 7 as ids"):
        drop(7)  # type: ignore[arg-type]
    (tmp_path / "other.csv").write_text("name,label\n3,1\n")
    with pytest.raises(InvalidData, match="has the columns name, label"):
        drop(tmp_path / "other.csv")(base)


def test_no_run_is_trained_on_what_is_dropped_and_designs_and_canaries_stay(tmp_path: Path) -> None:
    compute = Compute(workers=1)
    plain = collect(small_task(1), tmp_path / "plain", runs=4, canaries=Canaries.of_each(2), compute=compute)
    dropped = collect(
        drop(("3", "4"))(small_task(1)), tmp_path / "dropped", runs=4, canaries=Canaries.of_each(2), compute=compute
    )
    assert dropped.population.ids.tolist() == plain.population.ids.tolist()
    out = np.isin(plain.population.ids, ["train/3", "train/4"])
    assert out.any()
    for run in plain.runs:
        assert not dropped.member(run)[out].any()
        np.testing.assert_array_equal(dropped.member(run)[~out], plain.member(run)[~out])
