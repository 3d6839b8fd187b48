"""Folders: whether the class folders under a path hold pictures or series."""

import os
from collections import Counter
from pathlib import Path

from byrote.errors import InvalidData
from byrote.inputs import picture_files, series_files
from byrote.inputs.image_folder import image_folder
from byrote.inputs.reading import Reading
from byrote.inputs.series import series_folder
from byrote.task.task import Task


def open_folder(path: Path, reading: Reading = Reading()) -> Task:
    """Return the task of a folder: of pictures or of series, whichever has more files. Raises InvalidData for neither."""
    suffixes = Counter(Path(name).suffix.lower() for _, _, names in os.walk(path) for name in names)
    pictures, series = (
        sum(suffixes[each] for each in known) for known in (picture_files.SUFFIXES, series_files.SUFFIXES)
    )
    if not pictures and not series:
        raise InvalidData(
            f"{path} holds no pictures (.jpg, .png ...) and no series (.csv, .npy ...). Give a folder with a folder for each class: {path}/cat/1.jpg."
        )
    return image_folder(path, reading) if pictures >= series else series_folder(path, reading)
