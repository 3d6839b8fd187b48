"""Test examples that depend on memorized ones, by influence, and attribution by gradients as a proxy of it."""

from dataclasses import dataclass

from byrote.explain import Dependences
from byrote.findings.attributed import Attributed, read_attributed
from byrote.record import Record
from byrote.report.examples import ExplainedExamples
from byrote.report.gallery import pair_items
from byrote.report.pictures import Album
from byrote.report.sections.section import Section
from byrote.stats.not_measured import NotMeasured

PAIRS = 24
"""Pairs on the page at most."""


@dataclass(frozen=True)
class InfluencePairs:
    """Pairs among `every` pair, and among those that look `alike`; the `shown` strongest are drawn by the script."""

    every: Dependences
    alike: Dependences
    shown: int
    compared: bool


@dataclass(frozen=True)
class Dependents:
    """Influence, or why it was not measured, and the attributions that are kept beside the record."""

    influence: InfluencePairs | NotMeasured
    attributed: Attributed
    runs: int


def read_dependents(record: Record, examples: ExplainedExamples | NotMeasured, album: Album) -> Section:
    """Return the pairs and the kept attributions; the pictures of the pairs enter the album."""
    items: list[dict[str, object]] = []
    influence: InfluencePairs | NotMeasured
    if not record.population.where("test").any():
        influence = NotMeasured("This record has no test examples.")
    elif isinstance(examples, NotMeasured):
        influence = examples
    else:
        items = pair_items(record, examples.pairs.pairs[:PAIRS], album)
        influence = InfluencePairs(examples.every_pair, examples.pairs, len(items), examples.compared)
    content = Dependents(influence, read_attributed(record), len(record.runs))
    title = "Test examples that depend on memorized examples"
    return Section("pairs", "What depends on them", title, content, data={"pairs": items})
