"""The gallery: the most memorized examples with their causes, and how well wrong labels are found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from byrote.explain import Explanation, IssueCheck, Space
from byrote.explain.causes import FEWEST_MODELS, runs_for_causes
from byrote.findings.cause_check import read_issues
from byrote.findings.vocabulary import read_vocabulary
from byrote.record import Record
from byrote.report.estimator import estimator_text
from byrote.report.examples import ExplainedExamples
from byrote.report.gallery import causes_found, gallery_items
from byrote.report.pictures import Album
from byrote.report.sections.section import Section
from byrote.stats.not_measured import NotMeasured


@dataclass(frozen=True)
class Gallery:
    """What stands around the gallery, which the script draws.

    `labels` (none in a regression and of texts) and `causes` are its filters. `most` is where the scale of memorization
    ends: at 1 where outcomes are right or wrong. `compared` says whether neighbours are known, `kind` what the data are
    (picture, table, signal, text, or empty), `estimator` which score the values are, in a sentence. `left_out` counts
    the examples whose picture, line or text did not fit, `rules` is whether the causes were checked, and `issues` how
    well label suggestions do on planted ones. `undecided` counts the examples that too few models left out to say a
    cause, and `runs_for_causes` is about how many runs would change that.
    """

    shown: int
    runs: int
    causes: list[dict[str, Any]]
    labels: tuple[str, ...]
    most: float
    compared: bool
    kind: str
    estimator: str
    left_out: int
    rules: bool
    issues: IssueCheck | NotMeasured
    undecided: int
    runs_for_causes: int


def read_gallery(record: Record, examples: ExplainedExamples | NotMeasured, album: Album, points: Space) -> Section:
    """Return the gallery, or why there is none; the pictures of its examples enter the album."""
    title = "Which examples were memorized, and why"
    if isinstance(examples, NotMeasured):
        return Section("gallery", "Which, and why", title, examples)
    models = np.array([each.out_predictions.models for each in examples.explained])
    items = gallery_items(record, examples.explained, examples.values, album)
    content = Gallery(
        shown=len(items),
        runs=len(record.runs),
        causes=causes_found(record, examples.explained),
        labels=()
        if record.objective.name in ("regression", "tokens")
        else tuple(sorted({item["label"] for item in items})),
        most=_most(record, examples),
        compared=examples.compared,
        kind=album.kind,
        estimator=estimator_text(str(examples.values.score)),
        left_out=len(album.left_out),
        rules=bool(examples.rules),
        issues=read_issues(record, points),
        undecided=_undecided(examples.explained),
        runs_for_causes=runs_for_causes(len(record.runs), float(models.mean())),
    )
    data = {"items": items, "most": content.most, "estimator": str(examples.values.score)}
    return Section("gallery", "Which, and why", title, content, data=data)


def _undecided(explained: Sequence[Explanation]) -> int:
    """Count the examples without a cause that too few models left out: a near-duplicate is one without any model."""
    return sum(each.cause == "unclear" and each.out_predictions.models < FEWEST_MODELS for each in explained)


def _most(record: Record, examples: ExplainedExamples) -> float:
    """Return 1, or the next whole number above every memorization and its interval where an outcome is no share."""
    if read_vocabulary(record).is_share:
        return 1.0
    ends = np.array([(each.memorization.value, each.memorization.high) for each in examples.explained])
    return max(1.0, float(np.ceil(np.nanmax(ends))))
