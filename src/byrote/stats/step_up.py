"""Step-up: which of many tests to list, so that few of the list are false (Benjamini & Hochberg, 1995, JRSS B 57)."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray


def step_up(
    p: Float[ndarray, " test"], fdr: float, *, any_dependence: bool = False
) -> tuple[Bool[ndarray, " test"], float, int]:
    """Return which p-values are listed, the largest of them (0: none), and how many tests there are; NaN are no tests.

    The expected share of false entries is at most `fdr` where tests are independent or positively dependent; with
    `any_dependence` (Benjamini & Yekutieli, 2001) always, and fewer are listed.
    """
    ranked = np.sort(p[~np.isnan(p)])
    n = len(ranked)
    thresholds = fdr * np.arange(1, n + 1) / max(n, 1)
    if any_dependence:
        thresholds = thresholds / np.sum(1 / np.arange(1, n + 1))
    under = np.flatnonzero(ranked <= thresholds)
    cut = float(ranked[under[-1]]) if len(under) else 0.0
    with np.errstate(invalid="ignore"):
        return (p <= cut) & bool(len(under)), cut, n
