"""How far a gradient attribution agrees with retraining, on the user's own record: influence, and LDS (Park et al., 2023)."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.stats import rankdata

from byrote.attribution.kept import Agreement
from byrote.attribution.tracin import Block
from byrote.errors import InvalidData, MissingEvidence
from byrote.evidence.outcomes import read_outcomes
from byrote.record import Record
from byrote.scores import influence
from byrote.stats.estimate import Estimate
from byrote.summaries import halvings, split_half
from byrote.summaries.agreement import pearson

COMPARED = 4
"""Runs that it takes, besides those whose models were asked: two halves of two."""


def agreement(
    blocks: Iterable[Block],
    record: Record,
    examples: Int[ndarray, " example"],
    targets: Int[ndarray, " target"],
    *,
    models: Sequence[int] = (),
    seed: int = 0,
    level: float = 0.9,
) -> Agreement:
    """Correlate an attribution (what `tracin` or `trak` yields) with what the record's runs show, target by target.

    `examples` and `targets` are the positions in the record of what the attribution was asked about, in its order;
    `models` are runs whose models it was made from, which are left out: they would agree with themselves. Pairs of an
    example with itself, and examples without a value, count for nothing. A target that every run gets right, or none, has
    no correlation with influence; one without margins none with their sums. The runs are halved at random by `seed` for
    the reliability. Raises MissingEvidence below four runs, or where one has no answer about a target, InvalidData for
    blocks of another shape.

    It misleads where influence is mostly noise (a low reliability): then `spearman` and `pearson` say nothing about the
    attribution, and `linear_datamodeling` is the one to read. A value for every run can agree with margins that no single
    pair agrees with. The targets share the runs, so their interval is too narrow as a statement about other runs.
    """
    runs = [run for run in record.runs if run not in models]
    if len(runs) < COMPARED:
        raise MissingEvidence(
            f"The agreement with influence needs {COMPARED} runs or more besides those that were asked, but {record.directory} has {len(runs)} finished. Run `byrote audit` with more --runs."
        )
    margin = read_outcomes(record, column="margin", runs=runs, positions=targets, missing="nan").correct
    correct = read_outcomes(record, runs=runs, positions=targets).correct
    member = np.stack([record.member(run)[examples] for run in runs])
    halves = next(halvings(len(runs), times=1, seed=seed))
    found: list[tuple[float, float, float, float]] = []
    for where, value in blocks:
        if value.shape != (len(examples), len(where)) or (len(where) and where.max() >= len(targets)):
            raise InvalidData(
                f"A block of shape {value.shape} does not speak of {len(examples)} examples and {len(targets)} targets. Give the positions that the attribution was asked about."
            )
        truth = influence(correct[:, where], member)
        first, second = (influence(correct[half][:, where], member[half]) for half in halves)
        alone = np.where(examples[:, None] == targets[where], 0.0, np.nan_to_num(value, nan=0.0))
        summed = member.astype(np.float64) @ alone
        for column, (at, target) in enumerate(zip(where, targets[where], strict=True)):
            columns = (array[examples != target, column] for array in (value, truth, first, second))
            together = pearson(rankdata(summed[:, column]), rankdata(margin[:, at]))
            found.append((together if np.isfinite(margin[:, at]).all() else np.nan, *_correlations(*columns)))
    each = np.array(found).reshape(-1, 4).T
    return Agreement(*(_mean(values, level) for values in each))


def _correlations(
    value: Float[ndarray, " example"],
    truth: Float[ndarray, " example"],
    first: Float[ndarray, " example"],
    second: Float[ndarray, " example"],
) -> tuple[float, float, float]:
    both = np.isfinite(value) & np.isfinite(truth)
    a, b = value[both], truth[both]
    return pearson(rankdata(a), rankdata(b)), pearson(a, b), split_half(first, second, rank=True).value


def _mean(values: Float[ndarray, " target"], level: float) -> Estimate:
    return Estimate.of_mean(values[np.isfinite(values)], "target", level=level)
