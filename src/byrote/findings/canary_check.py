"""The thermometer: how memorized each kind of canary is, and how well each score finds the wrong labels that were planted."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from byrote.errors import MissingEvidence, Unsupported
from byrote.evidence.columns import Read
from byrote.evidence.evaluate import LEVEL, Values, evaluate
from byrote.findings.evaluated_scores import Panel, toward_memorized
from byrote.record import Population, Record
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.summaries import auroc, precision_at_k


@dataclass(frozen=True)
class CanaryKind:
    """One kind of canary: how often models are right about it when trained on it, when not, and the difference.

    `inside` and `outside` are shares of right answers, over all canaries and runs; `memorization` is the mean over
    the canaries, with Student's interval over them: 1 is known by rote, 0 is what anyone would have known.
    """

    kind: str
    count: int
    inside: Estimate
    outside: Estimate
    memorization: Estimate


@dataclass(frozen=True)
class Detection:
    """How well one score finds the mislabeled canaries among real training examples.

    `auroc`: chance that a planted one ranks above a real one (1 is perfect, .5 is a coin). `precision`: share of
    planted ones in a list as long as there are planted ones; real label errors count against it. `one_run` is the AUROC of
    the first run alone (None: the score compares runs). `left_out` had no value.
    """

    score: str
    auroc: Estimate
    precision: Estimate
    one_run: Estimate | None
    left_out: int


def read_kinds(
    population: Population, correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"], values: Values
) -> tuple[CanaryKind, ...]:
    """Return one entry per kind of canary in the record, in alphabetical order."""
    kinds = sorted({str(kind) for kind in population.canary} - {""})
    return tuple(_kind(kind, population.canary == kind, correct, member, values) for kind in kinds)


def read_detection(record: Record, panel: Panel, read: Read | None = None) -> tuple[Detection, ...] | NotMeasured:
    """Return one entry per score that has values, in the panel's order; `read` reads in place of the record."""
    planted = record.population.canary == "mislabeled"
    real = record.population.where("train")
    if not planted.any():
        return NotMeasured(
            "No wrong labels were planted, so nothing says how well this audit would find one. "
            "Collect again with mislabeled canaries."
        )
    found: list[Detection] = []
    for name, values in panel.values.items():
        turned = toward_memorized(values)
        usable = (planted | real) & ~np.isnan(turned)
        count = int((planted & usable).sum())
        try:
            area = auroc(turned[usable], planted[usable], level=LEVEL)
            precision = precision_at_k(turned[usable], planted[usable], k=count, level=LEVEL)
        except Unsupported:
            continue
        left_out = int(((planted | real) & ~usable).sum())
        found.append(Detection(name, area, precision, _one_run(record, values, planted, real, read), left_out))
    return tuple(found) or NotMeasured("No score has values for planted and for real examples.")


def _one_run(
    record: Record,
    values: Values,
    planted: Bool[ndarray, " example"],
    real: Bool[ndarray, " example"],
    read: Read | None,
) -> Estimate | None:
    if "run" in values.score.axes:
        return None
    try:
        turned = toward_memorized(evaluate(values.score, record, runs=record.runs[:1], read=read))
        usable = (planted | real) & ~np.isnan(turned)
        return auroc(turned[usable], planted[usable], level=LEVEL)
    except (Unsupported, MissingEvidence):
        return None


def _kind(
    kind: str,
    mine: Bool[ndarray, " example"],
    correct: Bool[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    values: Values,
) -> CanaryKind:
    right, trained = correct[:, mine], member[:, mine]
    memorized = values.value[mine]
    memorized = memorized[np.isfinite(memorized)]
    return CanaryKind(
        kind=kind,
        count=int(mine.sum()),
        inside=_share(right[trained]),
        outside=_share(right[~trained]),
        memorization=Estimate.of_mean(memorized, "canary", level=LEVEL).within(-1.0, 1.0),
    )


def _share(right: Bool[ndarray, " answer"]) -> Estimate:
    return Estimate.of_share(right.sum(), len(right), "answer", level=LEVEL)
