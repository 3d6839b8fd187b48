"""What an example looks like: images as lossless PNG, the rest as lists of numbers. Both survive in a record without the task."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from byrote.record.display import as_vectors, guess_kind

PIXELS = 1 << 24
"""Pixels of the largest picture that is decoded: a small file may claim to be a very large picture."""

ALL_PIXELS = 1 << 34
"""The same for all pictures of a record."""


@dataclass(frozen=True)
class Looks:
    """Pictures or vectors of all examples, or neither for other data."""

    pictures: list[bytes] | None
    vectors: list[NDArray[np.float32]] | None


def encode(inputs: Any, kind: str | None = None) -> Looks:
    """Return PNGs of pictures, and vectors of tables, signals and token ids. Without a `kind` it follows from type and shape.

    Pictures are `[example, height, width]` or `[example, 1 or 3, height, width]`. Those that are not uint8 are scaled so that
    the smallest and largest value of all examples become black and white.
    """
    if not isinstance(inputs, np.ndarray):
        return Looks(None, None)
    kind = guess_kind(inputs) if kind is None else kind
    if kind in ("table", "signal", "text"):
        return Looks(None, list(as_vectors(inputs, kind)))
    if kind != "picture":
        return Looks(None, None)
    if inputs.dtype != np.uint8:
        low, high = float(inputs.min()), float(inputs.max())
        inputs = np.rint((inputs - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    return Looks([_png(image) for image in inputs], None)


def decode(pictures: Sequence[bytes | None], vectors: Sequence[Sequence[float] | None]) -> NDArray[Any]:
    """Return inputs again: uint8 `[example, (3,) height, width]`, float32 vectors, or zero features when none was kept.

    Raises ValueError for what is no grey or RGB PNG, is too large, or is of another size than the first.
    """
    if len(pictures) and pictures[0] is not None:
        first = _pixels(pictures[0], len(pictures))
        stacked = np.empty((len(pictures), *first.shape), np.uint8)
        for at, png in enumerate(pictures):
            image = _pixels(png or b"", len(pictures))
            if image.shape != first.shape:
                raise ValueError(f"picture {at} is {image.shape}, and the first {first.shape}")
            stacked[at] = image
        return stacked.transpose(0, 3, 1, 2) if stacked.ndim == 4 else stacked
    if len(vectors) and vectors[0] is not None:
        return np.array(vectors, dtype=np.float32)
    return np.zeros((len(pictures), 0), np.float32)


def _pixels(png: bytes, count: int) -> NDArray[np.uint8]:
    """Return one picture. A record may be a stranger's: no other decoder is tried, and its size is known before it is decoded."""
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            width, height = picture.size
            if picture.mode not in ("L", "RGB"):
                raise ValueError(f"a picture is {picture.mode}, neither grey nor RGB with 8 bits")
            if width * height > PIXELS or width * height * count > ALL_PIXELS:
                raise ValueError(f"{count} pictures of {width} x {height} pixels are too large")
            return np.asarray(picture)
    except ValueError:
        raise
    except Exception as error:  # Pillow raises what its decoders raise: OSError, SyntaxError, zlib.error, EOFError
        raise ValueError(f"a picture is no PNG that can be read: {error}") from None


def _png(image: NDArray[np.uint8]) -> bytes:
    if image.ndim == 3:
        image = image[0] if image.shape[0] == 1 else image.transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "png")
    return buffer.getvalue()
