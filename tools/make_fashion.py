"""Cut the embedded sample out of Fashion-MNIST (apt-get install dataset-fashion-mnist); the output is in git.

python tools/make_fashion.py /usr/share/datasets/fashion-mnist
"""

import sys
from pathlib import Path

import numpy as np

from byrote.task.datasets.fashion_mnist import read_idx

SEED = 1708_07747  # the paper's arXiv number


def sample(images: np.ndarray, labels: np.ndarray, per_class: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    chosen = [rng.permutation(np.flatnonzero(labels == c))[:per_class] for c in range(10)]
    indices = np.sort(np.concatenate(chosen))
    return {"indices": indices.astype(np.int32), "images": images[indices], "labels": labels[indices]}


def main(source: Path) -> None:
    rng = np.random.default_rng(SEED)
    target = Path("src/byrote/datasets/fashion")
    target.mkdir(parents=True, exist_ok=True)
    for split, prefix, per_class in (("train", "train", 500), ("test", "t10k", 100)):
        images = read_idx(source / f"{prefix}-images-idx3-ubyte.gz")
        labels = read_idx(source / f"{prefix}-labels-idx1-ubyte.gz")
        np.savez_compressed(target / f"{split}.npz", **sample(images, labels, per_class, rng))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
