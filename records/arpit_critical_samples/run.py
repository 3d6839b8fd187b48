"""Noise makes complex decision surfaces, and is learned after patterns: Arpit et al. 2017, arXiv:1706.05394, figures 9 and 7b.

python records/arpit_critical_samples/run.py
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from byrote.experiments.reproductions.arpit import critical_samples, patterns_first
from byrote.experiments.reproductions.arpit.following import peak
from byrote.experiments.reproductions.conduct import conduct
from byrote.training.compute import Compute


def spelled(values: Sequence[float]) -> str:
    """Return the mean over seeds with Student's 90 % interval."""
    half = stats.t.ppf(0.95, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.3f} +- {half:.3f}"


def main() -> None:
    size = critical_samples.CRITICAL_SAMPLES.sizes["tiny"]
    print(
        f"torch {torch.__version__}, {size.examples} examples, {size.seeds} seeds, means with 90 % intervals over seeds"
    )
    noisy = patterns_first.PATTERNS_FIRST.sizes["tiny"]
    asked = [*critical_samples.parts(size, 0), *patterns_first.parts(noisy, 0)]
    found = conduct(asked, Path("reproductions/arpit2017-tiny"), data=None, compute=Compute(), progress=None)
    for name in critical_samples.KINDS:
        runs = [value for key, value in found.items() if key.startswith(f"critical samples, {name},")]
        last = np.array([run["accuracy"][-1] for run in runs])
        print(f"{name}: training accuracy at the end {spelled(last[:, 0])}, validation {spelled(last[:, 1:].mean(1))}")
        ratios = critical_samples.ratios(found, name)
        for i, epoch in enumerate(size.at):
            told = [spelled(ratios[:, i, column]) for column in range(3)]
            print(
                f"  epoch {epoch}: critical, held-out {told[0]}; ten times the radius, held-out {told[1]}, training {told[2]}"
            )
    for share in noisy.shares[1:]:
        peaks, fitted, drop = zip(*(peak(run) for run in patterns_first.of(found, "labels", share)), strict=True)
        print(
            f"{share:.0%} random labels: validation peaks after epochs {list(peaks)}, where training accuracy is {spelled(fitted)}; it falls by {spelled(drop)} until the end"
        )


if __name__ == "__main__":
    main()
