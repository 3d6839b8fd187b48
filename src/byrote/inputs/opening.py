"""Opening: the task that a name, a Python file, a table, a folder or a data frame stands for."""

from pathlib import Path
from typing import Any

from byrote.errors import InvalidData, Unsupported
from byrote.inputs.reading import Reading
from byrote.inputs.table_rows import TABLES, is_frame, read_rows
from byrote.task.loading import BUILT_IN, ELSEWHERE, load_task
from byrote.task.task import Task

SERIES = (".npy", ".npz", ".ts")


def open_task(source: Any, reading: Reading = Reading()) -> Task:
    """Return the task of `source`: a table (.csv, .tsv, .parquet, .jsonl), a folder, a data frame, or what `load_task` takes.

    `reading` says what the columns mean; a task that stands in Python takes nothing of it. What was inferred from files is in
    `Task.inferred`. Raises InvalidData for a file that cannot be read as it was said, and what `load_task` raises.
    """
    if not isinstance(source, str | Path):
        return _table(source, reading)
    path, name = Path(source), str(source).lower()
    is_known = str(source) in (*BUILT_IN, *ELSEWHERE)
    if path.is_dir() and not is_known:
        raise Unsupported(f"{source} is a folder, and folders cannot be opened yet.")
    if name.endswith(SERIES):
        raise Unsupported(f"{source} is a file of series, and these cannot be opened yet.")
    if name.endswith(TABLES):
        return _table(path, reading)
    if reading.said:
        raise InvalidData(
            f"{' '.join(reading.options()[:2])} says how a table or a folder is read, and {str(source)!r} is a task in Python. Leave it out."
        )
    return load_task(str(source))


def _table(source: Any, reading: Reading) -> Task:
    from byrote.inputs.table import table_task  # brings torch, for the model
    from byrote.inputs.texts import text_task

    if not isinstance(source, Path) and not is_frame(source):
        raise Unsupported(
            f"{type(source).__name__} is no data frame of pandas or polars. Give one, or the path of a file or folder."
        )
    rows = read_rows(source, reading.encoding)
    return table_task(rows, reading) if reading.text is None else text_task(rows, reading)
