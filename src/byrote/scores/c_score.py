"""C-score at one size of the training set, Jiang, Zhang, Talwar & Mozer, 2021, arXiv:2002.03206."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.signature import score
from byrote.stats.intervals import wilson


def _interval(
    correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"], *, level: float
) -> tuple[Float[ndarray, " example"], Float[ndarray, " example"]]:
    out_correct, out_runs = np.count_nonzero(correct & ~member, axis=0), np.count_nonzero(~member, axis=0)
    return wilson(out_correct, out_runs, level=level)


@score(high="easy", interval=_interval)
def c_score(correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"]) -> Float[ndarray, " example"]:
    """P(correct | not trained on it): 1 is predicted from the other examples, 0 contradicts them.

    mean of `correct` over the runs without the example (Jiang et al. 2021), in [0, 1]. NaN where it was in
    every run.

    It misleads when compared across records: the paper averages over subset sizes of 10 % to 90 %, and this has the one
    size of the record's design. The interval is Wilson's (1927).
    """
    out_correct, out_runs = np.count_nonzero(correct & ~member, axis=0), np.count_nonzero(~member, axis=0)
    with np.errstate(invalid="ignore"):
        return out_correct / out_runs
