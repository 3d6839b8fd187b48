"""Which score "memorization" stands for in a report, in one sentence, as the terminal and the page show it."""

from byrote.findings.findings import Findings
from byrote.scores import shrunk_memorization
from byrote.stats.not_measured import NotMeasured


def estimator_text(name: str) -> str:
    """Return what the values of this score are."""
    if name == str(shrunk_memorization):
        how = "the accuracy of models trained on an example minus that of the others, moved towards the mean of similar examples, the more the fewer runs there are"
        return f"Memorization is estimated by {name}: {how}."
    return "Memorization is the plain difference between models trained on an example and the others; with few runs, part of it is chance."


def estimator_sentence(found: Findings) -> list[str]:
    """Return the sentence for what was measured; nothing where memorization was not."""
    return [] if isinstance(found.memorized, NotMeasured) else [estimator_text(found.memorized.estimator)]
