"""The verdict: the sentences, the most important numbers, and what the audit consisted of."""

from dataclasses import dataclass

from byrote.findings.accuracy import Accuracies
from byrote.findings.findings import Findings
from byrote.findings.vocabulary import Vocabulary
from byrote.report.numbers import behind, count, right, right_range
from byrote.report.sections.section import Section
from byrote.report.verdict import Verdict
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured


@dataclass(frozen=True)
class Tile:
    """One number in large type: its name, the number, its interval, and a note; or why it was not measured."""

    name: str
    value: str
    interval: str
    note: str
    reason: str = ""


@dataclass(frozen=True)
class Summary:
    """What the audit consisted of, its verdict and its most important numbers."""

    audit: tuple[str, ...]
    sentences: tuple[str, ...]
    tiles: tuple[Tile, ...]


def read_summary(found: Findings, verdict: Verdict) -> Section:
    """Return the first section of the page."""
    planted = sum(found.planted.values())
    audit = (
        found.name,
        count(found.runs, "run") + ("" if found.unit == "fit" else f" of {count(found.steps, found.unit)}"),
        f"{count(found.train, 'training example')}",
        f"{count(found.test, 'test example')}",
        *((count(planted, "canary").replace("canarys", "canaries"),) if planted else ()),
    )
    sentences = tuple(verdict.sentences)
    memorized = found.memorized
    mean = memorized if isinstance(memorized, NotMeasured) else memorized.mean
    return Section(
        "verdict", "Verdict", sentences[0], Summary(audit, sentences, tiles(found.accuracies, mean, found.words))
    )


def tiles(numbers: Accuracies, mean: Estimate | NotMeasured, words: Vocabulary) -> tuple[Tile, ...]:
    """Return the most important numbers of an audit: its accuracies, and the `mean` memorization of a training example."""
    during = ", measured during training" if numbers.seen_only else ""
    return (
        _tile("Trained on", numbers.learned, f"{words.right} on examples that a model was trained on{during}", words),
        _tile("Held out", numbers.held_out, f"{words.right} on training examples that it was not trained on", words),
        _tile("Test", numbers.tested, f"{words.right} on the test set", words),
        _tile(
            "Mean memorization",
            mean,
            "mean over training examples; the gap is a mean over runs, so its interval differs",
            words,
        ),
    )


def _tile(name: str, size: Estimate | NotMeasured, note: str, words: Vocabulary) -> Tile:
    if isinstance(size, NotMeasured):
        return Tile(name, "", "", "", size.reason)
    return Tile(name, right(size.value, words), right_range(size, words), f"{note}; {behind(size)}")
