"""A list of memorized examples with few false ones, Fisher, 1935; Benjamini & Hochberg, 1995, JRSS B 57."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy import ndarray
from scipy import stats

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.step_up import step_up
from byrote.summaries._counts import Cells, cells
from byrote.summaries._rank_sum import rank_sum_p_values


@dataclass(frozen=True)
class MemorizedList:
    """Which examples are `listed`, the p-value of each (NaN: not tested), the largest one listed, and how many were tested."""

    listed: Bool[ndarray, " example"]
    p_value: Float[ndarray, " example"]
    cut: float
    tested: int
    fdr: float


@checked
def memorized_at_fdr(
    outcome: Shaped[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    fdr: float = 0.1,
    any_dependence: bool = False,
) -> MemorizedList:
    """List examples that are predicted better when trained on, at a false-discovery rate of at most `fdr`.

    Each example's p-value is that of Fisher's exact test, one-sided: are IN runs right more often than OUT runs, given how
    many runs are right? For outcomes that are numbers (`r2` of a regression) it is that of the rank-sum test. A small one
    is evidence for memorization. Both tests assume only that membership was drawn at random.
    Benjamini & Hochberg's step-up procedure then lists all p-values up to a cut. It controls the expected share of false
    ones for independent or positively dependent p-values; examples share runs, and no proof covers that in general.
    `any_dependence` divides by 1 + 1/2 + ... + 1/n (Benjamini & Yekutieli 2001), which always holds and lists
    fewer. Examples in every run or in none have no p-value and are not tested.

    It misleads as a count of all that is memorized: what 20 runs cannot show is not listed. Nor does listed mean much
    memorized: an example of .3 with many runs is as certain as one of 1 with few.
    """
    if outcome.dtype == np.bool_:
        found = cells(outcome, member)
        p = p_values(found)[found.index]
    else:
        p = rank_sum_p_values(outcome, member)
    if not 0 < fdr < 1:
        raise Unsupported(f"The false discovery rate is {fdr}. Give one between 0 and 1.")
    listed, cut, tested = step_up(p, fdr, any_dependence=any_dependence)
    return MemorizedList(listed, p, cut, tested, fdr)


def p_values(found: Cells) -> Float[ndarray, " cell"]:
    """Return Fisher's one-sided exact p-value of each cell; NaN without IN or without OUT runs."""
    correct, runs = found.in_correct + found.out_correct, found.in_runs + found.out_runs
    p = stats.hypergeom.sf(found.in_correct - 1, runs, correct, found.in_runs)
    return np.where((found.in_runs > 0) & (found.out_runs > 0), np.minimum(p, 1.0), np.nan)
