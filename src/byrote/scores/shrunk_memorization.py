"""Label memorization (Feldman & Zhang, 2020, arXiv:2008.03703) by empirical Bayes (Efron & Morris, 1973); docs/theory.md."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.scores._empirical_bayes import Posterior, posteriors
from byrote.scores._held_out import HeldOut, held_out
from byrote.scores._run_sums import PerExample
from byrote.scores.memorization import memorization
from byrote.signature import score
from byrote.stats.intervals import normal_quantile

LEAST = 3
"""With so many IN runs and OUT runs of an example, its interval reaches its textbook estimate."""


def estimate_with_interval(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    correctness: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    aum: Float[ndarray, "run example"] | None = None,
    label_agreement: Float[ndarray, " example"] | None = None,
    class_separation: Float[ndarray, " example"] | None = None,
    isolation: Float[ndarray, " example"] | None = None,
    *,
    level: float,
) -> tuple[PerExample, PerExample, PerExample]:
    """Return the score and both ends of its interval in the time that one of them takes."""
    data = _features(label_agreement, class_separation, isolation)
    p_in, p_out = _posteriors(correct, margin, correctness, member, aum, data)
    return _with_interval(p_in, p_out, correct, member, level)


def estimate_with_held_out(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    correctness: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    aum: Float[ndarray, "run example"] | None = None,
    label_agreement: Float[ndarray, " example"] | None = None,
    class_separation: Float[ndarray, " example"] | None = None,
    isolation: Float[ndarray, " example"] | None = None,
    *,
    level: float,
) -> tuple[tuple[PerExample, PerExample, PerExample], HeldOut]:
    """Return the score with both ends of its interval, and what runs that are held out tell of it."""
    data = _features(label_agreement, class_separation, isolation)
    p_in, p_out = _posteriors(correct, margin, correctness, member, aum, data)
    assert p_in.predictions is not None
    assert p_out.predictions is not None
    seen = held_out((p_in.mean, p_out.mean), p_in.predictions(), p_out.predictions())
    return _with_interval(p_in, p_out, correct, member, level), seen


def _with_interval(
    p_in: Posterior,
    p_out: Posterior,
    correct: Bool[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    level: float,
) -> tuple[PerExample, PerExample, PerExample]:
    z = normal_quantile(level)
    (low1, high1), (low0, high0) = (p.ends(z) for p in (p_in, p_out))
    middle1, middle0 = (p.at(0.0) for p in (p_in, p_out))
    centre, value = middle1 - middle0, p_in.mean - p_out.mean
    low = centre - np.hypot(middle1 - low1, high0 - middle0)
    high = centre + np.hypot(high1 - middle1, middle0 - low0)
    within = value, np.where(_seen_often(member), memorization(correct, member), value)
    return value, np.minimum(low, np.minimum(*within)), np.maximum(high, np.maximum(*within))


@score(high="memorized", both=estimate_with_interval)
def shrunk_memorization(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    correctness: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    aum: Float[ndarray, "run example"] | None = None,
    label_agreement: Float[ndarray, " example"] | None = None,
    class_separation: Float[ndarray, " example"] | None = None,
    isolation: Float[ndarray, " example"] | None = None,
) -> Float[ndarray, " example"]:
    """P(correct | trained on it) - P(correct | not), about as precise as `memorization` from twice as many runs.

    The posterior mean of the first probability minus that of the second, in [-1, 1]. A posterior combines how often the
    runs were right, their margins, the margins of the runs of the other kind (trained on it, or not), how easily it was
    learned (`correctness` and `aum`, of the members), and what the data say of it, each weighted by how well it predicts
    held-out runs. NaN where an example was in every run, or in none. With many runs it is `memorization`: the counts
    outweigh all else.

    `correctness` and `aum` are the one-run scores of these names in each run; where training recorded none of it, they are NaN.
    `label_agreement`, `class_separation` and `isolation` are what the nearest examples say (docs/schema.md), NaN without
    inputs. They may be left out, and what is NaN has no part. From 4 runs on `fashion` the reliability is .91.

    It misleads for the one example that is unlike all others: it is shrunk towards what such margins mean for most, unless its
    own margins are far from that. With three IN and three OUT runs or more, its interval reaches `memorization`. In five
    kinds of simulated records (docs/calibration.md) nominal 90 % intervals hold .93 to .99 on average over a record with 10 or
    20 runs. By the estimate, they hold .95 to 1.00 below .05, and .79 to .99 above it with 10 runs, .82 to .99 with 20, .81 to
    .99 with 6. Of a small group that is learned early and never known from the others, estimates are .1 too low with 10 runs,
    and intervals hold .82 to .89 (.84 to .88 with 20, .66 with 6). Of a memorized half a per cent that looks like the rest they
    hold .80 to .90 with 10 to 40 runs; where only one per cent is memorized, .67 to .77 of that (docs/theory.md): there look
    at `memorization`. How wide intervals are was chosen on the five kinds and on `fashion`; on three others, with 500
    examples, they hold .96 to .98 on average, .96 to .99 below .05 and .93 to .96 above .5.
    As for `memorization`, copies hide each other, and the subsets are part of the definition.
    """
    data = _features(label_agreement, class_separation, isolation)
    p_in, p_out = _posteriors(correct, margin, correctness, member, aum, data)
    return p_in.mean - p_out.mean


def _seen_often(member: Bool[ndarray, "run example"]) -> Bool[ndarray, " example"]:
    inside = np.count_nonzero(member, axis=0)
    return np.minimum(inside, len(member) - inside) >= LEAST


def _features(*columns: Float[ndarray, " example"] | None) -> Float[ndarray, "example feature"] | None:
    """Return the columns that are given side by side; None without any."""
    given = [np.asarray(column, np.float64) for column in columns if column is not None]
    return np.stack(given, axis=1) if given else None


def _posteriors(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    correctness: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    aum: Float[ndarray, "run example"] | None,
    data: Float[ndarray, "example feature"] | None,
) -> tuple[Posterior, Posterior]:
    """Return the posteriors of both probabilities, NaN where an example was in every run, or in none."""
    defined = member.any(axis=0) & ~member.all(axis=0)
    p_in, p_out = (
        replace(each, mean=np.where(defined, each.mean, np.nan))
        for each in posteriors(correct, margin, correctness, member, aum, data)
    )
    return p_in, p_out
