"""Less capacity or more data slows the fitting of noise more: Arpit et al. 2017, arXiv:1706.05394, figure 6.

python records/arpit_time_to_fit/run.py        # needs scikit-learn, for the digits
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from byrote.task.datasets.digits import digits
from byrote.task.models import mlp

SEEDS, MOST, GOAL = range(6), 400, 0.99
SIZES, WIDTHS, SHARES = (150, 300, 600, 1200), (32, 64, 128, 256), (0.0, 0.5, 1.0)


def epochs(x: NDArray[np.float32], y: NDArray[np.int64], width: int, seed: int) -> float:
    """Return after how many epochs training accuracy is at least 99 %; infinity when it never is."""
    torch.manual_seed(seed)
    model, inputs, labels = mlp((8, 8), 10, width=width), torch.from_numpy(x), torch.from_numpy(y)
    update = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(1, MOST + 1):
        for batch in torch.randperm(len(inputs)).split(50):
            update.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs[batch]), labels[batch]).backward()
            update.step()
        with torch.no_grad():
            if float((model(inputs).argmax(1) == labels).double().mean()) >= GOAL:
                return epoch
    return np.inf


def data(size: int, share: float, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return digits of which this share are Gaussian noise with the data's mean and variance."""
    everyone, _ = digits()
    images, rng = (everyone.inputs / 255).astype(np.float32), np.random.default_rng(seed)
    which = rng.permutation(len(images))[:size]
    noise = rng.normal(images.mean(), images.std(), (size, 8, 8)).astype(np.float32)
    return np.where((np.arange(size) < share * size)[:, None, None], noise, images[which]), everyone.labels[which]


def spelled(values: NDArray[np.float64]) -> str:
    """Return the mean over seeds with Student's 90 % interval."""
    half = stats.t.ppf(0.95, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.2f} +- {half:.2f}"


def main() -> None:
    torch.set_num_threads(1)
    print(
        f"torch {torch.__version__}, epochs until {GOAL:.0%} of the training examples are right, {len(SEEDS)} seeds, 90 % intervals over seeds"
    )
    for title, grid in (
        ("more data, 256 units", [(size, 256) for size in SIZES]),
        ("less capacity, 600 examples", [(600, width) for width in WIDTHS[::-1]]),
    ):
        print(title)
        slower: dict[float, NDArray[np.float64]] = {}
        for share in SHARES:
            found = np.array(
                [[epochs(*data(size, share, seed), width, seed) for size, width in grid] for seed in SEEDS]
            )
            told = ", ".join(
                f"n={n} width={w}: {np.median(column):.0f}" for (n, w), column in zip(grid, found.T, strict=True)
            )
            print(f"  {share:.0%} noise inputs, median epochs: {told}", flush=True)
            slower[share] = np.log2(np.minimum(found[:, -1], MOST) / np.minimum(found[:, 0], MOST))
        for share in SHARES:
            print(
                f"  {share:.0%} noise inputs: slower by 2 to the power of {spelled(slower[share])}; minus real {spelled(slower[share] - slower[0.0])}"
            )


if __name__ == "__main__":
    main()
