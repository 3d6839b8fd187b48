"""Easy examples exist in real data, not in noise: Arpit et al. 2017, arXiv:1706.05394, figure 1, at a small scale.

python records/arpit_easy_examples/run.py
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from byrote.experiments.reproductions.arpit.easy_examples import EASY_EXAMPLES, parts, ratio, shares
from byrote.experiments.reproductions.conduct import conduct
from byrote.training.compute import Compute

RATES = (0.01, 0.1)


def main() -> None:
    tiny = EASY_EXAMPLES.sizes["tiny"]
    print(
        f"torch {torch.__version__}, {tiny.runs} runs, {tiny.examples} examples, {tiny.asked} of them asked, 90 % intervals"
    )
    for rate in RATES:
        size, rng = replace(tiny, rate=rate), np.random.default_rng(0)
        found = conduct(
            parts(size, 0), Path("reproductions/arpit2017-tiny"), data=None, compute=Compute(), progress=None
        )
        for name, share in shares(size, found).items():
            value, again = ratio(share, size.runs, rng)
            low, high = np.quantile(again, (0.05, 0.95))
            print(
                f"learning rate {rate}, {name}: P(correct) mean {share.mean():.3f}, never right {np.mean(share <= 0.02):.3f}, "
                f"always right {np.mean(share >= 0.98):.3f}; variance / binomial variance {value:.2f} [{low:.2f}, {high:.2f}]",
                flush=True,
            )


if __name__ == "__main__":
    main()
