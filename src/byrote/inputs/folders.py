"""Folders: whether a folder of classes holds pictures or series."""

from collections import Counter
from pathlib import Path

from byrote.errors import InvalidData
from byrote.inputs.image_folder import image_folder
from byrote.inputs.reading import Reading
from byrote.task.task import Task


def open_folder(path: Path, reading: Reading = Reading()) -> Task:
    """Return the task of a folder: of pictures"""
    return image_folder(path, reading)
