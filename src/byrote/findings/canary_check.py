"""Canary check: how memorized each kind of canary is, and how well each score finds the wrong labels that were planted."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Shaped
from numpy import ndarray

from byrote.errors import MissingEvidence, Remedy, Unsupported
from byrote.evidence.columns import Read
from byrote.evidence.evaluate import LEVEL, Values, evaluate
from byrote.findings.evaluated_scores import Panel, toward_memorized
from byrote.findings.vocabulary import read_vocabulary
from byrote.record import Population, Record
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.summaries import auroc, precision_at_k


@dataclass(frozen=True)
class CanaryKind:
    """One kind of canary: how often models are right about it when trained on it, when not, and its memorization.

    `correct_in` and `correct_out` are means over all canaries and the runs that were, and were not, trained on them (1 is
    always right). `memorization` is the mean over the canaries, with Student's interval over them: 1 is known by rote, 0 is
    learned from other examples. `estimator` names the score that it is the mean of.
    """

    kind: str
    count: int
    correct_in: Estimate
    correct_out: Estimate
    memorization: Estimate
    estimator: str


@dataclass(frozen=True)
class Detection:
    """How well one score finds the mislabeled canaries among real training examples.

    `auroc`: chance that a planted one ranks above a real one (1 is perfect, .5 is chance). `precision`: share of planted ones
    among as many first ranks as there are planted ones; real label errors count against it. `one_run` is the AUROC of the
    first run alone. `left_out` examples have no value.
    """

    score: str
    auroc: Estimate | NotMeasured
    precision: Estimate | NotMeasured
    one_run: Estimate | NotMeasured
    left_out: int


def read_kinds(
    population: Population,
    correct: Shaped[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    values: Values,
    *,
    is_share: bool = True,
) -> tuple[CanaryKind, ...]:
    """Return one entry per kind of canary in the record, in alphabetical order; `is_share`: memorization lies in [-1, 1]."""
    kinds = sorted({str(kind) for kind in population.canary} - {""})
    return tuple(_kind(kind, population.canary == kind, correct, member, values, is_share) for kind in kinds)


def read_detection(record: Record, panel: Panel, read: Read | None = None) -> tuple[Detection, ...] | NotMeasured:
    """Return one entry per score that has values, in the panel's order; `read` reads in place of the record."""
    planted = record.population.canary == "mislabeled"
    real = record.population.where("train")
    if not planted.any():
        return NotMeasured(
            f"No {read_vocabulary(record).wrong_target}s were planted, so it is unknown how well this audit finds one.",
            Remedy("canaries", "mislabeled=50", record.door),
        )
    found = tuple(_detect(record, name, values, planted, real, read) for name, values in panel.values.items())
    if all(isinstance(each.auroc, NotMeasured) for each in found):
        return NotMeasured("No score has values for planted and for real examples.")
    return found


def _detect(
    record: Record,
    name: str,
    values: Values,
    planted: Bool[ndarray, " example"],
    real: Bool[ndarray, " example"],
    read: Read | None,
) -> Detection:
    turned = toward_memorized(values)
    usable = (planted | real) & ~np.isnan(turned)
    left_out = int(((planted | real) & ~usable).sum())
    try:
        area = auroc(turned[usable], planted[usable], level=LEVEL)
        count = int((planted & usable).sum())
        precision = precision_at_k(turned[usable], planted[usable], k=count, level=LEVEL)
    except Unsupported as error:
        reason = NotMeasured.because(error)
        return Detection(name, reason, reason, reason, left_out)
    return Detection(name, area, precision, _one_run(record, values, planted, real, read), left_out)


def _one_run(
    record: Record,
    values: Values,
    planted: Bool[ndarray, " example"],
    real: Bool[ndarray, " example"],
    read: Read | None,
) -> Estimate | NotMeasured:
    if "run" in values.score.axes:
        return NotMeasured("It compares runs, so it needs several.")
    try:
        turned = toward_memorized(evaluate(values.score, record, runs=record.runs[:1], read=read))
        usable = (planted | real) & ~np.isnan(turned)
        return auroc(turned[usable], planted[usable], level=LEVEL)
    except (Unsupported, MissingEvidence) as error:
        return NotMeasured.because(error)


def _kind(
    kind: str,
    of_kind: Bool[ndarray, " example"],
    correct: Shaped[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    values: Values,
    is_share: bool,
) -> CanaryKind:
    right, trained = correct[:, of_kind], member[:, of_kind]
    memorized = values.value[of_kind]
    memorized = Estimate.of_mean(memorized[np.isfinite(memorized)], "canary", level=LEVEL)
    return CanaryKind(
        kind=kind,
        count=int(of_kind.sum()),
        correct_in=_mean(right[trained]),
        correct_out=_mean(right[~trained]),
        memorization=memorized.within(-1.0, 1.0) if is_share else memorized,
        estimator=str(values.score),
    )


def _mean(right: Shaped[ndarray, " prediction"]) -> Estimate:
    if right.dtype == np.bool_:
        return Estimate.of_share(int(right.sum()), len(right), "prediction", level=LEVEL)
    return Estimate.of_mean(right, "prediction", level=LEVEL)
