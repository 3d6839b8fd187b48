"""What an attribution found, as rows of plain values and as a verdict in words."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from byrote.attribution.agreement import COMPARED
from byrote.attribution.kept import About, Agreement, Attribution
from byrote.evidence.evaluate import pairs
from byrote.record import Record
from byrote.scores import influence

Row = dict[str, Any]

PROXY = "TracIn and TRAK are proxies of retraining: check what matters by leaving it out."


def attribution_rows(record: Record, found: Attribution, *, top: int = 20) -> list[Row]:
    """Return the pairs of a training example and a target with the largest values, of either sign: below 0 it harms.

    Each row also has the pair's influence from the record's runs with the ends of its interval; None where it is undefined.
    """
    population, classes, method = record.population, record.classes, found.about.method
    strongest = _largest(found.value, top)
    measured = _influence(record, [(example, int(found.targets[column])) for example, column in strongest])
    rows: list[Row] = []
    for (example, column), sizes in zip(strongest, measured, strict=True):
        target = found.targets[column]
        rows.append(
            {
                "example": str(population.ids[example]),
                "label": classes[population.labels[example]],
                "target": str(population.ids[target]),
                "target label": classes[population.labels[target]],
                method: float(found.value[example, column]),
                **sizes,
            }
        )
    return rows


def agreement_verdict(about: About) -> str:
    """Return in words how far the attribution agrees with retraining: in sums, pair by pair, and at most."""
    if about.agreement is None:
        found = (
            f"How far {about.method} agrees with retraining cannot be measured from {_runs(about.compared, 'other ')} "
            f"(it takes {COMPARED} or more)."
        )
    else:
        found = f"{_in_sums(about, about.agreement)} {_by_pairs(about, about.agreement)}"
    return f"{found} {PROXY}"


def _in_sums(about: About, agreement: Agreement) -> str:
    score = agreement.linear_datamodeling
    if not np.isfinite(score.value):
        return "Margins were not recorded, so sums of it cannot be judged."
    return (
        f"Summed over the training set of a run, {about.method} from {_runs(len(about.runs))} has a rank correlation of {score} with the "
        f"target's margin in {about.compared} other runs (LDS; mean over {score.n} targets, 90 %)."
    )


def _by_pairs(about: About, agreement: Agreement) -> str:
    rank, again = agreement.spearman, agreement.reliability
    if not np.isfinite(rank.value):
        return (
            f"In these {about.compared} runs no target has influence that differs between examples, so single pairs cannot "
            "be judged."
        )
    found = (
        f"Pair by pair it has {rank} with influence; "
        f"influence from these runs has {again} with that of as many new ones (over {again.n} targets)"
    )
    if not again.low > 0:
        return f"{found}, so pairs are mostly noise here and cannot say how good {about.method} is: more runs would reduce it."
    return f"{found}, so {np.sqrt(again.value):.2f} is about the most that any attribution could reach here."


def _runs(count: int, kind: str = "") -> str:
    return f"{count} {kind}run{'' if count == 1 else 's'}"


def _largest(value: Float32[ndarray, "example target"], top: int) -> list[tuple[int, int]]:
    size = np.nan_to_num(np.abs(value), nan=-1).ravel()
    first = np.argpartition(size, -min(top, size.size))[-min(top, size.size) :]
    order = first[np.lexsort((first, -size[first]))]
    return [divmod(int(at), value.shape[1]) for at in order if size[at] >= 0]


def _influence(record: Record, chosen: Sequence[tuple[int, int]]) -> list[Row]:
    """Return the influence of each pair (example, target) with its interval."""
    names = ("influence", "influence low", "influence high")
    if len(record.runs) < 2:
        return [dict.fromkeys(names) for _ in chosen]
    sizes: dict[tuple[int, int], list[float]] = {}
    for part, *arrays in pairs(influence, record, np.unique([target for _, target in chosen])):
        place = {int(target): column for column, target in enumerate(part)}
        for example, target in chosen:
            if target in place:
                sizes[example, target] = [float(array[example, place[target]]) for array in arrays]
    return [
        {name: None if np.isnan(size) else size for name, size in zip(names, sizes[pair], strict=True)}
        for pair in chosen
    ]
