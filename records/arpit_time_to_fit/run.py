"""Less capacity or more data slows the fitting of noise more: Arpit et al. 2017, arXiv:1706.05394, figure 6.

python records/arpit_time_to_fit/run.py        # needs scikit-learn, for the digits
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from byrote.experiments.reproductions.arpit.time_to_fit import TIME_TO_FIT, epochs, parts, slower
from byrote.experiments.reproductions.conduct import conduct
from byrote.training.compute import Compute


def spelled(values: NDArray[np.float64]) -> str:
    """Return the mean over seeds with Student's 90 % interval."""
    half = stats.t.ppf(0.95, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.2f} +- {half:.2f}"


def main() -> None:
    size = TIME_TO_FIT.sizes["tiny"]
    print(
        f"torch {torch.__version__}, epochs until {size.goal:.0%} of the training examples are right, {size.seeds} seeds, 90 % intervals over seeds"
    )
    found = conduct(parts(size, 0), Path("reproductions/arpit2017-tiny"), data=None, compute=Compute(), progress=None)
    for title, grid in (
        ("more data, 256 units", [(n, size.widths[0]) for n in size.sizes]),
        ("less capacity, 600 examples", [(size.at, width) for width in size.widths]),
    ):
        print(title)
        factors: dict[float, NDArray[np.float64]] = {}
        for share in size.shares:
            rows = epochs(size, found, share, grid)
            told = ", ".join(
                f"n={n} width={w}: {np.median(column):.0f}" for (n, w), column in zip(grid, rows.T, strict=True)
            )
            print(f"  {share:.0%} noise inputs, median epochs: {told}")
            factors[share] = slower(rows)
        for share in size.shares:
            print(
                f"  {share:.0%} noise inputs: slower by 2 to the power of {spelled(factors[share])}; minus real {spelled(factors[share] - factors[0.0])}"
            )


if __name__ == "__main__":
    main()
