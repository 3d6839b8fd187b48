"""Real files, written by Pillow in the formats and modes that people have."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from byrote.errors import InvalidData
from byrote.inputs.image_folder import image_folder
from byrote.inputs.picture_files import LARGEST, read_header, read_pixels
from byrote.inputs.pictures import brightest, common_size
from byrote.inputs.reading import Reading
from byrote.task.task import Task
from inputs.folders import COLOURS, picture, pictures

RED = COLOURS["red"]


def said(task: Task) -> str:
    assert task.inferred
    return " ".join(task.inferred.sentences)


def of(task: Task, name: str) -> Any:
    """Return the pixels of a file."""
    for examples in task.examples.values():
        for at in np.flatnonzero(examples.ids == name):
            return examples.inputs[at]
    raise AssertionError(name)


def test_pictures_of_one_size_are_taken_as_they_are(tmp_path: Path) -> None:
    task = image_folder(pictures(tmp_path / "flags", 10))
    assert task.name == "flags"
    assert task.classes == ("blue", "red")
    assert task.train.inputs.shape == (16, 3, 16, 24)
    assert task.train.inputs.dtype == np.uint8
    assert task.train.display.kind == "picture"
    assert task.test is not None
    assert len(task.test) == 4
    assert sorted(task.test.labels.tolist()) == [0, 0, 1, 1]
    expected = np.asarray(picture(RED, 304)).transpose(2, 0, 1)
    np.testing.assert_array_equal(of(task, "red/4.png"), expected)
    assert "All are 24 x 16, in colour" in said(task)
    assert "4 of 20 pictures are the test set" in said(task)


def test_differing_sizes_become_the_median_shape(tmp_path: Path) -> None:
    root = pictures(tmp_path, 6, lambda at: [(200, 100), (200, 100), (80, 90)][at % 3], "jpg")
    task = image_folder(root)
    assert task.train.shape == (3, 32, 64)
    assert "They have 2 sizes, from 80 x 90 to 200 x 100; they are brought to 64 x 32, and cut at the centre" in said(
        task
    )
    for name in ("red/0.jpg", "red/2.jpg"):
        assert np.abs(of(task, name).mean(axis=(1, 2)) - RED).max() < 12
    assert image_folder(root, Reading(size=20)).train.shape == (3, 10, 20)


@pytest.mark.parametrize(
    ("sizes", "side", "expected"),
    [
        ([(28, 28)] * 3, None, (28, 28)),
        ([(28, 28)] * 3, 14, (14, 14)),
        ([(640, 480)] * 3, None, (64, 48)),
        ([(480, 640), (30, 40), (48, 64)], None, (48, 64)),
        ([(40, 30), (20, 15), (20, 15)], None, (20, 15)),
        ([(4000, 100)], None, (64, 21)),
        ([(100, 4000)], 30, (10, 30)),
        ([(9, 9), (5, 5)], 4, (4, 4)),
    ],
)
def test_the_common_size(sizes: list[tuple[int, int]], side: int | None, expected: tuple[int, int]) -> None:
    assert common_size(sizes, side) == expected


def as_palette(image: Image.Image) -> Image.Image:
    return image.convert("P", palette=Image.Palette.ADAPTIVE)


def as_cmyk(image: Image.Image) -> Image.Image:
    return image.convert("CMYK")


def with_alpha(image: Image.Image) -> Image.Image:
    return image.convert("RGBA")


def as_is(image: Image.Image) -> Image.Image:
    return image


@pytest.mark.parametrize(
    ("change", "suffix", "near"),
    [
        (as_is, "png", 0), (as_is, "bmp", 0), (as_is, "ppm", 0), (as_is, "tga", 0), (as_is, "tiff", 0), (as_is, "jpg", 30),
        (as_is, "webp", 30), (as_palette, "gif", 12), (as_palette, "png", 12), (as_cmyk, "jpg", 30), (as_cmyk, "tif", 0),
        (with_alpha, "png", 0), (with_alpha, "webp", 30), (as_is, "jp2", 30),
    ],
)  # fmt: skip
def test_every_format_gives_its_colours(
    tmp_path: Path, change: Callable[[Image.Image], Image.Image], suffix: str, near: int
) -> None:
    original = picture(RED, 5)
    path = tmp_path / f"file.{suffix}"
    change(original).save(path)
    pixels = read_pixels(path, (24, 16), is_grey=False)
    assert isinstance(pixels, np.ndarray)
    assert pixels.shape == (3, 16, 24)
    off = np.abs(pixels.astype(int) - np.asarray(original).transpose(2, 0, 1).astype(int))
    assert off.mean() <= near


def test_grey_folders_have_no_channel_and_mixed_ones_are_colour(tmp_path: Path) -> None:
    root = pictures(tmp_path / "grey", 4)
    for path in root.rglob("*.png"):
        Image.open(path).convert({"0": "1", "1": "LA", "2": "P"}.get(path.stem, "L")).convert("L").save(path)
    Image.open(root / "red/1.png").convert("LA").save(root / "red/1.png")
    Image.open(root / "red/2.png").convert("P").save(root / "red/2.png")
    Image.open(root / "red/3.png").convert("1").save(root / "red/3.png")
    task = image_folder(root)
    assert task.train.shape == (16, 24)
    assert "grey: 0.0 MB" in said(task)
    picture(RED, 1).save(root / "red" / "0.png")
    mixed = image_folder(root)
    assert mixed.train.shape == (3, 16, 24)
    assert "7 are grey, and stored as colour." in said(mixed)


def test_sixteen_bits_keep_their_contrast(tmp_path: Path) -> None:
    root = pictures(tmp_path, 4)
    ramp = np.linspace(0, 4000, 16 * 24).reshape(16, 24).astype(np.uint16)  # twelve bits, as scanners have
    for at, path in enumerate(sorted(root.rglob("*.png"))):
        Image.fromarray(ramp - ramp // 100 * at if at else ramp // 2).save(path)
    task = image_folder(root)
    np.testing.assert_allclose(of(task, "red/1.png"), (ramp - ramp // 100 * 5) * (255 / 4095), atol=1)
    np.testing.assert_allclose(of(task, "blue/0.png"), ramp // 2 * (255 / 4095), atol=1)
    assert "8 have more than 8 bits" in said(task)
    assert [brightest([np.array([top])]) for top in (65535, 65536, 256, 255, 0.7)] == [65535, 131071, 511, 255, 1]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_as_the_camera_was_held(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8, :12] = 255  # the corner that is up and left
    stored = Image.fromarray(upright)
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what undoes each, of Image.Transpose
    if orientation > 1:
        stored = stored.transpose(Image.Transpose(back[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    header = read_header(tmp_path / "turned.jpg")
    pixels = read_pixels(tmp_path / "turned.jpg", (24, 16), is_grey=False)
    assert not isinstance(header, str)
    assert (header.width, header.height, header.is_turned) == (24, 16, orientation > 1)
    assert isinstance(pixels, np.ndarray)
    assert np.abs(pixels.astype(int) - upright.transpose(2, 0, 1)).mean() < 8


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (24, 16), (0, 0, 0, 0))
    clear.paste((10, 20, 30, 255), (0, 0, 12, 16))
    clear.save(tmp_path / "clear.png")
    pixels = read_pixels(tmp_path / "clear.png", (24, 16), is_grey=False)
    assert isinstance(pixels, np.ndarray)
    assert pixels[:, 3, 3].tolist() == [10, 20, 30]
    assert (pixels[:, :, 12:] == 255).all()


def bomb(width: int = 40_000, height: int = 40_000) -> bytes:
    """Return a PNG that claims to be very large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


def eps() -> bytes:
    """Return a file that Pillow would give to Ghostscript, a program that runs what it holds."""
    buffer = io.BytesIO()
    picture(RED, 1).save(buffer, "eps")
    return buffer.getvalue()


def test_broken_files_are_left_out_and_listed(tmp_path: Path) -> None:
    root = pictures(tmp_path, 20, suffix="jpg")
    whole = (root / "red/1.jpg").read_bytes()
    (root / "red/half.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "red/empty.png").write_bytes(b"")
    (root / "red/program.jpg").write_bytes(eps())
    (root / "blue/bomb.png").write_bytes(bomb())
    task = image_folder(root)
    assert len(task.train) + len(task.test or ()) == 40
    assert "4 of 44 files cannot be read and are left out" in said(task)
    for part in ("red/half.jpg (", "red/empty.png (no picture)", "red/program.jpg (no picture)", f"blue/bomb.png (it claims more than {LARGEST:,} pixels)"):  # fmt: skip
        assert part in said(task)


@pytest.mark.parametrize(("width", "height"), [(40_000, 40_000), (10_000, 8_500)])
def test_bombs_are_not_decoded(tmp_path: Path, width: int, height: int) -> None:
    (tmp_path / "bomb.png").write_bytes(bomb(width, height))
    for read in (read_header(tmp_path / "bomb.png"), read_pixels(tmp_path / "bomb.png", (8, 8), is_grey=False)):
        assert isinstance(read, str)
        assert "claims" in read


def test_too_many_broken_files_are_refused(tmp_path: Path) -> None:
    root = pictures(tmp_path, 6)
    for at in range(4):
        (root / "red" / f"{at}.png").write_bytes(b"nothing")
    with pytest.raises(InvalidData, match=r"more than one in ten. 4 of 12 files .*red/0.png \(no picture\)"):
        image_folder(root)


def test_a_class_of_broken_files_is_refused(tmp_path: Path) -> None:
    root = pictures(tmp_path, 2)
    for path in (root / "red").iterdir():
        path.write_bytes(b"nothing")
    with pytest.raises(InvalidData, match="No file of the class 'red' can be read"):
        image_folder(root)


def test_what_does_not_fit_into_memory_is_refused_with_a_number(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=r"12 pictures of 200000 x 133333 take 960.0 GB, 5760.0 GB with the copies"):
        image_folder(pictures(tmp_path, 6), Reading(size=200_000))


def test_options_of_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="--label is about columns of a table"):
        image_folder(pictures(tmp_path, 4), Reading(label="x", size=8))


def test_copies_stay_together(tmp_path: Path) -> None:
    root = pictures(tmp_path, 10)
    for at in range(3):
        (root / "red" / f"copy{at}.png").write_bytes((root / "red" / f"{at}.png").read_bytes())
    task = image_folder(root)
    sides = {name: split for split, examples in task.examples.items() for name in examples.ids.tolist()}
    groups = {name: str(group) for each in task.examples.values() for name, group in zip(each.ids.tolist(), each.groups, strict=True)}  # fmt: skip
    for at in range(3):
        assert sides[f"red/{at}.png"] == sides[f"red/copy{at}.png"]
        assert groups[f"red/{at}.png"] == groups[f"red/copy{at}.png"] != ""
    assert groups["blue/1.png"] == ""


def test_folders_say_the_test_set(tmp_path: Path) -> None:
    pictures(tmp_path / "train", 5)
    pictures(tmp_path / "test", 3)
    task = image_folder(tmp_path)
    assert task.test is not None
    assert sorted(task.test.ids.tolist())[0] == "blue/0.png"
    assert (len(task.train), len(task.test)) == (10, 6)


def test_animations_give_their_first_frame(tmp_path: Path) -> None:
    root = pictures(tmp_path, 3)
    frames = [picture(COLOURS["blue"], at) for at in range(3)]
    frames[0].save(root / "blue" / "moving.gif", save_all=True, append_images=frames[1:])
    task = image_folder(root)
    assert "1 has several frames" in said(task)
    assert np.abs(of(task, "blue/moving.gif").mean(axis=(1, 2)) - COLOURS["blue"]).max() < 12
