"""Opening: the task that a name, a Python file, a table, a folder, a data frame or a data set stands for."""

from pathlib import Path
from typing import Any

from byrote.errors import InvalidData, Unsupported, suggestion
from byrote.inputs.hugging_face import dataset_rows, is_dataset
from byrote.inputs.reading import Reading
from byrote.inputs.series_names import series_named
from byrote.inputs.table_rows import TABLES, Rows, is_frame, read_rows
from byrote.task.loading import BUILT_IN, ELSEWHERE, load_task
from byrote.task.task import Task

ARRAYS = (".npy", ".npz")


def open_task(source: Any, reading: Reading = Reading()) -> Task:
    """Return the task of `source`: a table (.csv, .tsv, .parquet, .jsonl), a folder of pictures or series in class folders, a
    data frame of pandas or polars, a data set of Hugging Face, or what `load_task` takes.

    `reading` says what the columns mean; a task that stands in Python takes nothing of it. What was inferred from files is in
    `Task.inferred`. Raises InvalidData for a file that cannot be read as it is stated, and what `load_task` raises.
    """
    if not isinstance(source, str | Path):
        return _of_data(source, reading)
    path, name = Path(source), str(source).lower()
    is_known = str(source) in (*BUILT_IN, *ELSEWHERE)
    if not (is_known or path.exists() or ":" in name or name.endswith(".py")):
        raise _missing(path)
    if path.is_dir() and not is_known:
        from byrote.inputs.folders import open_folder  # brings torch, for the model

        return open_folder(path, reading)
    if name.endswith(ARRAYS):
        raise InvalidData(
            f"{source} is one file of arrays, without labels. Give a folder with a folder for each class and one file for each series, or byrote.Examples in Python."
        )
    if name.endswith(TABLES):
        return _of_rows(read_rows(path, reading.encoding), reading)
    if reading.is_stated:
        raise InvalidData(
            f"{' '.join(reading.options()[:2])} says how a table or a folder is read, and {str(source)!r} is a task in Python. Leave it out."
        )
    return load_task(str(source))


def _missing(path: Path) -> InvalidData:
    """Return the error for a name of nothing, with the nearest of what is there and of the tasks of byrote."""
    own = [*BUILT_IN, *ELSEWHERE]
    folder = path.parent
    there = [
        str(folder / each.name)
        for each in (folder.iterdir() if folder.is_dir() else ())
        if not each.name.startswith(".") and (each.is_dir() or each.name.lower().endswith((*TABLES, ".py")))
    ]
    hint = suggestion(str(path), [*own, *sorted(there)])
    return InvalidData(
        f"There is no task, table or folder named {str(path)!r}. {f'{hint} ' if hint else ''}Give a folder with class folders, a table (.csv, .tsv, .parquet, .jsonl), my_task.py, package.module:task, or one of {', '.join(own)}."
    )


def _of_data(source: Any, reading: Reading) -> Task:
    if is_dataset(source):
        found = dataset_rows(source, reading)
        return _of_rows(found.rows, found.reading, found.picture)
    if type(source).__name__ == "LazyFrame":
        raise Unsupported("A LazyFrame has no rows yet, and examples are trained on many times. Give frame.collect().")
    if not is_frame(source):
        raise Unsupported(
            f"{type(source).__name__} is no data frame of pandas or polars, and no data set. Give one, or the path of a file or folder."
        )
    return _of_rows(read_rows(source, reading.encoding), reading)


def _of_rows(rows: Rows, reading: Reading, picture: str | None = None) -> Task:
    from byrote.inputs.picture_column import picture_column  # these bring torch, for the model
    from byrote.inputs.series_table import series_table
    from byrote.inputs.table import table_task
    from byrote.inputs.texts import text_task

    if picture is not None:
        return picture_column(rows, reading, picture)
    channels = series_named(rows.table.column_names, reading)
    if channels:
        return series_table(rows, reading, channels)
    return table_task(rows, reading) if reading.text is None else text_task(rows, reading)
