"""Small folders of real files, written as other programs write them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"blue": (30, 60, 220), "red": (220, 40, 30)}


def picture(colour: tuple[int, int, int], seed: int, size: tuple[int, int] = (24, 16)) -> Image.Image:
    """Return a picture (width, height) of about one colour."""
    noise = np.random.default_rng(seed).integers(-25, 25, (size[1], size[0], 3))
    return Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8))


def pictures(
    root: Path, count: int = 6, size: Callable[[int], tuple[int, int]] = lambda at: (24, 16), suffix: str = "png"
) -> Path:
    """Write `count` pictures of each of two classes, red and blue."""
    for name, colour in COLOURS.items():
        (root / name).mkdir(parents=True)
        for at in range(count):
            seed = 100 * len(name) + at
            picture(colour, seed, size(at)).save(root / name / f"{at}.{suffix}")
    return root


def series(root: Path, count: int = 6, length: Callable[[int], int] = lambda at: 40) -> Path:
    """Write `count` series of each of two classes: slow and fast waves in `x`, noise in `y`, and the time."""
    for name, frequency in (("fast", 5), ("slow", 1)):
        (root / name).mkdir(parents=True)
        for at in range(count):
            rng, time = np.random.default_rng(100 * frequency + at), np.arange(length(at)) / 10
            x, y = np.sin(frequency * time + at), rng.normal(size=len(time))
            rows = [f"{a:.1f},{b:.4f},{c:.4f}" for a, b, c in zip(time, x, y, strict=True)]
            (root / name / f"{at}.csv").write_text("\n".join(["time,x,y", *rows]) + "\n")
    return root
