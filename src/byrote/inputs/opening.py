"""Opening: the task that a name, a Python file, a table, a folder or a data frame stands for."""

from pathlib import Path
from typing import Any

from byrote.errors import InvalidData, Unsupported
from byrote.inputs.folders import open_folder
from byrote.inputs.reading import Reading
from byrote.task.loading import load_task
from byrote.task.task import Task

TABLES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".parquet", ".jsonl", ".ndjson", ".json")
SERIES = (".npy", ".npz", ".ts")


def open_task(source: Any, reading: Reading = Reading()) -> Task:
    """Return the task of `source`: a table (.csv, .tsv, .parquet, .jsonl), a folder, a data frame, or what `load_task` takes.

    `reading` says what the columns mean; a task that stands in Python takes nothing of it. What was inferred from files is in
    `Task.inferred`. Raises InvalidData for a file that cannot be read as it was said, and what `load_task` raises.
    """
    if not isinstance(source, str | Path):
        raise Unsupported(f"{type(source).__name__} cannot be opened yet.")
    path, name = Path(source), str(source).lower()
    if path.is_dir():
        return open_folder(path, reading)
    if name.endswith(SERIES):
        raise Unsupported(f"{source} is a file of series, and these cannot be opened yet.")
    if name.endswith(TABLES):
        raise Unsupported(f"{source} is a table, and tables cannot be opened yet.")
    if reading.said:
        raise InvalidData(
            f"{' '.join(reading.options()[:2])} says how a table or a folder is read, and {str(source)!r} is a task in Python. Leave it out."
        )
    return load_task(str(source))
