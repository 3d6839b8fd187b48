"""A folder of pictures as a task: `photos/class/name.jpg`, of any sizes and formats."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.inputs.broken_files import about_broken, check_broken
from byrote.inputs.class_folders import ClassFolders, class_folders, copies
from byrote.inputs.folder_task import check_memory, folder_task
from byrote.inputs.picture_files import SUFFIXES, Header, read_header, read_pixels
from byrote.inputs.reading import Reading
from byrote.task.task import Task

SIDE = 64
"""The longer side of pictures at most, where nothing else is said."""

SMALLEST, ELONGATED = 8, 3.0
"""The shorter side of pictures at least, and the longer side over the shorter at most, where sizes differ."""


def image_folder(path: Path | str, reading: Reading = Reading()) -> Task:
    """Return the task to tell the pictures in the folders of `path` apart: `path/class/name.jpg`, or `path/train/class/...`.

    All are brought to one size (uint8 `[height, width]` or `[3, height, width]`): the median shape, with at most 64 pixels on
    the longer side, or `reading.size`. Ids are file names relative to `path`; exact copies of a file are a group. What was
    left out or changed is in `Task.inferred`. Raises InvalidData where there are no class folders or one class, where more
    than a tenth of the files are broken, and where the pictures do not fit into memory.
    """
    root = Path(path)
    found = class_folders(root, SUFFIXES, "pictures")
    headers, broken = _headers(found)
    size = common_size([(each.width, each.height) for each in headers.values()], reading.size)
    is_grey = all(each.is_grey for each in headers.values())
    check_memory(
        len(headers) * size[0] * size[1] * (1 if is_grey else 3), f"{len(headers):,} pictures of {_spelled(size)}"
    )
    good, pixels = _pixels(found, headers, size, is_grey, broken)
    check_broken(root, found, broken, "pictures")
    kept = found.kept(good)
    groups, about_copies = copies(kept)
    sentences = (
        f"{len(good):,} pictures of {kept.counts()}.",
        *_about([headers[at] for at in good], size, is_grey, pixels),
        *about_broken(found, broken),
        *kept.sentences,
        *about_copies,
    )
    return folder_task(root, reading, replace(kept, sentences=sentences), pixels, groups, kind="picture", of="pictures")


def common_size(sizes: Sequence[tuple[int, int]], side: int | None = None) -> tuple[int, int]:
    """Return the width and height that all pictures are brought to.

    That of the pictures where it is the same for all and at most SIDE, or else their median shape (3 to 1 at most) with the
    median longer side, at most SIDE; `side` is the longer side that a user gives.
    """
    if side is None and len(set(sizes)) == 1 and max(sizes[0]) <= SIDE:
        return sizes[0]
    longer = side or min(SIDE, round(median(max(size) for size in sizes)))
    shape = min(max(median(width / height for width, height in sizes), 1 / ELONGATED), ELONGATED)
    shorter = min(longer, max(SMALLEST, round(longer * min(shape, 1 / shape))))
    return (longer, shorter) if shape >= 1 else (shorter, longer)


def _headers(found: ClassFolders) -> tuple[dict[int, Header], dict[int, str]]:
    """Return what the files say that can be read, and what is wrong with the others, by position."""
    headers, broken = dict[int, Header](), dict[int, str]()
    for at, path in enumerate(found.paths):
        header = read_header(path)
        if isinstance(header, str):
            broken[at] = header
        else:
            headers[at] = header
    if not headers:
        raise InvalidData(f"None of {len(broken):,} files can be read. {' '.join(about_broken(found, broken))}")
    return headers, broken


def _pixels(
    found: ClassFolders, headers: dict[int, Header], size: tuple[int, int], is_grey: bool, broken: dict[int, str]
) -> tuple[list[int], NDArray[np.uint8]]:
    """Return which pictures can be decoded, and their pixels; those of more than 8 bits on one scale. Add to `broken`."""
    width, height = size
    pixels = np.empty((len(headers), height, width) if is_grey else (len(headers), 3, height, width), np.uint8)
    good: list[int] = []
    deep: dict[int, NDArray[Any]] = {}
    for at in headers:
        read = read_pixels(found.paths[at], size, is_grey=is_grey)
        if isinstance(read, str):
            broken[at] = read
            continue
        if read.dtype == np.uint8:
            pixels[len(good)] = read
        else:
            deep[len(good)] = read
        good.append(at)
    top = brightest(list(deep.values()))
    for place, numbers in deep.items():
        pixels[place] = np.clip(np.nan_to_num(numbers) * (255 / top), 0, 255).round()
    return good, pixels[: len(good)]


def brightest(deep: Sequence[NDArray[Any]]) -> float:
    """Return what is white in pictures of more than 8 bits: the largest number that as many bits as are used can hold."""
    top = max((float(np.nanmax(each)) for each in deep), default=1.0)
    return 1.0 if top <= 1 else float(2 ** int(np.ceil(np.log2(top + 1))) - 1)


def _about(headers: Sequence[Header], size: tuple[int, int], is_grey: bool, pixels: NDArray[np.uint8]) -> list[str]:
    """Return what was done to the pictures, as sentences."""
    sizes = {(each.width, each.height) for each in headers}
    sentences: list[str] = []
    if sizes == {size}:
        sentences.append(f"All are {_spelled(size)}, {'grey' if is_grey else 'in colour'}: {_bytes(pixels.nbytes)}.")
    else:
        small, large = (choose(sizes, key=lambda each: each[0] * each[1]) for choose in (min, max))
        had = (
            f"They have {len(sizes):,} sizes, from {_spelled(small)} to {_spelled(large)}"
            if len(sizes) > 1
            else f"They are {_spelled(small)}"
        )
        cut = (
            ", and cut at the centre where their shape differs"
            if any(w * size[1] != h * size[0] for w, h in sizes)
            else ""
        )
        sentences.append(
            f"{had}; all are brought to {_spelled(size)}{cut}, {'grey' if is_grey else 'in colour'}: {_bytes(pixels.nbytes)}. --size says another longer side."
        )
    for what, number in (
        ("are turned as their camera was held (EXIF)", sum(each.is_turned for each in headers)),
        ("have an alpha channel, whose transparent parts become white", sum(each.has_alpha for each in headers)),
        ("have more than 8 bits, which are scaled to 8 together", sum(each.is_deep for each in headers)),
        ("are grey, which are stored as colour", 0 if is_grey else sum(each.is_grey for each in headers)),
        ("have several frames, of which the first is taken", sum(each.frames > 1 for each in headers)),
    ):
        if number:
            sentences.append(f"{number:,} {what}.")
    return sentences


def _spelled(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _bytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB in memory"
