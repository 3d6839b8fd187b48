"""Findings: every number that the terminal's summary and the page's verdict show, each with its interval or its reason."""

from collections.abc import Mapping
from dataclasses import dataclass

from byrote.errors import MissingEvidence
from byrote.evidence.cached_reads import read_once
from byrote.evidence.columns import Read
from byrote.evidence.outcomes import read_outcomes
from byrote.findings.accuracy import Accuracies, read_accuracies
from byrote.findings.canary_check import CanaryKind, Detection, read_detection, read_kinds
from byrote.findings.evaluated_scores import Panel, read_panel
from byrote.findings.memorized import MemorizationSummary, read_memorized
from byrote.findings.score_agreement import ScoreAgreement, read_agreement
from byrote.findings.stages import Stage, silent
from byrote.findings.vocabulary import Vocabulary, read_vocabulary
from byrote.membership.attacks import Membership, read_membership
from byrote.record import Record
from byrote.stats.not_measured import NotMeasured


@dataclass(frozen=True)
class Findings:
    """What an audit found. A part that could not be measured is NotMeasured, with the reason.

    `train` and `test` count real examples, `planted` the canaries of each kind, `runs` the finished runs, `steps` the steps of
    each, in `unit` (`epoch`, or `fit`: trained in one call). `words` are those of the objective.
    """

    name: str
    runs: int
    steps: int
    unit: str
    train: int
    test: int
    planted: Mapping[str, int]
    accuracies: Accuracies
    memorized: MemorizationSummary | NotMeasured
    kinds: tuple[CanaryKind, ...] | NotMeasured
    detection: tuple[Detection, ...] | NotMeasured
    membership: Membership | NotMeasured
    agreement: ScoreAgreement | NotMeasured
    words: Vocabulary


def findings(
    record: Record, *, panel: Panel | None = None, read: Read | None = None, stage: Stage = silent
) -> Findings:
    """Return all numbers of the report. Raises MissingEvidence without a run.

    `panel` may be passed when it is at hand, and `read` (see `read_once`) when losses are. `stage` is told what begins.
    """
    if not record.runs:
        raise MissingEvidence(
            f"{record.directory} has no finished run, so there is nothing to report. Collect some first."
        )
    read = read or read_once(record)
    panel = panel or read_panel(record, read)
    stage("accuracies and memorization")
    population, words = record.population, read_vocabulary(record)
    kinds = sorted({str(kind) for kind in population.canary} - {""})
    memorized, canaries = _memorized(record, panel)
    accuracies = read_accuracies(record, is_share=words.is_share)
    detection, agreement = read_detection(record, panel, read), read_agreement(record, panel)
    stage("membership attacks")
    return Findings(
        name=str(record.manifest.get("task", {}).get("name", "task")),
        runs=len(record.runs),
        steps=record.last_step,
        unit=str(record.manifest["steps"].get("unit", "step")),
        train=int(population.where("train").sum()),
        test=int(population.where("test").sum()),
        planted={kind: int((population.canary == kind).sum()) for kind in kinds},
        accuracies=accuracies,
        memorized=memorized,
        kinds=canaries,
        detection=detection,
        membership=read_membership(record, read),
        agreement=agreement,
        words=words,
    )


def _memorized(
    record: Record, panel: Panel
) -> tuple[MemorizationSummary | NotMeasured, tuple[CanaryKind, ...] | NotMeasured]:
    values = panel.memorization
    if isinstance(values, NotMeasured):
        return values, values
    outcomes = read_outcomes(record)
    kinds = read_kinds(
        record.population, outcomes.correct, outcomes.member, values, is_share=read_vocabulary(record).is_share
    )
    none = NotMeasured("No canaries were planted.")
    reliability = panel.certainty.reliability if panel.certainty else None
    return read_memorized(record, values, outcomes.correct, outcomes.member, reliability), kinds or none
