"""The images that experiments learn: samples that ship with byrote, or MNIST and CIFAR-10 from a directory of the user's.

Nothing is downloaded.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byrote.errors import InvalidData, unknown
from byrote.task.datasets.digits import digits
from byrote.task.datasets.fashion_mnist import fashion, read_idx

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

CIFAR_ROW = 1 + 3 * 32 * 32
"""Bytes of an image in the binary version of CIFAR-10: its label, then three colours."""


@dataclass(frozen=True, eq=False)
class Images:
    """Images in [0, 1] with their labels, to learn from and to be tested on."""

    train: Floats
    labels: Labels
    test: Floats
    test_labels: Labels

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one image."""
        return self.train.shape[1:]


@functools.lru_cache(maxsize=4)
def images(name: str, directory: Path | None = None) -> Images:
    """Return the images called `name`; raise ByroteError, saying what to put where, when they are not there."""
    if name not in READERS:
        raise unknown("data set", name, READERS)
    return READERS[name](directory)


def _fashion14(_: Path | None) -> Images:
    train, test = fashion()
    return Images(halved(train.inputs), train.labels, halved(test.inputs), test.labels)


def _digits(_: Path | None) -> Images:
    train, test = digits()
    return Images(_scaled(train.inputs), train.labels, _scaled(test.inputs), test.labels)


def _mnist(directory: Path | None) -> Images:
    folder = _given("MNIST", directory)
    parts = [
        read_idx(_found(folder, name, "MNIST", "the four files of MNIST (train-images-idx3-ubyte.gz and so on)"))
        for name in (
            "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
        )
    ]  # fmt: skip
    x, y, test, test_y = parts
    return Images(_scaled(x), y.astype(np.int64), _scaled(test), test_y.astype(np.int64))


def _cifar10(directory: Path | None) -> Images:
    folder = _given("CIFAR-10", directory)
    train = np.concatenate([_cifar_file(folder, f"data_batch_{number}.bin") for number in range(1, 6)])
    test = _cifar_file(folder, "test_batch.bin")
    return Images(_colours(train), train[:, 0].astype(np.int64), _colours(test), test[:, 0].astype(np.int64))


READERS: dict[str, Any] = {"fashion14": _fashion14, "digits": _digits, "mnist": _mnist, "cifar10": _cifar10}


def halved(pictures: NDArray[np.uint8]) -> Floats:
    """Return 28x28 images at 14x14, in [0, 1]."""
    return (pictures.reshape(-1, 14, 2, 14, 2).mean((2, 4)) / 255).astype(np.float32)


def _scaled(pictures: NDArray[np.uint8]) -> Floats:
    return (pictures / 255).astype(np.float32)


def _given(name: str, directory: Path | None) -> Path:
    if directory is None:
        raise InvalidData(
            f"{name} does not ship with byrote and is never downloaded. Give the directory that has it, with --data."
        )
    return directory


def _found(folder: Path, name: str, what: str, needed: str) -> Path:
    for path in (folder, folder / what, folder / what.lower(), folder / what / "raw", folder / "cifar-10-batches-bin"):
        for ending in ("", ".gz"):
            if (path / f"{name}{ending}").is_file():
                return path / f"{name}{ending}"
    raise InvalidData(f"There is no {name} in {folder}. Put {needed} there, or give another directory with --data.")


def _cifar_file(folder: Path, name: str) -> NDArray[np.uint8]:
    path = _found(folder, name, "CIFAR-10", "the binary version of CIFAR-10 (cifar-10-batches-bin)")
    read = np.fromfile(path, np.uint8)
    if not len(read) or len(read) % CIFAR_ROW or (read[::CIFAR_ROW] > 9).any():
        raise InvalidData(
            f"{path} is not a file of the binary version of CIFAR-10. Unpack cifar-10-binary.tar.gz again."
        )
    return read.reshape(-1, CIFAR_ROW)


def _colours(rows: NDArray[np.uint8]) -> Floats:
    return _scaled(rows[:, 1:].reshape(-1, 3, 32, 32))


def noise_like(pictures: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Return Gaussian images with the mean and the variance of these: randX of Arpit et al."""
    return rng.normal(pictures.mean(), pictures.std(), (count, *pictures.shape[1:])).astype(np.float32)


def with_random_labels(labels: Labels, share: float, rng: np.random.Generator) -> Labels:
    """Return labels of which each is replaced, with probability `share`, by one of ten classes at random: randY."""
    return np.where(rng.random(len(labels)) < share, rng.integers(0, 10, len(labels)), labels)
