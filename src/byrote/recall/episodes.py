"""Episodes: N-way K-shot classification of classes that were not trained on (Vinyals et al. 2016, arXiv:1606.04080).

An episode draws N classes and K labelled examples of each, its support; queries are other examples of these classes. Chance
is 1 / N.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Int64
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import student


@dataclass(frozen=True, eq=False)
class Episodes:
    """Which classes and which examples are in each episode; the label of a query within its episode is its `way`.

    `classes` [episode way] are labels of the examples; `support` [episode way shot] and `query` [episode way draw] are
    positions of examples, no position twice in one episode.
    """

    classes: Int64[ndarray, "episode way"]
    support: Int64[ndarray, "episode way shot"]
    query: Int64[ndarray, "episode way draw"]

    def __len__(self) -> int:
        return len(self.classes)


@checked
def draw_episodes(
    labels: Int[ndarray, " example"], way: int, shot: int, *, queries: int = 5, count: int = 600, seed: int = 0
) -> Episodes:
    """Return `count` episodes of `way` classes, `shot` labelled examples and `queries` others of each, drawn at random.

    Classes are drawn without replacement, and so are the examples of a class. The same arguments give the same episodes.
    Raises InvalidData where fewer than `way` classes have `shot + queries` examples, and for numbers below 1.
    """
    for name, number in (("way", way), ("shot", shot), ("queries", queries), ("count", count)):
        if number < 1:
            raise InvalidData(f"Episodes with {name}={number} cannot be drawn. Give 1 or more.")
    order = np.argsort(labels, kind="stable")
    names, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    able = np.flatnonzero(counts >= shot + queries)
    if len(able) < way:
        raise InvalidData(
            f"{len(able)} of {len(names)} classes have the {shot + queries} examples that {shot} shots and {queries} queries take, and {way} ways need {way} classes. Give fewer of each."
        )
    rng = np.random.default_rng(seed)
    chosen = np.stack([rng.choice(able, way, replace=False) for _ in range(count)])
    drawn = np.stack(
        [[order[starts[c] + rng.choice(counts[c], shot + queries, replace=False)] for c in row] for row in chosen]
    )
    return Episodes(names[chosen].astype(np.int64), drawn[..., :shot].copy(), drawn[..., shot:].copy())


@checked
def accuracy_over_episodes(
    accuracy: Float[ndarray, " episode"], classes: Int[ndarray, "episode way"], *, level: float = 0.9
) -> Estimate:
    """Mean over episodes, with an interval about new classes: 1 is the best, 1 / way is chance. n counts the classes.

    `accuracy` is the share of right answers in each episode, or the difference of two learners in it, which gives the interval
    of a paired difference. Episodes that share a class are not independent. The variance is that of the jackknife over
    classes (of a U-statistic: Arvesen 1969), less (way - 1) times the variance that drawing few episodes adds, which
    the jackknife counts `way` times; and at least the variance over episodes. In simulations with 40 to 250 classes, 5
    and 20 ways and 100 to 600 episodes the interval holds the mean over all classes in 88 to 97 % of samples at level .9.
    The field's usual interval, Student's over episodes, is about these classes only: it holds it in 11 to 79 %.

    It is NaN below two episodes or where a class is in all of them.
    """
    count, way = classes.shape
    mean = float(accuracy.mean())
    if count < 2:
        return Estimate(mean, np.nan, np.nan, len(np.unique(classes)), "classes", level)
    names, at = np.unique(classes, return_inverse=True)
    each = at.reshape(classes.shape)
    inside = np.zeros(len(names))
    np.add.at(inside, each.ravel(), np.repeat(accuracy, way))
    occurs = np.bincount(each.ravel(), minlength=len(names))
    with np.errstate(divide="ignore", invalid="ignore"):
        without = (accuracy.sum() - inside) / (count - occurs)
    spread = float(accuracy.var(ddof=1)) / count
    classes_share = (len(names) - 1) / len(names) * float(np.sum((without - without.mean()) ** 2))
    variance = max(classes_share - (way - 1) * spread, spread)
    low, high = student(mean, variance * len(names), len(names), level=level)
    return Estimate(mean, float(low), float(high), len(names), "classes", level)
