"""Scores: columns of a record -> one value per example (or per example and target)."""

from rote.scores.aum import aum as aum
from rote.scores.c_score import c_score as c_score
from rote.scores.csl import csl as csl
from rote.scores.data_map import confidence as confidence
from rote.scores.data_map import correctness as correctness
from rote.scores.data_map import variability as variability
from rote.scores.el2n import el2n as el2n
from rote.scores.forgetting import forgetting as forgetting
from rote.scores.influence import influence as influence
from rote.scores.learning_time import learning_time as learning_time
from rote.scores.loss import loss as loss
from rote.scores.mean_confidence import mean_confidence as mean_confidence
from rote.scores.memorization import memorization as memorization
from rote.scores.shrunk_memorization import shrunk_memorization as shrunk_memorization
from rote.signature import Score

SCORES: dict[str, Score] = {
    each.name: each
    for each in (
        memorization,
        shrunk_memorization,
        influence,
        c_score,
        mean_confidence,
        confidence,
        variability,
        correctness,
        forgetting,
        learning_time,
        aum,
        csl,
        el2n,
        loss,
    )
}
"""Every score by its name, the causal ones first."""
