"""Data of the paper's sizes are read from a directory, and asked for when they are not there."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from byrote.errors import ByroteError, InvalidData
from byrote.experiments.reproductions.data import images, noise_like, with_random_labels
from byrote.experiments.reproductions.experiment import Bench
from byrote.experiments.reproductions.reproduce import PAPERS


def write_mnist(folder: Path, packed: bool = True) -> None:
    rng = np.random.default_rng(0)
    for name, count in (("train", 64), ("t10k", 32)):
        for kind, array in (
            ("images-idx3-ubyte", rng.integers(0, 256, (count, 28, 28), np.uint8)),
            ("labels-idx1-ubyte", np.arange(count, dtype=np.uint8) % 10),
        ):
            data = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
            ending = ".gz" if packed else ""
            (folder / f"{name}-{kind}{ending}").write_bytes(gzip.compress(data) if packed else data)


def write_cifar(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for name in (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"):
        rows = rng.integers(0, 256, (16, 3073), np.uint8)
        rows[:, 0] = np.arange(16) % 10
        (folder / name).write_bytes(rows.tobytes())


@pytest.mark.parametrize("packed", [True, False])
def test_mnist_is_read_packed_or_not(tmp_path: Path, packed: bool) -> None:
    write_mnist(tmp_path, packed)
    found = images("mnist", tmp_path)
    assert found.train.shape == (64, 28, 28)
    assert found.test.shape == (32, 28, 28)
    assert found.labels[11] == 1
    assert 0.4 < found.train.mean() < 0.6


def test_cifar_is_read_in_colours_from_its_binary_version(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    found = images("cifar10", tmp_path)
    assert found.train.shape == (80, 3, 32, 32)
    assert found.test_labels[3] == 3
    first = np.fromfile(tmp_path / "data_batch_1.bin", np.uint8)[1:3073].reshape(3, 32, 32) / 255
    np.testing.assert_allclose(found.train[0], first, atol=1e-7)
    (tmp_path / "test_batch.bin").write_bytes(b"no cifar")
    images.cache_clear()
    with pytest.raises(InvalidData, match="binary version"):
        images("cifar10", tmp_path)


def test_what_is_not_there_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="never downloaded"):
        images("mnist")
    with pytest.raises(InvalidData, match="no train-images"):
        images("mnist", tmp_path)
    with pytest.raises(InvalidData, match="no data_batch_1"):
        images("cifar10", tmp_path)
    with pytest.raises(ByroteError, match="mnist"):
        images("mnst")


def test_noise_has_the_moments_of_the_data_and_labels_are_replaced_by_their_share() -> None:
    rng = np.random.default_rng(0)
    pictures = rng.random((500, 14, 14)).astype(np.float32)
    noise = noise_like(pictures, 400, rng)
    assert noise.shape == (400, 14, 14)
    assert noise.mean() == pytest.approx(pictures.mean(), abs=0.01)
    assert noise.std() == pytest.approx(pictures.std(), abs=0.01)
    labels = np.zeros(10_000, np.int64)
    assert (with_random_labels(labels, 0.5, rng) != 0).mean() == pytest.approx(0.45, abs=0.02)
    assert (with_random_labels(labels, 0.0, rng) == 0).all()


@pytest.mark.parametrize("paper", ["arpit2017", "zhang2017"])
def test_one_update_runs_on_data_of_the_shape_that_the_paper_has(paper: str, tmp_path: Path) -> None:
    write_mnist(tmp_path)
    write_cifar(tmp_path)
    small = {"examples": 32, "epochs": 1, "batch": 32, "most": 1, "asked": 4, "updates": 2, "rows": 1, "iterations": 1}
    tried = 0
    for experiment in PAPERS[paper].experiments:
        part = experiment.parts(experiment.sizes["paper"], 0)[0]
        assert set(experiment.data(experiment.sizes["paper"])) <= {"mnist", "cifar10", "fashion14"}
        options = {key: small.get(key, value) for key, value in part.options.items()}
        options |= {"at": [1]} if "at" in options else {}
        options |= {"seeds": options["seeds"][:1]} if "seeds" in options else {}
        assert part.train(Bench(tmp_path), **options), experiment.name
        tried += 1
    assert tried == len(PAPERS[paper].experiments)
