"""Way: one way of keeping a wanted list, and what was measured of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jaxtyping import Bool
from numpy import ndarray

from byrote.stats.estimate import UNDEFINED, Estimate

MEMORY = "memory"
"""How the names of ways begin that keep the list beside the network."""


@dataclass(frozen=True)
class Change:
    """What it takes to change one entry. `seconds` until it is done; `works`: how often the answer is then as it has to be.

    For an update that is the new answer; for a deletion, that what is left answers no better than what never held it:
    `works` is then how often the deleted answer is still given, and `never` how often by what never held it. `cost` is the
    change of accuracy on new data, `lost` the share of the other wanted entries that are no longer recalled.
    """

    seconds: Estimate
    works: Estimate
    never: Estimate = UNDEFINED
    cost: Estimate = UNDEFINED
    lost: Estimate = UNDEFINED


@dataclass(frozen=True, eq=False)
class Way:
    """One way of keeping a wanted list, in a `memory` or not.

    Shares are over runs and examples; UNDEFINED where something was not measured.

    `recall` is the share of the list that is answered exactly (1 is all), `parts` the same of its parts, `new` the share of
    new data that is answered right. `varied` is the recall of slightly varied inputs, by variation. `leakage` is the
    probability that an entry of the list looks more like a stored one than an entry does where it was never stored, to
    somebody who sees all that the way gives out (probabilities, distances) and knows what models give out that never saw it:
    .5 is chance, 1 is told apart always; `leakage_of_answers` is that to somebody who sees the answers alone. `bytes_each` are
    the bytes an entry that are kept beside the network (0 in the weights), `seconds_each` the time of one query by itself.
    `right` and `right_new` say it of each answer, where ways were measured on the same runs and examples.
    """

    name: str
    recall: Estimate
    memory: bool = False
    parts: Mapping[str, Estimate] = field(default_factory=dict[str, Estimate])
    new: Estimate = UNDEFINED
    varied: Mapping[str, Estimate] = field(default_factory=dict[str, Estimate])
    leakage: Estimate = UNDEFINED
    leakage_of_answers: Estimate = UNDEFINED
    bytes_each: float = 0.0
    seconds_each: float = float("nan")
    update: Change | None = None
    deletion: Change | None = None
    right: Bool[ndarray, "run wanted"] | None = None
    right_new: Bool[ndarray, "run example"] | None = None


@dataclass(frozen=True, eq=False)
class Problem:
    """One kind of problem on which ways of keeping a list are compared: what it is, how it was measured, and the ways.

    `recall_is` and `new_is` say in words what these two shares are here: "of test examples are right". `cautions` are what
    has to be known before the numbers are used.
    """

    name: str
    about: str
    recall_is: str
    new_is: str
    ways: tuple[Way, ...]
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
