"""One example followed through the steps of training: runs that were trained on it, beside runs that were not."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.evidence.evaluate import LEVEL
from byrote.record import Record
from byrote.record.run_file import SEEN
from byrote.stats.estimate import Estimate


@dataclass(frozen=True)
class Followed:
    """The mean of `column` over runs after each step, with Student's interval; NaN where no run has recorded it.

    `trained` are the IN runs, `left_out` the OUT runs, which are known at the last step, and at earlier ones of test examples
    and canaries. `during`: some values of IN runs are from the training pass, in which the weights change and dropout is on.
    `at_end` are the values of every single run at the last step, with whether it was trained on the example.
    """

    column: str
    trained: tuple[Estimate, ...]
    left_out: tuple[Estimate, ...]
    during: bool
    at_end: tuple[tuple[int, bool, float | None], ...]


def follow(record: Record, position: int) -> Followed:
    """Return how well the example at this position was predicted over the steps: by its confidence, else by the outcome."""
    column = "confidence" if "confidence" in record.layout.columns else record.objective.outcome
    seen = f"{column}{SEEN}"
    values = {True: list[Float[ndarray, " step"]](), False: list[Float[ndarray, " step"]]()}
    during, ends = False, list[tuple[int, bool, float | None]]()
    for run in record.runs:
        member = bool(record.member(run)[position])
        one = record.over_steps(run, column)[:, position].astype(np.float64)
        last = float(one[-1])
        if member and seen in record.layout.columns:
            passed = record.over_steps(run, seen)[:, position]
            during |= bool((np.isnan(one) & ~np.isnan(passed)).any())
            one = np.where(np.isnan(one), passed, one)
        values[member].append(one)
        ends.append((run, member, last if np.isfinite(last) else None))
    is_share = column == "confidence" or record.objective.outcome != "r2"
    trained, left_out = (_means(record, values[member], is_share) for member in (True, False))
    return Followed(column, trained, left_out, during, tuple(ends))


def _means(record: Record, runs: list[Float[ndarray, " step"]], is_share: bool) -> tuple[Estimate, ...]:
    every = np.stack(runs) if runs else np.full((1, record.last_step), np.nan)
    sizes = [Estimate.of_mean(every[:, step], "run", level=LEVEL) for step in range(every.shape[1])]
    return tuple(each.within(0.0, 1.0) if is_share and each.n > 1 else each for each in sizes)
