"""A list of memorized examples with few false ones, Fisher, 1935; Benjamini & Hochberg, 1995, JRSS B 57."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy import stats

from byrote.errors import Unsupported
from byrote.summaries._counts import Cells, cells


@dataclass(frozen=True)
class Memorized:
    """Who is `listed`, everyone's p-value (NaN: not tested), the largest that is listed, and how many were tested."""

    listed: Bool[ndarray, " example"]
    p_value: Float[ndarray, " example"]
    cut: float
    tested: int
    fdr: float


def memorized_at_fdr(
    correct: Bool[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    fdr: float = 0.1,
    any_dependence: bool = False,
) -> Memorized:
    """List examples that are right more often when trained on, of which a share of `fdr` at most is false on average.

    Each example's p-value is Fisher's exact one that its correct runs are no more often those with it, given
    how many are; small speaks for memorization. It needs only that who is in which run was drawn by lot. Benjamini &
    Hochberg's step-up then lists all below a cut. That controls the expected share of false ones for
    independent or positively dependent p-values; examples share runs, and no proof covers that in general.
    `any_dependence` divides by 1 + 1/2 + ... + 1/n (Benjamini & Yekutieli 2001), which always holds and lists
    fewer. Examples in every run or in none have no p-value and are not tested.

    It misleads as a count of all that is memorized: what 20 runs cannot tell is not listed. And listed is not
    "by much": an example of .3 with many runs is as certain as one of 1 with few.
    """
    found = cells(correct, member)
    p = p_values(found)[found.index]
    listed, cut, tested = _step_up(p, fdr, any_dependence)
    return Memorized(listed, p, cut, tested, fdr)


def p_values(found: Cells) -> Float[ndarray, " cell"]:
    """Return Fisher's one-sided exact p-value of each cell; NaN where one side has no runs."""
    right, runs = found.right_in + found.right_out, found.inside + found.outside
    p = stats.hypergeom.sf(found.right_in - 1, runs, right, found.inside)
    return np.where((found.inside > 0) & (found.outside > 0), np.minimum(p, 1.0), np.nan)


def _step_up(
    p: Float[ndarray, " example"], fdr: float, any_dependence: bool
) -> tuple[Bool[ndarray, " example"], float, int]:
    if not 0 < fdr < 1:
        raise Unsupported(f"A false discovery rate of {fdr} was asked for. Give one between 0 and 1.")
    ranked = np.sort(p[~np.isnan(p)])
    n = len(ranked)
    steps = fdr * np.arange(1, n + 1) / max(n, 1)
    if any_dependence:
        steps = steps / np.sum(1 / np.arange(1, n + 1))
    under = np.flatnonzero(ranked <= steps)
    cut = float(ranked[under[-1]]) if len(under) else 0.0
    with np.errstate(invalid="ignore"):
        return (p <= cut) & bool(len(under)), cut, n
