"""How it was learned: accuracy over training, of real examples and of canaries."""

from collections.abc import Sequence
from dataclasses import dataclass

from byrote.findings.accuracy import ClassAccuracy
from byrote.findings.findings import Findings
from byrote.findings.vocabulary import Vocabulary
from byrote.record import Record
from byrote.report.charts import COLOURS, Chart, curves
from byrote.report.rows import Curve, read_curves
from byrote.report.sections.section import Section
from byrote.stats.not_measured import NotMeasured

REAL_COLOURS = (COLOURS["real"], COLOURS["test"], "var(--muted)")


@dataclass(frozen=True)
class Learning:
    """The learning curves (None where there are no such examples, or no epochs), and the accuracy of each class."""

    real: Chart | None
    canaries: Chart | None
    classes: tuple[ClassAccuracy, ...]


def read_learning(record: Record, findings: Findings) -> Section:
    """Return the learning curves, or why there are none."""
    words = findings.words
    found = read_curves(record, is_share=words.is_share)
    in_one_call = findings.unit == "fit"
    if in_one_call and not findings.accuracies.classes:
        found = NotMeasured("Each run was trained in one call, so nothing was measured while it learned.")
    if isinstance(found, NotMeasured):
        return Section("learning", "How it was learned", "How it was learned", found)
    shown = () if in_one_call else found
    real = [each for each in shown if not each.kind]
    planted = [each for each in shown if each.kind]
    content = Learning(_real(real, words), _canaries(planted, words), findings.accuracies.classes)
    charts = tuple(chart for chart in (content.real, content.canaries) if chart is not None)
    return Section("learning", "How it was learned", "How it was learned", content, charts)


def _real(found: Sequence[Curve], words: Vocabulary) -> Chart | None:
    if not found:
        return None
    colours = dict(zip((each.name for each in found), REAL_COLOURS, strict=False))
    about = f"{words.heading} on real examples over training"
    return curves("curves", found, colours, words, description=about)


def _canaries(found: Sequence[Curve], words: Vocabulary) -> Chart | None:
    if not found:
        return None
    colours = {each.name: COLOURS.get(each.kind, "var(--muted)") for each in found}
    about = f"{words.heading} on canaries over training"
    return curves("canary-curves", found, colours, words, description=about)
