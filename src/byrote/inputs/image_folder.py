"""A folder of pictures as a task: `photos/class/name.jpg`, of any sizes and formats."""

from dataclasses import replace
from pathlib import Path

from byrote.inputs.broken_files import about_broken, check_broken
from byrote.inputs.class_folders import class_folders, copies
from byrote.inputs.folder_task import check_options, folder_task
from byrote.inputs.picture_files import SUFFIXES
from byrote.inputs.pictures import read_pictures
from byrote.inputs.reading import Reading
from byrote.task.task import Task


def image_folder(path: Path | str, reading: Reading = Reading()) -> Task:
    """Return the task to tell the pictures in the folders of `path` apart: `path/class/name.jpg`, or `path/train/class/...`.

    All are brought to one size (uint8 `[height, width]` or `[3, height, width]`): the median shape, with at most 64 pixels on
    the longer side, or `reading.size`. Ids are file names relative to `path`; exact copies of a file are a group. What was
    left out or changed is in `Task.inferred`. Raises InvalidData where there are no class folders or one class, where more
    than a tenth of the files are broken, and where the pictures do not fit into memory.
    """
    root = Path(path)
    check_options(root, reading)
    found = class_folders(root, SUFFIXES, "pictures")
    read = read_pictures(len(found.paths), found.paths.__getitem__, reading.size)
    check_broken(root, found, read.broken, "pictures")
    kept = found.kept(read.positions)
    groups, about_copies = copies(kept)
    sentences = (
        f"{len(kept.names):,} pictures of {kept.counts()}.",
        *read.sentences,
        *about_broken(found.names, read.broken),
        *kept.sentences,
        *about_copies,
    )
    files = replace(kept, sentences=sentences)
    return folder_task(root, reading, files, read.pixels, groups, kind="picture", of="pictures")
