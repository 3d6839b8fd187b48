"""Scores: columns of a record -> one value per example (or per example and target)."""

from rote.scores.aum import aum as aum
from rote.scores.bavaria import bavaria as bavaria
from rote.scores.c_score import c_score as c_score
from rote.scores.calibrated_loss import calibrated_loss as calibrated_loss
from rote.scores.counterfactual import counterfactual as counterfactual
from rote.scores.csg import csg as csg
from rote.scores.csl import csl as csl
from rote.scores.cumulative_el2n import cumulative_el2n as cumulative_el2n
from rote.scores.data_map import confidence as confidence
from rote.scores.data_map import correctness as correctness
from rote.scores.data_map import variability as variability
from rote.scores.el2n import el2n as el2n
from rote.scores.first_learned import first_learned as first_learned
from rote.scores.forgetting import forgetting as forgetting
from rote.scores.group_memorization import group_memorization as group_memorization
from rote.scores.influence import influence as influence
from rote.scores.learning_time import learning_time as learning_time
from rote.scores.lira import lira as lira
from rote.scores.loss import loss as loss
from rote.scores.loss_iqr import loss_iqr as loss_iqr
from rote.scores.mean_confidence import mean_confidence as mean_confidence
from rote.scores.memorization import memorization as memorization
from rote.scores.prediction_changes import prediction_changes as prediction_changes
from rote.scores.rmia import rmia as rmia
from rote.scores.second_split_forgetting import second_split_forgetting as second_split_forgetting
from rote.scores.sgal import sgal as sgal
from rote.scores.shrunk_memorization import shrunk_memorization as shrunk_memorization
from rote.scores.soft_influence import soft_influence as soft_influence
from rote.scores.soft_memorization import soft_memorization as soft_memorization
from rote.signature import Score

SCORES: dict[str, Score] = {
    each.name: each
    for each in (
        memorization,
        shrunk_memorization,
        soft_memorization,
        counterfactual,
        influence,
        soft_influence,
        c_score,
        mean_confidence,
        confidence,
        variability,
        correctness,
        forgetting,
        first_learned,
        learning_time,
        second_split_forgetting,
        prediction_changes,
        aum,
        csl,
        sgal,
        csg,
        loss_iqr,
        cumulative_el2n,
        el2n,
        loss,
        lira,
        rmia,
        bavaria,
        calibrated_loss,
    )
}
"""Every score by its name, the causal ones first."""
