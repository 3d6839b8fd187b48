"""Overview: the main numbers of what is open, the same as on its own page."""

from typing import Any

import numpy as np

from byrote.errors import MissingEvidence
from byrote.evidence.outcomes import read_outcomes
from byrote.findings.accuracy import read_accuracies
from byrote.findings.language import LanguageFindings
from byrote.findings.memorized import mean_memorization
from byrote.findings.vocabulary import read_vocabulary
from byrote.record import Record
from byrote.report.language_page import language_tiles
from byrote.report.language_sentences import language_sentences
from byrote.report.sections.summary import tiles
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.viewer.opening import Opened


def listed(opened: Opened) -> dict[str, Any]:
    """Return what stands in the overview of one thing before its numbers are known."""
    verdict = opened.verdict
    return {
        "number": opened.number,
        "kind": opened.kind,
        "name": opened.name,
        "directory": str(opened.directory),
        "page": bool(opened.page),
        "parts": list(opened.parts),
        "whole": opened.whole,
        "sentences": [] if verdict is None else list(verdict.sentences),
    }


def audit_numbers(record: Record) -> dict[str, Any]:
    """Return the main numbers of an audit: those in large type at the top of its report."""
    if not record.runs:
        return {"about": "No run is finished yet.", "tiles": []}
    words, train = read_vocabulary(record), record.population.where("train")
    about = f"{len(record.runs)} runs, {int(train.sum()):,} training examples, {record.objective.name}"
    shown = tiles(read_accuracies(record, is_share=words.is_share), _mean(record), words)
    return {
        "about": about,
        "tiles": [
            {"name": each.name, "value": each.value, "range": each.interval, "note": each.note or each.reason}
            for each in shown
        ],
    }


def language_numbers(found: LanguageFindings) -> dict[str, Any]:
    """Return the main numbers of a language audit, and its sentences."""
    return {"about": "language audit", "tiles": language_tiles(found), "sentences": language_sentences(found)}


def _mean(record: Record) -> Estimate | NotMeasured:
    train = np.flatnonzero(record.population.where("train"))
    try:
        outcomes = read_outcomes(record, positions=train)
    except MissingEvidence as error:
        return NotMeasured.because(error)
    found = mean_memorization(outcomes.correct, outcomes.member)
    if np.isnan(found.value):
        return NotMeasured("No training example was in the training set of some runs and left out of others.")
    return found
