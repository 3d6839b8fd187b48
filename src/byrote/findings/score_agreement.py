"""Agreement of scores: does a score of one run rank the examples as memorization does, on this problem?"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from byrote.errors import Unsupported
from byrote.evidence.evaluate import LEVEL
from byrote.findings.evaluated_scores import Panel, toward_memorized
from byrote.record import Record
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.summaries import spearman, top_overlap
from byrote.summaries.agreement import correlation_of_ranks

TOP = 0.1
"""Share of the examples that are compared for the overlap."""


@dataclass(frozen=True)
class ScorePair:
    """Two scores, both turned so that high means memorized or hard, over the real training examples.

    `rank` is Spearman's correlation (1 orders alike, 0 is unrelated); `overlap` the share of one's top tenth that
    is in the other's (TOP is chance).
    """

    first: str
    second: str
    rank: Estimate
    overlap: Estimate | NotMeasured


@dataclass(frozen=True)
class ScoreAgreement:
    """All pairs of `scores`, which are those with values; `top` examples are compared for the overlap."""

    scores: tuple[str, ...]
    pairs: tuple[ScorePair, ...]
    top: int


def read_agreement(record: Record, panel: Panel) -> ScoreAgreement | NotMeasured:
    """Return the agreement of every two scores over the real training examples."""
    train = record.population.where("train")
    turned = {name: toward_memorized(values)[train] for name, values in panel.values.items()}
    turned = {name: values for name, values in turned.items() if not np.isnan(values).all()}
    if len(turned) < 2:
        return NotMeasured("Fewer than two scores have values.")
    top = max(1, round(TOP * int(train.sum())))
    ranks = {name: rankdata(values) for name, values in turned.items() if not np.isnan(values).any()}
    names, pairs = tuple(turned), list[ScorePair]()
    for i, first in enumerate(names):
        for second in names[:i]:
            a, b = turned[first], turned[second]
            try:
                overlap = top_overlap(a, b, k=top, level=LEVEL)
            except Unsupported as error:
                overlap = NotMeasured.because(error)
            ranked = first in ranks and second in ranks
            rank = (
                correlation_of_ranks(ranks[first], ranks[second], level=LEVEL)
                if ranked
                else spearman(a, b, level=LEVEL)
            )
            pairs.append(ScorePair(first, second, rank, overlap))
    return ScoreAgreement(names, tuple(pairs), top)
