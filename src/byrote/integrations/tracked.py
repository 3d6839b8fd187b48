"""What a tracker gets of an audit: its settings, its numbers with their intervals, and what changed from epoch to epoch."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from byrote.evidence.cached_reads import read_once
from byrote.evidence.evaluate import LEVEL
from byrote.findings.accuracy import Accuracies
from byrote.findings.findings import Findings
from byrote.findings.memorized import MemorizationSummary
from byrote.membership.attacks import RATES, Membership
from byrote.record import Record
from byrote.report import findings, read_panel, sentences, write_report
from byrote.report.rows import read_curves
from byrote.report.settings import settings
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.training.progress import Progress

Numbers = Mapping[str, float]
Curve = Mapping[int, float]

SENSOR = re.compile(r"canary_(?:(?P<kind>.+)/)?(?P<column>.+)_in")
"""Scalars that are means over the canaries that a run was trained on; those over the others end in `_out`."""


@dataclass(frozen=True)
class Tracked:
    """What is logged of one audit. Undefined numbers, and ends that are infinite, are left out.

    `numbers` are those of the report, each as `name`, and its 90 % interval as `name_low` and `name_high`. `curves` have a
    value per step, means over runs with the same ends. `sentences` is the verdict. Names have no spaces: letters, digits
    and `_ - . /`, with what belongs together before the slash.
    """

    name: str
    runs: int
    settings: Mapping[str, str]
    numbers: Numbers
    curves: Mapping[str, Curve]
    sentences: tuple[str, ...]


def tracked(record: Record) -> Tracked:
    """Return what is logged of a record, and write its report where it has none. Raises MissingEvidence without a run."""
    read = read_once(record)
    panel = read_panel(record, read)
    found = findings(record, panel=panel, read=read)
    if not (record.directory / "report.html").exists():
        write_report(record, panel=panel, found=found)
    tables = settings(record, found)
    return Tracked(
        name=found.name,
        runs=found.runs,
        settings={slug(f"{table.title}/{name}"): value for table in tables for name, value in table.rows},
        numbers=_numbers(found),
        curves=_curves(record, found),
        sentences=tuple(sentences(found)),
    )


def live(now: Progress) -> Numbers:
    """Return how well memorization is known while runs are trained: standard error and reliability; empty where it is not."""
    if now.certainty is None:
        return {}
    error = {"memorization/median_standard_error": now.certainty.error}
    return _finite({**error, **_cells("memorization/reliability", now.certainty.reliability)})


def slug(name: str) -> str:
    """Return a name that trackers take: `R² (mean)` becomes `R2_mean`."""
    plain = unicodedata.normalize("NFKD", name)
    return "/".join(re.sub(r"[^A-Za-z0-9.\-]+", "_", part).strip("_") for part in plain.split("/"))


def _numbers(found: Findings) -> Numbers:
    counts = {"runs": found.runs, "training examples": found.train, "test examples": found.test}
    known = {slug(f"audit/{name}"): float(count) for name, count in counts.items()}
    known |= _of_accuracies(found.accuracies, found.words.right)
    if not isinstance(found.memorized, NotMeasured):
        known |= _of_memorized(found.memorized)
    if not isinstance(found.kinds, NotMeasured):
        for kind in found.kinds:
            known |= _cells(f"canaries/{kind.estimator} of {kind.kind}", kind.memorization)
    if not isinstance(found.detection, NotMeasured):
        for each in found.detection:
            known |= _cells(f"{found.words.wrong_target}s found/AUROC by {each.score}", each.auroc)
            known |= _cells(f"{found.words.wrong_target}s found/AUROC by {each.score} in one run", each.one_run)
    if not isinstance(found.membership, NotMeasured):
        known |= _of_membership(found.membership)
    return _finite(known)


def _of_accuracies(found: Accuracies, right: str) -> Numbers:
    return {
        **_cells(f"{right}/trained on", found.learned),
        **_cells(f"{right}/held out", found.held_out),
        **_cells(f"{right}/test", found.tested),
        **_cells(f"{right}/generalization gap", found.gap),
    }


def _of_memorized(found: MemorizationSummary) -> Numbers:
    known = dict(_cells("memorization/mean", found.mean))
    for each in found.above:
        known |= _cells(f"memorization/share above {each.threshold:g}", each.share)
    known |= _cells("memorization/reliability", found.reliability)
    listed = {"memorization/median_standard_error": found.error, "memorization/listed_examples": float(found.listed)}
    return known | listed


def _of_membership(found: Membership) -> Numbers:
    known: dict[str, float] = {}
    for attack in found.attacks:
        known |= _cells(f"membership/AUROC of {attack.name}", attack.auroc)
        for rate, at in zip(RATES, attack.at, strict=True):
            if not isinstance(at, NotMeasured):
                known |= _cells(f"membership/found by {attack.name} at FPR {rate:g}", at.tpr)
    if not isinstance(found.shuffled, NotMeasured):
        known[slug(f"membership/found with membership shuffled at FPR {RATES[0]:g}")] = found.shuffled
    return {**known, **_cells("membership/AUROC without a model", found.blind)}


def _curves(record: Record, found: Findings) -> Mapping[str, Curve]:
    """Return the learning curves of the report, the memorization of canaries, and the numbers that each run recorded."""
    curves: dict[str, Curve] = {}
    learning = read_curves(record, is_share=found.words.is_share)
    for each in () if isinstance(learning, NotMeasured) else learning:
        name = slug(f"by epoch/{found.words.right} on {each.name}")
        curves[name] = {point.step: point.value for point in each.points}
        curves[f"{name}_low"] = {point.step: point.low for point in each.points if point.low is not None}
        curves[f"{name}_high"] = {point.step: point.high for point in each.points if point.high is not None}
    recorded = {name: np.array([record.scalar(run, name) for run in record.runs]) for name in record.scalars}
    for name, values in recorded.items():
        curves |= _over_steps(f"by epoch/{name.replace('/', ' ')}", values)
        sensor, others = SENSOR.fullmatch(name), recorded.get(f"{name.removesuffix('_in')}_out")
        if sensor and others is not None and sensor["column"] in (record.objective.outcome, "confidence"):
            of = f" of {sensor['kind']}" if sensor["kind"] else ""
            by = "" if sensor["column"] == record.objective.outcome else f" by {sensor['column']}"
            curves |= _over_steps(f"by epoch/memorization of canaries{of}{by}", values - others)
    return {name: curve for name, curve in curves.items() if curve}


def _over_steps(name: str, values: np.ndarray) -> Mapping[str, Curve]:
    """Return means over runs, and their ends, for values `[run, step]`; no ends for what is the same in all runs."""
    if (values == values[:1]).all():
        return {slug(name): {step: float(value) for step, value in enumerate(values[0], 1)}}
    steps = [_finite(_cells(name, Estimate.of_mean(of_step, "run", level=LEVEL))) for of_step in values.T]
    names: Iterable[str] = dict.fromkeys(key for each in steps for key in each)
    return {key: {step: each[key] for step, each in enumerate(steps, 1) if key in each} for key in names}


def _cells(name: str, size: Estimate | NotMeasured) -> Numbers:
    """Return a number and its ends by their names; none where it was not measured."""
    if isinstance(size, NotMeasured):
        return {}
    return {slug(key): value for key, value in size.cells(name).items() if value is not None}


def _finite(known: Numbers) -> Numbers:
    return {name: float(value) for name, value in known.items() if np.isfinite(value)}
