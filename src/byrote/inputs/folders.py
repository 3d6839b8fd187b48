"""Folders: whether the class folders under a path hold pictures or series."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from byrote.errors import InvalidData
from byrote.inputs import picture_files, series_files
from byrote.inputs.class_folders import RECORD
from byrote.inputs.image_folder import image_folder
from byrote.inputs.reading import Reading
from byrote.inputs.series import series_folder
from byrote.task.task import Task


def open_folder(path: Path, reading: Reading = Reading()) -> Task:
    """Return the task of a folder: of pictures or of series, whichever has more files. Raises InvalidData for neither."""
    if (path / RECORD).exists():
        raise InvalidData(
            f"{path} is what an audit wrote, and no data. Give the folder of the data; `byrote report {path}` writes the report of the audit again."
        )
    suffixes = Counter(Path(name).suffix.lower() for name in _names(path))
    pictures, series = (
        sum(suffixes[each] for each in known) for known in (picture_files.SUFFIXES, series_files.SUFFIXES)
    )
    if not pictures and not series:
        raise InvalidData(
            f"{path} holds no pictures (.jpg, .png ...) and no series (.csv, .npy ...). Give a folder with a folder for each class: {path}/cat/1.jpg."
        )
    return image_folder(path, reading) if pictures >= series else series_folder(path, reading)


def _names(path: Path) -> Iterator[str]:
    """Yield the names of all files under a folder, but for those that audits wrote."""
    for _, folders, names in os.walk(path):
        if RECORD in names:
            folders.clear()
        else:
            yield from names
