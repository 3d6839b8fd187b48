"""Fashion-MNIST: Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747. 70,000 images of clothes, MIT licence.

`fashion` is a fixed sample that ships with the package, `fashion_mnist` the full set from a local copy or one download.
"""

import gzip
import hashlib
import http.client
import struct
import urllib.request
import zlib
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from byrote.errors import ByroteError, InvalidData
from byrote.record.storage import replacing
from byrote.task.examples import Examples

CLASSES = (
    "T-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
MIRROR = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"
CHECKSUMS = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""SHA-256 of the unpacked files: copies differ in how they were packed."""


def fashion() -> tuple[Examples, Examples]:
    """Return the embedded sample: 5,000 training and 1,000 test images, balanced; ids are the original indices."""
    folder = files("byrote.task.datasets") / "fashion"
    splits: list[Examples] = []
    for split in ("train", "test"):
        with (folder / f"{split}.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            splits.append(Examples(arrays["images"], arrays["labels"], list(arrays["indices"])))
    return splits[0], splits[1]


def fashion_mnist(cache: Path) -> tuple[Examples, Examples]:
    """Return all 60,000 training and 10,000 test images: from Debian's package, else from `cache`, else downloaded into it once.

    Raises InvalidData when a file is not the published one, ByroteError when it can be neither found nor downloaded.
    """
    parts = {name: _published(name, cache) for name in CHECKSUMS}
    return (
        Examples(parts["train-images-idx3-ubyte"], parts["train-labels-idx1-ubyte"]),
        Examples(parts["t10k-images-idx3-ubyte"], parts["t10k-labels-idx1-ubyte"]),
    )


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Return the array in an idx file of bytes, gzipped unless its name has no ending; raise InvalidData when it is not one."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix else path.read_bytes()
        zero, kind, axes = struct.unpack(">HBB", data[:4])
        shape = struct.unpack(f">{axes}I", data[4 : 4 + 4 * axes])
        if zero or kind != 8:
            raise ValueError(f"type code {kind}")
        return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)
    except (ValueError, struct.error, EOFError, OSError, zlib.error) as error:
        raise InvalidData(f"{path} is not a gzipped idx file of bytes ({error}). Delete it and try again.") from None


def _published(name: str, cache: Path) -> NDArray[np.uint8]:
    path = next((p for p in (DEBIAN / f"{name}.gz", cache / f"{name}.gz") if p.exists()), None) or _download(
        name, cache
    )
    array = read_idx(path)
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    if hashlib.sha256(header + array.tobytes()).hexdigest() != CHECKSUMS[name]:
        raise InvalidData(
            f"{path} is not the published Fashion-MNIST file: its checksum differs. Delete it and try again."
        )
    return array


def _download(name: str, cache: Path) -> Path:
    target = cache / f"{name}.gz"
    try:
        with urllib.request.urlopen(f"{MIRROR}{name}.gz", timeout=60) as answer:
            data = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise ByroteError(
            f"Fashion-MNIST is neither in {DEBIAN} nor in {cache}, and the download failed ({error}). "
            "Install Debian's dataset-fashion-mnist, or put the four .gz files there."
        ) from None
    with replacing(target) as aside:
        aside.write_bytes(data)
    return target
