"""Measures: what a comparison measures in each run of each arm, so that arms can be compared run by run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import MissingEvidence, WrongRecord
from byrote.evidence.columns import per_run
from byrote.record import Record
from byrote.scores import csl
from byrote.summaries import tpr_at_fpr

HARD = 0.1
"""The hard examples: this share of them."""

RATE = 0.01
"""The false-positive rate at which leakage is measured."""

BINS = 15
"""Bins of the calibration error, each with as many examples."""

KINDS = ("mislabeled", "ordinary", "noise", "ambiguous")


@dataclass(frozen=True)
class Measure:
    """One number per run: its name in rows, its words, which end is good (`""`: neither), and how it is written.

    `share`: it is an accuracy or a difference of two, shown in percent where the objective's are.
    """

    name: str
    title: str
    good: Literal["low", "high", ""] = "low"
    share: bool = False


MEASURES = (
    Measure("memorization", "memorization: mean over training examples (the generalization gap)"),
    Measure("tail", "memorization of the hardest tenth of the training examples"),
    Measure("mislabeled", "memorization of planted wrong labels"),
    Measure("ordinary", "memorization of ordinary canaries"),
    Measure("noise", "memorization of planted noise"),
    Measure("ambiguous", "memorization of planted blends of two examples"),
    Measure("mislabeled probability", "the same for wrong labels, in the probability of the label"),
    Measure("ordinary probability", "the same for ordinary canaries, in the probability of the label"),
    Measure("noise probability", "the same for noise, in the probability of the label"),
    Measure("ambiguous probability", "the same for blends, in the probability of the label"),
    Measure("wrong labels fitted", "planted wrong labels that are predicted after training on them", "low", share=True),
    Measure("leakage", "members found by their loss at a false-positive rate of 1 %"),
    Measure("accuracy", "accuracy on the test examples", "high", share=True),
    Measure("worst class", "accuracy on the class that is worst in a run", "high", share=True),
    Measure("hard tests", "accuracy on the hard tenth of the test examples", "high", share=True),
    Measure("calibration error", "distance of the confidence from the accuracy (root mean square)"),
    Measure("cost", "time per run"),
)
"""What is measured; `cost` is in seconds here, and relative to the unchanged task where arms are compared."""

Values = Mapping[str, Float[ndarray, " run"]]
"""One value per run for each measure; NaN where it cannot be measured."""


@dataclass(frozen=True, eq=False)
class Hard:
    """Which examples count as hard in each run, chosen by the other runs of the unchanged task: `[run, example]`.

    The run that is measured has no part in the choice: an example is hard by chance too, and would be found easier later.
    """

    train: Bool[ndarray, "run example"]
    test: Bool[ndarray, "run example"]


def measured(record: Record, runs: Sequence[int], hard: Hard, counted: Bool[ndarray, " example"]) -> Values:
    """Return all MEASURES of these runs of one arm, over the examples that are `counted`."""
    population = record.population
    train, test = population.where("train") & counted, population.where("test") & counted
    found: dict[str, list[float]] = {each.name: [] for each in MEASURES}
    seconds = record.seconds()
    for run in runs:
        member, right = record.member(run), _column(record, run, record.objective.outcome)
        probability = _column(record, run, "confidence")
        row = {
            "memorization": gap(right, member, train),
            "tail": gap(right, member, train & hard.train[run]),
            "wrong labels fitted": _mean(right[(population.canary == "mislabeled") & member]),
            "leakage": leakage(-_column(record, run, "loss")[train], member[train]),
            "accuracy": _mean(right[test] if test.any() else right[train & ~member]),
            "worst class": _worst(record, right, test),
            "hard tests": _mean(right[test & hard.test[run]]),
            "calibration error": _calibration(record, run, test if test.any() else train & ~member),
            "cost": seconds.get(run, np.nan),
        }
        for kind in KINDS:
            of_kind = (population.canary == kind) & counted
            row |= {kind: gap(right, member, of_kind), f"{kind} probability": gap(probability, member, of_kind)}
        for name, value in row.items():
            found[name].append(value)
    return {name: np.array(values, np.float64) for name, values in found.items()}


def hard_examples(record: Record) -> Hard:
    """Return the hard examples of each run of the unchanged task: hard in its other runs.

    Of the training examples those with the largest loss over training, in the mean over the runs that they were trained in
    (their losses in runs that left them out are what memorization is measured with). Of the test examples those that are
    right least often; of equals, those with the largest loss.
    """
    population, runs = record.population, record.runs
    train, test = np.flatnonzero(population.where("train")), np.flatnonzero(population.where("test"))
    try:
        during = np.stack([values[train] for _, values in per_run(csl, record, runs)])
    except MissingEvidence:
        during = np.full((len(runs), len(train)), np.nan)
    right = np.stack([_column(record, run, record.objective.outcome)[test] for run in runs])
    loss = np.stack([_column(record, run, "loss")[test] for run in runs])
    found = Hard(*(np.zeros((max(runs) + 1, len(population)), np.bool_) for _ in range(2)))
    for at, run in enumerate(runs):
        found.train[run, train[_hardest(without(during, at))]] = True
        found.test[run, test[_hardest(without(loss, at), -without(right, at))]] = True
    return found


def gap(right: Shaped[ndarray, " example"], member: Bool[ndarray, " example"], of: Bool[ndarray, " example"]) -> float:
    """Return the mean over members minus that over the others, among the examples `of`; NaN where there are none of either."""
    return _mean(right[of & member]) - _mean(right[of & ~member])


def leakage(values: Float[ndarray, " example"], member: Bool[ndarray, " example"]) -> float:
    """Return the share of members found at a false-positive rate of RATE by a value that is high for members.

    NaN without members, with a value that is NaN, and with fewer than 1 / RATE others.
    """
    if not member.any() or np.isnan(values).any() or (~member).sum() * RATE < 1:
        return float("nan")
    return tpr_at_fpr(values, member, fpr=RATE).tpr.value


def calibration_error(confidence: Float[ndarray, " example"], right: Bool[ndarray, " example"]) -> float:
    """Return the root of the mean squared distance of confidence from accuracy, without the bias of small bins: 0 is calibrated.

    In BINS bins of as many examples, in the order of the confidence: the squared distance of mean confidence and accuracy,
    minus the variance of that accuracy (Kumar, Liang & Ma, 2019, arXiv:1909.10155, definition 3.5); 0 where that is negative.
    NaN below two examples per bin.
    """
    if len(right) < 2 * BINS:
        return float("nan")
    order, total = np.argsort(confidence, kind="stable"), 0.0
    for part in np.array_split(order, BINS):
        accuracy = right[part].mean()
        squared = (confidence[part].mean() - accuracy) ** 2 - accuracy * (1 - accuracy) / (len(part) - 1)
        total += len(part) / len(right) * squared
    return float(np.sqrt(max(total, 0.0)))


def without(values: Float[ndarray, "run example"], run: int) -> Float[ndarray, " example"]:
    """Return the mean over the other runs; NaN where none of them has a value."""
    others = np.delete(values, run, axis=0)
    known = ~np.isnan(others)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, others, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def same_examples(records: Sequence[Record]) -> None:
    """Raise WrongRecord unless the records have the same examples in the same order."""
    for record in records[1:]:
        if not np.array_equal(record.population.ids, records[0].population.ids):
            raise WrongRecord(
                f"{record.directory} has other examples than {records[0].directory}, so they cannot be compared example by example."
            )


def _hardest(*keys: Float[ndarray, " example"]) -> Int[ndarray, " hard"]:
    """Return the positions of the hardest, by the last key and then by those before it; none where it is undefined."""
    known = np.flatnonzero(np.all([~np.isnan(key) for key in keys], axis=0))
    count = round(HARD * len(known))
    return known[np.lexsort([-key[known] for key in keys])[:count]]


def _worst(record: Record, right: NDArray[np.float64], test: Bool[ndarray, " example"]) -> float:
    if record.objective.name != "classification" or not test.any():
        return float("nan")
    labels = record.population.labels
    return min(_mean(right[test & (labels == label)]) for label in np.unique(labels[test]))


def _calibration(record: Record, run: int, of: Bool[ndarray, " example"]) -> float:
    """Return the calibration error of the predicted classes, whose probability follows from the label's and the margin."""
    confidence, margin = (_column(record, run, name)[of] for name in ("confidence", "margin"))
    if record.objective.name != "classification" or np.isnan(confidence).any() or not len(confidence):
        return float("nan")
    with np.errstate(over="ignore", invalid="ignore"):
        top = np.clip(confidence * np.exp(np.maximum(-margin, 0.0)), 0.0, 1.0)
    top = np.where(confidence > 0, top, 1.0)  # the label has no probability left: another class has it all
    return calibration_error(top, _column(record, run, "correct")[of] > 0)


def _column(record: Record, run: int, name: str) -> NDArray[np.float64]:
    if name not in record.layout.columns:
        return np.full(len(record.population), np.nan)
    return record.at_step(run, name, record.last_step).astype(np.float64)


def _mean(values: Shaped[ndarray, " example"]) -> float:
    return float(values.mean()) if len(values) else float("nan")
