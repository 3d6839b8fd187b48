"""Training depends on few examples of real data, and on all examples of noise: Arpit et al. 2017, arXiv:1706.05394, figure 3.

python records/arpit_loss_sensitivity/run.py
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from byrote.experiments.reproductions.arpit.loss_sensitivity import LEFT, LOSS_SENSITIVITY, inequality, parts
from byrote.experiments.reproductions.conduct import conduct
from byrote.training.compute import Compute


def spelled(values: NDArray[np.float64]) -> str:
    """Return the mean over seeds with Student's 90 % interval."""
    half = stats.t.ppf(0.95, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.3f} +- {half:.3f}"


def main() -> None:
    size = LOSS_SENSITIVITY.sizes["tiny"]
    print(
        f"torch {torch.__version__}, {size.examples} examples, {size.updates} steps, {size.seeds} seeds, means with 90 % intervals over seeds"
    )
    found = inequality(
        conduct(parts(size, 0), Path("reproductions/arpit2017-tiny"), data=None, compute=Compute(), progress=None)
    )
    for name, values in found.items():
        told = ", ".join(spelled(column) for column in values.T)
        print(f"{name}: Gini after {size.updates // size.rows} to {size.updates} steps {told}")
    for name in LEFT[1:]:
        print(f"real minus {name}, at the end: {spelled(found['real'][:, -1] - found[name][:, -1])}")
    own = found["real, own classes"][:, -1] - found["random inputs, own classes"][:, -1]
    print(f"with a class for each example, real minus random inputs, at the end: {spelled(own)}")


if __name__ == "__main__":
    main()
