"""Scores: columns of a record -> one value per example (or per example and target)."""

from byrote.scores.aum import aum as aum
from byrote.scores.bavaria import bavaria as bavaria
from byrote.scores.c_score import c_score as c_score
from byrote.scores.calibrated_loss import calibrated_loss as calibrated_loss
from byrote.scores.counterfactual import counterfactual as counterfactual
from byrote.scores.csg import csg as csg
from byrote.scores.csl import csl as csl
from byrote.scores.cumulative_el2n import cumulative_el2n as cumulative_el2n
from byrote.scores.data_map import confidence as confidence
from byrote.scores.data_map import correctness as correctness
from byrote.scores.data_map import variability as variability
from byrote.scores.el2n import el2n as el2n
from byrote.scores.first_learned import first_learned as first_learned
from byrote.scores.forgetting import forgetting as forgetting
from byrote.scores.group_memorization import group_memorization as group_memorization
from byrote.scores.influence import influence as influence
from byrote.scores.learning_time import learning_time as learning_time
from byrote.scores.lira import lira as lira
from byrote.scores.loss import loss as loss
from byrote.scores.loss_iqr import loss_iqr as loss_iqr
from byrote.scores.mean_confidence import mean_confidence as mean_confidence
from byrote.scores.memorization import memorization as memorization
from byrote.scores.prediction_changes import prediction_changes as prediction_changes
from byrote.scores.rmia import rmia as rmia
from byrote.scores.second_split_forgetting import second_split_forgetting as second_split_forgetting
from byrote.scores.sgal import sgal as sgal
from byrote.scores.shrunk_memorization import shrunk_memorization as shrunk_memorization
from byrote.scores.soft_influence import soft_influence as soft_influence
from byrote.scores.soft_memorization import soft_memorization as soft_memorization
from byrote.signature import Score

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
