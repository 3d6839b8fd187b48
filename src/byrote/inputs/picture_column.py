"""A column of pictures as a task: bytes of picture files, or their paths, with a label in another column."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from byrote.errors import InvalidData
from byrote.inputs.broken_files import about_broken, too_many
from byrote.inputs.labelled import labelled, with_copies
from byrote.inputs.labelled_task import labelled_task, some_of
from byrote.inputs.picture_files import Source
from byrote.inputs.pictures import read_pictures
from byrote.inputs.reading import Reading
from byrote.inputs.table_rows import Rows
from byrote.task.inferred import InferredColumn
from byrote.task.task import Task


def picture_column(rows: Rows, reading: Reading, name: str) -> Task:
    """Return the task of predicting a label from one column of pictures, brought to one size as those of a folder are.

    Each cell has `bytes`, or the `path` of a file. Raises InvalidData where more than a tenth of them cannot be read.
    """
    found = labelled(rows, reading)
    cells = found.table[name]

    def source(at: int) -> Source:
        cell: Any = cells[at].as_py() or {}
        return cell.get("bytes") or Path(cell.get("path") or "")

    read = read_pictures(len(cells), source, reading.size)
    notes = about_broken([str(each) for each in found.ids], read.broken, "pictures")
    if too_many(read.broken, len(cells)):
        raise InvalidData(f"Too many pictures in {name!r} cannot be read: more than one in ten. {notes[0]}")
    kept = some_of(found, read.positions)
    same = [hashlib.blake2b(pixels.tobytes(), digest_size=16).digest() for pixels in read.pixels]
    kept = with_copies(
        kept,
        np.unique(np.array(same), return_inverse=True)[1].astype(np.int64),
        0.0,
        ("different picture", "different pictures"),
    )
    kept = replace(kept, sentences=(*kept.sentences, *read.sentences, *notes))
    column = InferredColumn(name, "picture", f"{' x '.join(map(str, read.pixels.shape[1:]))} bytes")
    return labelled_task(rows, reading, kept, read.pixels, [column], kind="picture", columns=[name])
