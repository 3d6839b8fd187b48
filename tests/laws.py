"""What every score obeys, whatever it measures."""

from dataclasses import replace

import numpy as np

from cases import EXAMPLES, HARD, RUNS, STRAIGHT, columns
from rote.signature import Score


def relabelling_examples_permutes_the_result(score: Score) -> None:
    """The result, and its interval, follow the examples (and the targets) and nothing else."""
    rng = np.random.default_rng(1)
    axes = replace(STRAIGHT, example=rng.permutation(EXAMPLES), target=rng.permutation(EXAMPLES))
    order = np.ix_(*[getattr(axes, name) for name in score.key])
    before, after = columns(score), columns(score, axes)
    np.testing.assert_allclose(score(*after), score(*before)[order], rtol=1e-12)
    if score.interval:
        for old, new in zip(score.interval(*before, level=0.9), score.interval(*after, level=0.9), strict=True):
            np.testing.assert_allclose(new, old[order], rtol=1e-12)


def runs_have_no_order(score: Score) -> None:
    """The result does not depend on which run came first."""
    axes = replace(STRAIGHT, run=np.random.default_rng(2).permutation(RUNS))
    np.testing.assert_allclose(score(*columns(score, axes)), score(*columns(score)), rtol=1e-12)


def the_hard_rank_first(score: Score) -> None:
    """`sign` times the value puts every hard example above every easy one."""
    values = score.sign * score(*columns(score))
    assert values[:HARD].min() > values[HARD:].max()


def the_interval_holds_the_value(score: Score) -> None:
    """low <= value <= high wherever there is a value, never of zero width."""
    assert score.interval
    value = score(*columns(score))
    low, high = score.interval(*columns(score), level=0.9)
    assert (low <= value).all()
    assert (value <= high).all()
    assert (low < high).all()
