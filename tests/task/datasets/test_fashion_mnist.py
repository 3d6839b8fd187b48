import gzip
import hashlib
import http.client
import struct
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from byrote.errors import ByroteError, InvalidData
from byrote.task.datasets import fashion_mnist as source
from byrote.task.datasets.fashion_mnist import CHECKSUMS, CLASSES, DEBIAN, fashion, fashion_mnist, read_idx

full = pytest.mark.skipif(not DEBIAN.exists(), reason="Debian's dataset-fashion-mnist is not installed")
NAMES = list(CHECKSUMS)


def packed(array: NDArray[np.uint8], *, kind: int = 8) -> bytes:
    return gzip.compress(struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape) + array.tobytes(), 1)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, NDArray[np.uint8]]:
    """Four small files that stand in for the published ones; none of them is on this machine yet."""
    rng = np.random.default_rng(0)
    shapes = [(6, 4, 3), (6,), (2, 4, 3), (2,)]
    arrays = {name: rng.integers(0, 9, shape).astype(np.uint8) for name, shape in zip(NAMES, shapes, strict=True)}
    sums = {name: hashlib.sha256(gzip.decompress(packed(array))).hexdigest() for name, array in arrays.items()}
    monkeypatch.setattr(source, "CHECKSUMS", sums)
    monkeypatch.setattr(source, "DEBIAN", tmp_path / "debian")
    return arrays


def put(folder: Path, arrays: dict[str, NDArray[np.uint8]]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, array in arrays.items():
        (folder / f"{name}.gz").write_bytes(packed(array))
    return folder


def no_network(*_: Any, **__: Any) -> Any:
    raise AssertionError("a local copy was there")


def test_the_embedded_sample_is_balanced() -> None:
    train, test = fashion()
    assert train.inputs.shape == (5_000, 28, 28)
    assert test.inputs.shape == (1_000, 28, 28)
    assert train.inputs.dtype == test.inputs.dtype == np.uint8
    assert np.bincount(train.labels).tolist() == [500] * 10
    assert np.bincount(test.labels).tolist() == [100] * 10
    assert len(CLASSES) == 10


@full
def test_ids_of_the_sample_are_indices_of_the_full_set(tmp_path: Path) -> None:
    for part, whole in zip(fashion(), fashion_mnist(tmp_path), strict=True):
        at = part.ids.astype(int)
        assert len(np.unique(at)) == len(part)
        np.testing.assert_array_equal(part.inputs, whole.inputs[at])
        np.testing.assert_array_equal(part.labels, whole.labels[at])


@full
def test_the_full_set_is_what_was_published(tmp_path: Path) -> None:
    train, test = fashion_mnist(tmp_path)
    assert np.bincount(train.labels).tolist() == [6_000] * 10
    assert np.bincount(test.labels).tolist() == [1_000] * 10
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4), (0, 4)])
def test_idx_files_are_read(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape)).astype(np.uint8).reshape(shape)
    path = tmp_path / "some.gz"
    path.write_bytes(packed(array))
    np.testing.assert_array_equal(read_idx(path), array)


GOOD = packed(np.arange(200, dtype=np.uint8).reshape(2, 100))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>404</html>",
        GOOD[:40],
        GOOD[:10] + bytes([GOOD[10] ^ 255]) + GOOD[11:],
        GOOD[:-8] + bytes(8),
        gzip.compress(b"\0\0"),
        gzip.compress(gzip.decompress(GOOD)[:-1]),
        gzip.compress(gzip.decompress(GOOD) + b"\0"),
        gzip.compress(b"\0\0\x08\x03"),
        packed(np.zeros(4, np.uint8), kind=13),
    ],
    ids=[
        "empty",
        "a web page",
        "cut",
        "a wrong byte",
        "a wrong sum",
        "no header",
        "one less",
        "one more",
        "no shape",
        "floats",
    ],
)
def test_what_is_not_an_idx_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "some.gz"
    path.write_bytes(data)
    with pytest.raises(InvalidData, match=r"some\.gz is not a gzipped idx file of bytes .*Delete it and try again"):
        read_idx(path)


def test_a_copy_of_something_else_is_refused(
    tmp_path: Path, published: dict[str, NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", no_network)
    cache = put(tmp_path / "cache", published)
    train, test = fashion_mnist(cache)
    np.testing.assert_array_equal(train.inputs, published[NAMES[0]])
    np.testing.assert_array_equal(test.labels, published[NAMES[3]])
    changed = published[NAMES[1]].copy()
    changed[0] += 1
    put(cache, {NAMES[1]: changed})
    with pytest.raises(InvalidData, match=r"train-labels-idx1-ubyte\.gz is not the published .*checksum differs"):
        fashion_mnist(cache)


def test_debians_copy_comes_first(
    tmp_path: Path, published: dict[str, NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", no_network)
    put(tmp_path / "debian", published)
    assert len(fashion_mnist(tmp_path / "nowhere")[0]) == 6
    assert not (tmp_path / "nowhere").exists()


def test_it_is_downloaded_once(
    tmp_path: Path, published: dict[str, NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(url: str, timeout: float) -> Any:
        asked.append(url)
        return (put(tmp_path / "server", published) / url.rsplit("/", 1)[1]).open("rb")

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    for _ in range(2):
        assert len(fashion_mnist(tmp_path / "home" / "cache")[0]) == 6
    assert [url.removeprefix(source.MIRROR) for url in asked] == [f"{name}.gz" for name in NAMES]
    assert sorted(p.name for p in (tmp_path / "home" / "cache").iterdir()) == sorted(f"{name}.gz" for name in NAMES)


@pytest.mark.parametrize("error", [OSError("no route"), http.client.IncompleteRead(b"half")])
@pytest.mark.usefixtures("published")
def test_without_a_network_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(url: str, timeout: float) -> Any:
        raise error

    monkeypatch.setattr(urllib.request, "urlopen", fail)
    with pytest.raises(ByroteError, match=r"the download failed .*Install Debian's dataset-fashion-mnist"):
        fashion_mnist(tmp_path / "cache")
    assert not list(tmp_path.glob("cache/*"))
