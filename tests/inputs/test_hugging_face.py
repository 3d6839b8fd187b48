"""The real `datasets`: class labels, splits, pictures and streams."""

from typing import Any

import datasets
import numpy as np
import pytest

from byrote.errors import InvalidData, Unsupported
from byrote.inputs.hugging_face import dataset_rows, is_dataset
from byrote.inputs.opening import open_task
from byrote.inputs.reading import Reading
from inputs.folders import COLOURS, picture

datasets.disable_progress_bars()


def flags(count: int = 20) -> Any:
    """Return pictures of two classes, whose numbers are 1 and 0."""
    rows = [{"image": picture(COLOURS["red" if at % 2 else "blue"], at), "colour": at % 2} for at in range(count)]
    features = datasets.Features({"image": datasets.Image(), "colour": datasets.ClassLabel(names=["blue", "red"])})
    return datasets.Dataset.from_list(rows, features=features)


def test_a_column_of_pictures_is_a_task_of_pictures() -> None:
    task = open_task(flags())
    assert task.classes == ("blue", "red")
    assert task.train.inputs.shape == (16, 3, 16, 24)
    assert task.train.display.kind == "picture"
    at = int(np.flatnonzero(task.train.ids == "3")[0]) if "3" in task.train.ids else None
    found = task.train if at is not None else task.test
    assert found is not None
    row = int(np.flatnonzero(found.ids == "3")[0])
    np.testing.assert_array_equal(found.inputs[row], np.asarray(picture(COLOURS["red"], 3)).transpose(2, 0, 1))
    assert found.labels[row] == 1


def test_splits_are_the_sides_and_selections_keep_their_rows() -> None:
    every = flags()
    task = open_task(datasets.DatasetDict({"train": every.select(range(4, 20)), "test": every.select(range(4))}))
    assert task.test is not None
    assert task.test.ids.tolist() == [str(at) for at in range(4)]
    np.testing.assert_array_equal(task.train.inputs[0], np.asarray(picture(COLOURS["blue"], 4)).transpose(2, 0, 1))


def test_pictures_without_a_label_and_broken_ones_are_left_out() -> None:
    every = flags(30).cast_column("image", datasets.Image(decode=False))
    rows = [dict(row) for row in every]
    rows[3]["image"] = {"bytes": b"nothing", "path": None}
    rows[4]["colour"] = -1
    rows[6]["image"] = dict(rows[8]["image"])
    features = datasets.Features({"image": datasets.Image(), "colour": datasets.ClassLabel(names=["blue", "red"])})
    task = open_task(datasets.Dataset.from_list(rows, features=features))
    kept = [name for each in task.examples.values() for name in each.ids.tolist()]
    assert sorted(kept, key=int) == [str(at) for at in range(30) if at not in (3, 4)]
    assert task.inferred
    said = " ".join(task.inferred.sentences)
    for part in ("1 row without a label", "3 (no picture)", "2 rows are copies"):
        assert part in said
    groups = {name: group for each in task.examples.values() for name, group in zip(each.ids.tolist(), each.groups, strict=True)}  # fmt: skip
    assert groups["6"] == groups["8"] != ""


def test_tables_and_texts_are_read_as_data_frames_are() -> None:
    rows = {
        "size": [at / 7 for at in range(40)],
        "kind": [at % 2 for at in range(40)],
        "body": [f"a {at} b {at // 2}" for at in range(40)],
    }
    data = datasets.Dataset.from_dict(rows).cast_column("kind", datasets.ClassLabel(names=["odd", "even"]))
    table = open_task(data)
    assert (table.train.display.kind, table.classes) == ("table", ("even", "odd"))
    text = open_task(data, Reading(text="body", label="kind"))
    assert text.train.display.kind == "text"
    series = datasets.Dataset.from_dict({"x": [list(range(at, at + 9)) for at in range(40)], "kind": rows["kind"]})
    assert open_task(series, Reading(label="kind", series=("x",))).train.inputs.shape[1:] == (1, 9)


def test_what_cannot_be_read_is_refused() -> None:
    every = flags(4)
    with pytest.raises(Unsupported, match="is a stream"):
        open_task(every.to_iterable_dataset())
    with pytest.raises(InvalidData, match="splits have different columns"):
        dataset_rows({"train": every, "test": every.remove_columns("colour")}, Reading())
    two = every.add_column("other", every["colour"][:]).map(lambda row: {"again": row["image"]})
    with pytest.raises(InvalidData, match="2 columns of pictures: image, again"):
        open_task(two)
    assert dataset_rows(two, Reading(drop=("again",))).picture == "image"


@pytest.mark.parametrize("other", [{}, {"a": 1}, [1], "text", None])
def test_what_is_no_data_set(other: Any) -> None:
    assert not is_dataset(other)


def halves(**columns: Any) -> Any:
    rng = np.random.default_rng(0)
    return datasets.Dataset.from_dict(
        {"x": rng.normal(size=100), "z": rng.normal(size=100), "y": ["a", "b"] * 50, **columns}
    )


def test_the_own_test_set_is_kept_where_the_data_have_a_column_called_split() -> None:
    every = halves(split=["north", "south"] * 50)
    sides = {"train": every.select(range(60)), "test": every.select(range(60, 100))}
    task = open_task(datasets.DatasetDict(sides), Reading(label="y"))
    assert task.test is not None
    assert task.train.ids.tolist() == [str(at) for at in range(60)]
    assert task.test.ids.tolist() == [str(at) for at in range(40)]
    assert task.train.display.columns == ("x", "z", "split = south")


def test_validation_data_are_the_test_set_where_there_is_no_other() -> None:
    every = halves()
    sides = {"train": every.select(range(60)), "validation": every.select(range(60, 100))}
    task = open_task(datasets.DatasetDict(sides), Reading(label="y"))
    assert task.test is not None
    assert (len(task.train), len(task.test)) == (60, 40)


def test_copies_of_the_own_test_set_are_said_and_not_refused() -> None:
    every = halves()
    sides = {"train": every.select(range(60)), "test": every.select(range(58, 100))}
    task = open_task(datasets.DatasetDict(sides), Reading(label="y"))
    assert task.inferred
    assert "2 rows of this test set have a copy in the training data (test/0, test/1)" in " ".join(
        task.inferred.sentences
    )
