"""The loss attack on one model: who was trained on, guessed from a low loss, Yeom et al. 2018, arXiv:1709.01604."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from rote.errors import Unsupported
from rote.evidence import LEVEL
from rote.intervals import Estimate
from rote.record import Record
from rote.report.panel import NotMeasured
from rote.summaries import OperatingPoint, auroc, tpr_at_fpr

RATES = (0.01, 0.001)
"""False-positive rates at which the attack is reported."""

SHUFFLES = 20
"""Times that membership is shuffled to see what the same attack finds where there is nothing to find."""


@dataclass(frozen=True)
class AtRate:
    """Members found at one false-positive rate (chance finds as many as the rate), and under shuffled membership."""

    rate: float
    point: OperatingPoint | NotMeasured
    shuffled: float


@dataclass(frozen=True)
class LossAttack:
    """The attack on run `run`: `auroc` of telling members from non-members (.5 is chance), and its low-rate end."""

    run: int
    members: int
    others: int
    auroc: Estimate
    at: tuple[AtRate, ...]


def read_attack(record: Record, *, seed: int = 0) -> LossAttack | NotMeasured:
    """Attack the first run: its members against the training examples that it left out."""
    if not record.runs:
        return NotMeasured("No run is finished.")
    run = record.runs[0]
    guess, member = guesses(record, run)
    if not member.any() or member.all():
        return NotMeasured(
            f"Run {run} has {int(member.sum())} members and {int((~member).sum())} non-members with a clean loss; "
            "an attack needs both."
        )
    rng = np.random.default_rng(seed)
    return LossAttack(
        run=run,
        members=int(member.sum()),
        others=int((~member).sum()),
        auroc=auroc(guess, member, level=LEVEL),
        at=tuple(_at(guess, member, rate, rng) for rate in RATES),
    )


def guesses(record: Record, run: int) -> tuple[Float[ndarray, " example"], Bool[ndarray, " example"]]:
    """Return minus the last clean loss of the real training examples (high: says member), and who was one."""
    loss = record.at_step(run, "loss", record.last_step).astype(np.float64)
    usable = record.population.where("train") & np.isfinite(loss)
    return -loss[usable], record.member(run)[usable]


def _at(
    guess: Float[ndarray, " example"], member: Bool[ndarray, " example"], rate: float, rng: np.random.Generator
) -> AtRate:
    try:
        point = tpr_at_fpr(guess, member, fpr=rate, level=LEVEL)
    except Unsupported as error:
        return AtRate(rate, NotMeasured(str(error)), float("nan"))
    shuffled = [tpr_at_fpr(guess, rng.permutation(member), fpr=rate, level=LEVEL).tpr.value for _ in range(SHUFFLES)]
    return AtRate(rate, point, float(np.mean(shuffled)))
