"""Pictures of any sizes and formats as one array: the common size, what cannot be read, and what was done, in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byrote.inputs.counts import counted
from byrote.inputs.folder_task import check_memory
from byrote.inputs.picture_files import Header, Source, read_header, read_pixels

SIDE = 64
"""The longer side of pictures at most, where nothing else is said."""

SMALLEST, ELONGATED = 8, 3.0
"""The shorter side of pictures at least, and the longer side over the shorter at most, where sizes differ."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pixels of all pictures that can be read, uint8 `[example, (3,) height, width]`, and what was done to them.

    `positions` are theirs among what was given; `broken` says by position why others cannot be read.
    """

    positions: tuple[int, ...]
    pixels: NDArray[np.uint8]
    broken: dict[int, str]
    sentences: tuple[str, ...]


def read_pictures(count: int, source: Callable[[int], Source], side: int | None = None) -> Pictures:
    """Return `count` pictures at one size; `source` gives the file (or the bytes) at a position, and `side` the longer side.

    Raises InvalidData where they do not fit into memory. Only one picture is decoded at a time.
    """
    headers, broken = dict[int, Header](), dict[int, str]()
    for at in range(count):
        header = read_header(source(at))
        if isinstance(header, str):
            broken[at] = header
        else:
            headers[at] = header
    if not headers:
        return Pictures((), np.zeros((0, 1, 1), np.uint8), broken, ())
    size = common_size([(each.width, each.height) for each in headers.values()], side)
    is_grey = all(each.is_grey for each in headers.values())
    shape = (size[1], size[0]) if is_grey else (3, size[1], size[0])
    check_memory(len(headers) * int(np.prod(shape)), f"{len(headers):,} pictures of {_spelled(size)}")
    pixels = np.empty((len(headers), *shape), np.uint8)
    good: list[int] = []
    deep: dict[int, NDArray[Any]] = {}
    for at in headers:
        read = read_pixels(source(at), size, is_grey=is_grey)
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
    pixels = pixels[: len(good)]
    return Pictures(tuple(good), pixels, broken, tuple(_about([headers[at] for at in good], size, is_grey, pixels)))


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


def brightest(deep: Sequence[NDArray[Any]]) -> float:
    """Return what is white in pictures of more than 8 bits: the largest number that as many bits as are used can hold."""
    top = max((float(np.nanmax(each)) for each in deep), default=1.0)
    return 1.0 if top <= 1 else float(2 ** int(np.ceil(np.log2(top + 1))) - 1)


def _about(headers: Sequence[Header], size: tuple[int, int], is_grey: bool, pixels: NDArray[np.uint8]) -> list[str]:
    """Return what was done to the pictures, as sentences."""
    sizes = {(each.width, each.height) for each in headers}
    now = f"{'grey' if is_grey else 'in colour'}: {pixels.nbytes / 1e6:,.1f} MB in memory."
    if sizes <= {size}:
        sentences = [f"All are {_spelled(size)}, {now}"]
    else:
        small, large = (choose(sizes, key=lambda each: each[0] * each[1]) for choose in (min, max))
        many = f"They have {len(sizes):,} sizes, from {_spelled(small)} to {_spelled(large)}"
        cut = any(abs(width * size[1] - height * size[0]) > max(width, height) for width, height in sizes)
        where = ", and cut at the centre where their shape differs" if cut else ""
        sentences = [
            f"{many if len(sizes) > 1 else f'All are {_spelled(small)}'}; they are brought to {_spelled(size)}{where}, {now} --size says another longer side."
        ]
    for one, several, rest, number in (
        ("is", "are", "turned as the camera was held (EXIF)", sum(each.is_turned for each in headers)),
        (
            "has",
            "have",
            "an alpha channel, whose transparent parts become white",
            sum(each.has_alpha for each in headers),
        ),
        ("has", "have", "more than 8 bits, which are scaled to 8 together", sum(each.is_deep for each in headers)),
        ("is", "are", "grey, and stored as colour", 0 if is_grey else sum(each.is_grey for each in headers)),
        ("has", "have", "several frames, of which the first is taken", sum(each.frames > 1 for each in headers)),
    ):
        if number:
            sentences.append(f"{counted(number, one, several)} {rest}.")
    return sentences


def _spelled(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
