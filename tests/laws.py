"""What every score obeys, whatever it measures."""

from dataclasses import replace

import numpy as np

from byrote.scores import lira
from byrote.signature import Score
from cases import EXAMPLES, HARD, RUNS, STRAIGHT, columns


def rounding(score: Score) -> dict[str, float]:
    """Return what a change of order may do; a difference of means is near 0, and a likelihood ratio one of large numbers."""
    return {"rtol": 1e-9, "atol": 1e-9} if score.high == "member" else {"rtol": 1e-12, "atol": 1e-12}


def relabelling_examples_permutes_the_result(score: Score) -> None:
    """The result, and its interval, follow the examples (and the targets) and nothing else."""
    rng = np.random.default_rng(1)
    axes = replace(STRAIGHT, example=rng.permutation(EXAMPLES), target=rng.permutation(EXAMPLES))
    order = np.ix_(*[getattr(axes, name) for name in score.key])
    before, after = columns(score), columns(score, axes)
    np.testing.assert_allclose(score(*after), score(*before)[order], **rounding(score))
    if score.interval:
        for old, new in zip(score.interval(*before, level=0.9), score.interval(*after, level=0.9), strict=True):
            np.testing.assert_allclose(new, old[order], rtol=1e-12)


def runs_have_no_order(score: Score) -> None:
    """The result does not depend on which run came first."""
    axes = replace(STRAIGHT, run=np.random.default_rng(2).permutation(RUNS))
    before = score(*columns(score))
    expected = before[axes.run] if "run" in score.key else before
    np.testing.assert_allclose(score(*columns(score, axes)), expected, **rounding(score))


def the_hard_rank_first(score: Score) -> None:
    """`sign` times the value puts every hard example above every easy one."""
    values = score.sign * score(*columns(score))
    assert values[:HARD].min() > values[HARD:].max()


def members_rank_first(score: Score) -> None:
    """Of the hard examples, the value is larger in every run with them than in any run without them."""
    values, member = score(*columns(score))[:, :HARD], columns(lira)[1][:, :HARD].astype(bool)
    assert values[member].min() > values[~member].max()


def the_interval_holds_the_value(score: Score) -> None:
    """low <= value <= high wherever there is a value, never of zero width."""
    assert score.interval
    value = score(*columns(score))
    low, high = score.interval(*columns(score), level=0.9)
    assert (low <= value).all()
    assert (value <= high).all()
    assert (low < high).all()
