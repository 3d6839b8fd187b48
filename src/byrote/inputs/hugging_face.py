"""Data sets of Hugging Face's `datasets` as rows of a table: words of class labels, splits and pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pyarrow as pa

from byrote.errors import InvalidData, Unsupported
from byrote.inputs.reading import Reading
from byrote.inputs.splitting import WORDS
from byrote.inputs.table_rows import Rows

SPLIT = "split"
"""The name of the column that says of which split a row of several is; longer where the data have a column of that name."""


@dataclass(frozen=True, eq=False)
class DatasetRows:
    """The rows of a data set, how they are to be read, and the column of pictures (None: there is none)."""

    rows: Rows
    reading: Reading
    picture: str | None


def is_dataset(source: Any) -> bool:
    """Return whether this is a Dataset of Hugging Face, or several by the name of their split."""
    if isinstance(source, Mapping):
        every = list(cast("Mapping[str, Any]", source).values())
        return bool(every) and all(map(is_dataset, every))
    return hasattr(source, "features") and hasattr(source, "with_format")


def dataset_rows(source: Any, reading: Reading) -> DatasetRows:
    """Return the rows of a data set. Without a label in `reading`, it is the one column of class labels.

    Class labels become their words. Of several splits, those named train and test (or validation) are the sides, unless the
    reading says another test set. Raises InvalidData for splits whose columns differ, and Unsupported for a stream.
    """
    splits: dict[str, Any] = dict(cast("Mapping[str, Any]", source)) if isinstance(source, Mapping) else {"": source}
    features = next(iter(splits.values())).features
    tables: list[pa.Table] = []
    for name, dataset in splits.items():
        if not hasattr(dataset, "__len__") or features is None:
            raise Unsupported(
                f"{type(dataset).__name__} is a stream, and examples are trained on many times. Give a Dataset: datasets.Dataset.from_list(list(stream.take(5000)))."
            )
        if list(dataset.features) != list(features):
            raise InvalidData(
                f"The splits have different columns: {', '.join(features)}, and in {name!r} {', '.join(dataset.features)}. Give splits of the same columns."
            )
        tables.append(_worded(dataset.with_format("arrow")[:], features))
    ids = [
        f"{name}/{at}" if name else str(at) for name, one in zip(splits, tables, strict=True) for at in range(len(one))
    ]
    if len(splits) > 1 and reading.test_column is None and reading.time is None:
        column, words = _free_name(features), np.repeat(_sides(list(splits)), [len(one) for one in tables])
        tables = [pa.concat_tables(tables, promote_options="permissive").append_column(column, pa.array(words))]
        reading = replace(reading, test_column=column)
    table = pa.concat_tables(tables, promote_options="permissive")
    classes = [name for name, feature in features.items() if _is(feature, "ClassLabel")]
    if reading.label is None and len(classes) == 1:
        reading = replace(reading, label=classes[0])
    return DatasetRows(Rows(table, "dataset", "", np.array(ids, np.str_)), reading, _picture(features, reading))


def _free_name(features: Mapping[str, Any]) -> str:
    """Return a name for the column of splits that no column of the data has."""
    name = SPLIT
    while name in features:
        name = f"{name} of the data set"
    return name


def _sides(names: list[str]) -> list[str]:
    """Return what the splits are called: without one named test, validation data are the test set."""
    sides = [WORDS.get(name.lower()) for name in names]
    return (
        names if "test" in sides else ["test" if side == "" else name for name, side in zip(names, sides, strict=True)]
    )


def _worded(table: pa.Table, features: Mapping[str, Any]) -> pa.Table:
    """Return the table with words in place of the numbers of classes; a negative number is no label."""
    for at, (name, feature) in enumerate(features.items()):
        if _is(feature, "ClassLabel"):
            names: Sequence[str] = feature.names
            numbers = table[name].to_pylist()
            words = [None if number is None or number < 0 else names[number] for number in numbers]
            table = table.set_column(at, name, pa.array(words, pa.string()))
    return table


def _picture(features: Mapping[str, Any], reading: Reading) -> str | None:
    pictures = [name for name, feature in features.items() if _is(feature, "Image") and name not in reading.drop]
    if reading.text is not None or not pictures:
        return None
    if len(pictures) > 1:
        raise InvalidData(
            f"There are {len(pictures)} columns of pictures: {', '.join(pictures)}. Leave all but one out: Reading(drop=[{pictures[1]!r}])."
        )
    return pictures[0]


def _is(feature: Any, kind: str) -> bool:
    return type(feature).__name__ == kind
