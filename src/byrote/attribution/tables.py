"""What an attribution says, as rows of plain values and as one sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from byrote.attribution.agreement import COMPARED
from byrote.attribution.kept import About, Attribution
from byrote.evidence.evaluate import pairs
from byrote.record import Record
from byrote.scores import influence

Row = dict[str, Any]


def attribution_rows(record: Record, found: Attribution, *, top: int = 20) -> list[Row]:
    """Return the pairs of a training example and a target with the largest values, of either sign: below 0 it harms.

    Beside each stands the pair's influence from the record's runs with the ends of its interval; None where the runs
    cannot tell.
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
    """Return how far the attribution agrees with retraining, in sentences: as sums, pair by pair, and what that can mean."""
    name, trained = about.method, f"{len(about.runs)} run{'s' if len(about.runs) > 1 else ''}"
    proxy = "TracIn and TRAK are proxies of retraining: check what matters by leaving it out."
    if about.agreement is None:
        return (
            f"How far {name} agrees with retraining cannot be measured from {about.compared} other run{'' if about.compared == 1 else 's'} "
            f"(it takes {COMPARED} or more). {proxy}"
        )
    sums, rank, again = about.agreement.linear_datamodeling, about.agreement.spearman, about.agreement.reliability
    together = (
        f"Summed over whom a run was trained on, {name} from {trained} has a rank correlation of {sums.value:.3f} [{sums.low:.3f}, {sums.high:.3f}] with the "
        f"target's margin in {about.compared} other runs (LDS; mean over {sums.n} targets, 90 %)."
        if np.isfinite(sums.value)
        else "Margins were not recorded, so sums of it cannot be judged."
    )
    if not np.isfinite(rank.value):
        return f"{together} No target has influence from these {about.compared} runs that differs between examples, so there is nothing to hold single pairs against. {proxy}"
    said = (
        f"{together} Pair by pair it has {rank.value:.3f} [{rank.low:.3f}, {rank.high:.3f}] with influence; "
        f"influence from these runs has {again.value:.3f} [{again.low:.3f}, {again.high:.3f}] with that of as many new ones (over {again.n} targets)"
    )
    if not again.low > 0:
        return f"{said}, so pairs are mostly noise here and cannot say how good {name} is: more runs would. {proxy}"
    return f"{said}, so {np.sqrt(again.value):.2f} is about the most that anything could show here. {proxy}"


def _largest(value: Float32[ndarray, "example target"], top: int) -> list[tuple[int, int]]:
    size = np.nan_to_num(np.abs(value), nan=-1).ravel()
    first = np.argpartition(size, -min(top, size.size))[-min(top, size.size) :]
    order = first[np.lexsort((first, -size[first]))]
    return [divmod(int(at), value.shape[1]) for at in order if size[at] >= 0]


def _influence(record: Record, wanted: Sequence[tuple[int, int]]) -> list[Row]:
    """Return the influence of each pair (example, target) with its interval."""
    names = ("influence", "influence low", "influence high")
    if len(record.runs) < 2:
        return [dict.fromkeys(names) for _ in wanted]
    sizes: dict[tuple[int, int], list[float]] = {}
    for part, *arrays in pairs(influence, record, np.unique([target for _, target in wanted])):
        place = {int(target): column for column, target in enumerate(part)}
        for example, target in wanted:
            if target in place:
                sizes[example, target] = [float(array[example, place[target]]) for array in arrays]
    return [
        {name: None if np.isnan(size) else size for name, size in zip(names, sizes[pair], strict=True)}
        for pair in wanted
    ]
