import io

import numpy as np
import pytest
from PIL import Image

from byrote.record.pictures import decode, encode

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("shape", "shown"),
    [((5, 8, 6), (5, 8, 6)), ((5, 1, 8, 6), (5, 8, 6)), ((5, 3, 8, 6), (5, 3, 8, 6))],
    ids=["grey", "grey with channel", "colour"],
)
def test_bytes_survive_exactly(shape: tuple[int, ...], shown: tuple[int, ...]) -> None:
    images = RNG.integers(0, 256, shape).astype(np.uint8)
    kept = encode(images)
    assert kept.vectors is None
    assert kept.pictures is not None
    back = decode(kept.pictures, [None] * 5)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, images.reshape(shown))


def test_pictures_are_png_of_the_right_size_and_colour() -> None:
    image = np.zeros((1, 3, 4, 7), np.uint8)
    image[0, 0] = 255
    kept = encode(image).pictures
    assert kept
    assert kept[0].startswith(b"\x89PNG")
    opened = Image.open(io.BytesIO(kept[0]))
    assert opened.size == (7, 4)
    assert opened.getpixel((6, 3)) == (255, 0, 0)


def test_floats_are_scaled_over_all_examples_together() -> None:
    images = np.array([[[-1.0, 0.0]], [[0.5, 1.0]]], np.float32)
    kept = encode(images, "picture")
    assert kept.pictures is not None
    np.testing.assert_array_equal(decode(kept.pictures, [None, None]), [[[0, 128]], [[191, 255]]])


def test_images_of_one_value_are_black() -> None:
    kept = encode(np.full((2, 3, 3), 7.0, np.float32))
    assert kept.pictures is not None
    np.testing.assert_array_equal(decode(kept.pictures, [None, None]), 0)


def test_vectors_survive_exactly() -> None:
    vectors = RNG.normal(size=(4, 3)).astype(np.float32)
    kept = encode(vectors)
    assert kept.pictures is None
    assert kept.vectors is not None
    back = decode([None] * 4, [list(map(float, v)) for v in kept.vectors])
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, vectors)


@pytest.mark.parametrize("shape", [(4, 2, 8, 8), (4, 8, 8, 3), (4, 3, 2, 8, 8)])
def test_what_is_neither_image_nor_vector_is_not_shown(shape: tuple[int, ...]) -> None:
    kept = encode(np.zeros(shape, np.float32))
    assert kept.pictures is None
    assert kept.vectors is None
    assert decode([None] * 4, [None] * 4).shape == (4, 0)
    assert decode([], []).shape == (0, 0)


def encoded(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["bmp", "gif", "tiff", "eps", "jpeg"])
def test_no_other_format_than_png_is_decoded(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For an EPS, Pillow starts Ghostscript, and a record may be a stranger's."""
    monkeypatch.setattr("subprocess.check_call", lambda *_: pytest.fail("another program was started"))
    with pytest.raises(ValueError, match="is no PNG that can be read"):
        decode([encoded(Image.new("RGB", (4, 4)), kind)], [None])


@pytest.mark.parametrize(
    ("picture", "count", "told"),
    [
        (encoded(Image.new("L", (5000, 5000)), "png"), 1, "1 pictures of 5000 x 5000 pixels are too large"),
        (encoded(Image.new("L", (4000, 4000)), "png"), 2000, "2000 pictures of 4000 x 4000 pixels are too large"),
        (encoded(Image.new("P", (4, 4)), "png"), 1, "a picture is P, neither grey nor RGB"),
        (encoded(Image.new("I;16", (4, 4)), "png"), 1, "a picture is I;16, neither grey nor RGB"),
        (encoded(Image.new("L", (64, 64)), "png")[:60], 1, "is no PNG that can be read"),
        (b"", 1, "is no PNG that can be read"),
    ],
    ids=["large", "large together", "palette", "16 bits", "torn", "empty"],
)
def test_pictures_that_byrote_does_not_write_are_refused(picture: bytes, count: int, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        decode([picture] * count, [None] * count)


def test_pictures_of_two_sizes_are_refused() -> None:
    two = [encoded(Image.new("L", (size, 4)), "png") for size in (4, 5)]
    with pytest.raises(ValueError, match=r"picture 1 is .4, 5., and the first .4, 4."):
        decode(two, [None, None])
