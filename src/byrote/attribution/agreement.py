"""How far a gradient attribution agrees with retraining, on the user's own record: influence, and LDS (Park et al., 2023)."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.stats import rankdata

from byrote.arrays import checked
from byrote.attribution.kept import Agreement
from byrote.attribution.tracin import Block
from byrote.errors import InvalidData, MissingEvidence, Remedy
from byrote.evidence.outcomes import read_outcomes
from byrote.record import Record
from byrote.scores import influence
from byrote.stats.estimate import Estimate
from byrote.summaries import halvings, split_half
from byrote.summaries.agreement import pearson

COMPARED = 4
"""Runs that it takes, besides those whose models were used: two halves of two."""


@checked
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

    `examples` and `targets` are the positions in the record of the rows and columns of the attribution, in its order;
    `models` are runs whose models it was made from, which are left out: they would agree with themselves. Pairs of an
    example with itself, and examples without a value, are ignored. A target that every run gets right, or none, has
    no correlation with influence; one without margins has none with the summed values. The runs are halved at random by
    `seed` for the reliability. Raises MissingEvidence below four runs, or where one has no answer about a target,
    InvalidData for blocks of another shape.

    It misleads where influence is mostly noise (a low reliability): then `spearman` and `pearson` say nothing about the
    attribution, and `linear_datamodeling` is the one to read. A value for every run can agree with margins that no single
    pair agrees with. The targets share the runs, so their interval is too narrow as a statement about other runs.
    """
    runs = [run for run in record.runs if run not in models]
    if len(runs) < COMPARED:
        raise MissingEvidence(
            f"The agreement with influence needs {COMPARED} runs or more besides those whose models were used, but {record.directory} has {len(runs)} finished.",
            Remedy("more_runs", COMPARED + len(record.runs) - len(runs), record.door),
        )
    margin = read_outcomes(record, column="margin", runs=runs, positions=targets, missing="nan").correct
    correct = read_outcomes(record, runs=runs, positions=targets).correct
    member = np.stack([record.member(run)[examples] for run in runs])
    halves = next(halvings(len(runs), times=1, seed=seed))
    found: list[tuple[float, float, float, float]] = []
    for where, value in blocks:
        if value.shape != (len(examples), len(where)) or (len(where) and where.max() >= len(targets)):
            raise InvalidData(
                f"A block of shape {value.shape} does not fit {len(examples)} examples and {len(targets)} targets. Give the positions of its rows and columns."
            )
        truth, first, second = (
            influence(correct[chosen][:, where], member[chosen]) for chosen in (slice(None), *halves)
        )
        others = examples[:, None] != targets[where]
        summed = member.astype(np.float64) @ np.where(others, np.nan_to_num(value, nan=0.0), 0.0)
        for column, at in enumerate(where):
            kept = others[:, column]
            pairs = (array[kept, column] for array in (value, truth, first, second))
            found.append((_rank_correlation(summed[:, column], margin[:, at]), *_correlations(*pairs)))
    each = np.array(found).reshape(-1, 4).T
    return Agreement(*(Estimate.of_mean(values[np.isfinite(values)], "target", level=level) for values in each))


def _rank_correlation(summed: Float[ndarray, " run"], margin: Float[ndarray, " run"]) -> float:
    """Return the linear datamodeling score of one target; NaN where a run lacks its margin."""
    return pearson(rankdata(summed), rankdata(margin)) if np.isfinite(margin).all() else np.nan


def _correlations(
    value: Float[ndarray, " example"],
    truth: Float[ndarray, " example"],
    first: Float[ndarray, " example"],
    second: Float[ndarray, " example"],
) -> tuple[float, float, float]:
    both = np.isfinite(value) & np.isfinite(truth)
    a, b = value[both], truth[both]
    return pearson(rankdata(a), rankdata(b)), pearson(a, b), split_half(first, second, rank=True).value
