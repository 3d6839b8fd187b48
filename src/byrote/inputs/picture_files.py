"""Picture files: what a file (or its bytes) says it is, and its pixels.

Files may be a stranger's: no decoder runs a program, and none is asked for more pixels than memory bears.
"""

import io
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP")
"""Of Pillow's decoders those that are tried; others start programs, as that of EPS does, or read files that nobody has."""

SUFFIXES = frozenset(
    [
        ".bmp",
        ".gif",
        ".jfif",
        ".jp2",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".pbm",
        ".pgm",
        ".png",
        ".pnm",
        ".ppm",
        ".tga",
        ".tif",
        ".tiff",
        ".webp",
    ]
)

LARGEST = 80_000_000
"""Pixels of the largest picture that is decoded, 300 MB in colour: a small file may claim to be a very large picture."""

ORIENTATION = 0x0112
"""The tag of EXIF that says how a camera was held; from 5 on, width and height are exchanged."""

DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
"""Modes of Pillow with more than 8 bits, which are all grey."""

GREY = ("1", "L", "LA", "La", *DEEP)

Source = Path | bytes
"""A file, or what is in it."""


@dataclass(frozen=True)
class Header:
    """What a file says: width and height as people see it, turned as its camera was, and what else its pixels are."""

    width: int
    height: int
    is_grey: bool
    is_deep: bool
    has_alpha: bool
    is_turned: bool
    frames: int


def read_header(source: Source) -> Header | str:
    """Return what a file says without decoding it, or why it cannot be read."""
    try:
        with _opened(source) as picture:
            turn = int(picture.getexif().get(ORIENTATION, 1) or 1)
            width, height = picture.size if turn < 5 else picture.size[::-1]
            grey = picture.mode in GREY or (picture.mode == "P" and _is_grey_palette(picture))
            alpha = picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info
            return Header(
                width, height, grey, picture.mode in DEEP, alpha, turn not in (0, 1), getattr(picture, "n_frames", 1)
            )
    except Exception as error:  # Pillow raises what its decoders raise: OSError, SyntaxError, struct.error ...
        return _why(error)


def read_pixels(source: Source, size: tuple[int, int], *, is_grey: bool) -> NDArray[Any] | str:
    """Return a picture of this size (width, height) as `[height, width]` or `[3, height, width]`, or why it cannot be read.

    It is shrunk until it fills the size, and cut at the centre. The pixels are uint8, but float32 as in the file where it
    has more than 8 bits (in grey pictures only). What is transparent becomes white. Of an animation it is the first frame.
    """
    try:
        with _opened(source) as picture:
            picture.draft(None, (2 * max(size), 2 * max(size)))  # a large JPEG is decoded at a fraction of its size
            turned = ImageOps.exif_transpose(picture)
            if picture.mode in DEEP:
                numbers = Image.fromarray(np.asarray(turned).astype(np.float32))
                return np.asarray(_fitted(numbers, size))
            fitted = _fitted(_plain(turned, is_grey), size)
            pixels = np.asarray(fitted)
            return pixels if is_grey else pixels.transpose(2, 0, 1)
    except Exception as error:
        return _why(error)


@contextmanager
def _opened(source: Source) -> Generator[Any]:
    """Open a picture whose size is known to be bearable; what Pillow warns of is of no use to the user of a folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > LARGEST:
                raise ValueError(f"it claims {width:,} x {height:,} pixels, more than {LARGEST:,}")
            yield picture


def _plain(picture: Any, is_grey: bool) -> Any:
    """Return a picture in grey or RGB, on white where it is transparent."""
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        picture = Image.alpha_composite(white, clear)
    return picture.convert("L" if is_grey else "RGB")


def _fitted(picture: Any, size: tuple[int, int]) -> Any:
    return picture if picture.size == size else ImageOps.fit(picture, size)


def _is_grey_palette(picture: Any) -> bool:
    colours = np.array(picture.getpalette("RGB") or [0, 0, 0]).reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())


def _why(error: Exception) -> str:
    """Return what is wrong with a file in a few words."""
    if isinstance(error, Image.UnidentifiedImageError):
        return "no picture"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"it claims more than {LARGEST:,} pixels"
    text = str(error).split("\n")[0]
    return text[:1].lower() + text[1:80] if text else type(error).__name__
