"""Dropout reduces the fitting of noise at the least cost to real data: Arpit et al. 2017, arXiv:1706.05394, figure 10.

python records/arpit_regularizers/run.py
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from byrote.experiments.reproductions.arpit.regularizers import REGULARIZERS, costs, curve, parts
from byrote.experiments.reproductions.conduct import conduct
from byrote.training.compute import Compute


def spelled(values: NDArray[np.float64]) -> str:
    """Return the mean over seeds with Student's 90 % interval."""
    half = stats.t.ppf(0.95, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):+.4f} +- {half:.4f}"


def main() -> None:
    size = REGULARIZERS.sizes["tiny"]
    print(f"torch {torch.__version__}, {size.examples} examples, {size.epochs} epochs, {size.seeds} seeds")
    found = conduct(parts(size, 0), Path("reproductions/arpit2017-tiny"), data=None, compute=Compute(), progress=None)
    curves = {name: curve(found, pairs) for name, pairs in size.strengths.items()}
    for dropout, decay in dict.fromkeys(pair for pairs in size.strengths.values() for pair in pairs):
        fitted, best = curve(found, [(dropout, decay)])[0].mean(axis=0)
        print(
            f"dropout {dropout}, weight decay {decay}: random labels fitted {fitted:.3f}, best validation accuracy on real data {best:.4f}"
        )
    for level in size.levels:
        one, other = (costs(told, level) for told in curves.values())
        told = [spelled(values) for values in (one, other, one - other)]
        print(
            f"random labels fitted to {level:.0%}: validation changes by {told[0]} with dropout, {told[1]} with weight decay, difference {told[2]}"
        )


if __name__ == "__main__":
    main()
