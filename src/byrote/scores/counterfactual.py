"""Counterfactual memorization, Zhang, Ippolito, Lee, Jagielski, Tramer & Carlini, 2023, NeurIPS, arXiv:2112.12938."""

from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.errors import Unsupported
from byrote.scores._contrast import difference, welch
from byrote.signature import score


def _interval(
    outcome: Float[ndarray, "run example"], member: Bool[ndarray, "run example"], *, level: float
) -> tuple[Float[ndarray, " example"], Float[ndarray, " example"]]:
    return welch(outcome, member, level=level)


@score(high="memorized", interval=_interval)
def counterfactual(
    outcome: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    column: str = "confidence",
    step: int = -1,
) -> Float[ndarray, " example"]:
    """Mean of an outcome if trained on it minus if not: 0 is learned from the others, high is memorized.

    mean over the runs with the example minus mean over the runs without it (Zhang et al. 2023), in the unit of
    the outcome. `column` says what to read of a record, at `step` (-1: the last): `confidence`, `correct`, `margin`,
    `loss`, `residual`, or a probe. `loss` and `residual` are high where the label is badly predicted, so their negative
    is the outcome; a probe's column is taken as it is, and bare arrays too. NaN where an example was in every run, or
    in none; a NaN outcome is left out, and infinity both with and without the example is NaN. Raises Unsupported for a
    column that is no outcome.

    The interval is Welch's (1947): right for normal outcomes, and too short for skewed ones. With lognormal losses (spread .7 of
    the logarithm, 70 % IN) the nominal .90 holds .82, .81, .83 and .87 with 6, 10, 20 and 80 runs (docs/calibration.md). The
    bootstrap of t holds more of them, with intervals up to 1.4 times as long, and needs more runs than most records have
    without the example. It misleads when runs are few and the outcome is mostly constant but sometimes jumps:
    a sample without a jump does not show it. Where one in ten jumps, the nominal .90 covers in .5 of all cases with six
    runs without the example. Then take `soft_memorization`, or `memorization` for right and wrong. A few runs dominate
    unbounded outcomes (`loss`, `margin`).
    """
    if column in ("member", "prediction") or column.endswith("_seen"):
        raise Unsupported(
            f"counterfactual cannot take {column!r}, which does not say how well the label is predicted. "
            "Take one of: confidence, correct, margin, loss, residual."
        )
    return difference(outcome, member)
