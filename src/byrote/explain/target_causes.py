"""Why an example of a regression is memorized: one cause by fixed rules, and the sentence that states the evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import NDArray

from byrote.explain.causes import FEWEST_MODELS, REMOTE, Cause, describe_copy, models, percent_closer, too_few
from byrote.explain.neighbours import FENCE, USUAL_NEIGHBOURS, Neighbour
from byrote.explain.out_targets import OutTargets, OutTargetTable
from byrote.explain.units import in_units
from byrote.explain.usual_distances import usual_distances
from byrote.objectives.regression import Regression

TARGET_CAUSES: dict[Cause, str] = {
    "target suspect": "Models not trained on it agree on a prediction, its target is unusually far from that, and its input is no outlier. Check the target.",
    "near-duplicate": "Another example is almost the same. Check whether both belong in the data.",
    "atypical": "Its input lies far from all others, and models not trained on it are farther from its target than usual.",
    "ambiguous": "Models not trained on it disagree unusually widely. Its input may not determine its target.",
    "unclear": "No rule applies. The evidence is shown as it is.",
}
"""Every cause of a regression, with its meaning in one line."""

SPREADS = 3.0
"""Target suspect: the target is at least this many standard deviations of the OUT models' predictions from their mean."""

USUAL = 0.5
"""Atypical: the target is farther from the OUT models' mean than for this share of the training examples."""


@dataclass(frozen=True)
class Fences:
    """Beyond these an example is unusual: the distance of each target (`usual_distances`), the disagreement (`fence`)."""

    distances: tuple[float, ...]
    disagreement: float


def find_target_cause(
    target: NDArray[Any],
    predictions: OutTargets,
    fences: Fences,
    duplicates: Sequence[tuple[Neighbour, bool]],
    remoteness: float,
    *,
    outlying: float,
    objective: Regression,
    names: Sequence[str],
) -> tuple[Cause, str]:
    """Return the first rule that applies, and its evidence in one sentence or two.

    In order: a near-duplicate with a clearly different target, target suspect, a near-duplicate with a similar target, atypical,
    ambiguous, unclear. `duplicates` come with whether their target is clearly different: a standard deviation or more away.
    `remoteness` is the share of the training examples whose input is less far from the others; above 1, `outlying` says
    that the input is an outlier. NaN, where no inputs were kept, decides nothing.
    """
    suspects = suspect_targets(predictions, fences, outlying)
    evidence = describe_targets(target, predictions, objective, names, suspects)
    conflict = next((each for each, differs in duplicates if differs), None)
    if conflict:
        return "near-duplicate", f"{describe_copy(conflict)}, and its target is clearly different. {evidence}"
    if predictions.models < FEWEST_MODELS and not duplicates:
        return "unclear", f"{too_few(predictions.models)} {evidence}"
    if any(suspects):
        return "target suspect", evidence
    if duplicates:
        return "near-duplicate", f"{describe_copy(duplicates[0][0])}, with a similar target. {evidence}"
    if remoteness >= REMOTE and predictions.distance_rank >= USUAL:
        far = f"It is farther from the {USUAL_NEIGHBOURS} nearest examples than {percent_closer(remoteness)} of the others."
        return "atypical", f"{far} {evidence}"
    if predictions.disagreement > fences.disagreement:
        rank = percent_closer(predictions.disagreement_rank)
        return "ambiguous", f"The models disagree more than for {rank} of the training examples. {evidence}"
    return "unclear", evidence


def suspect_targets(predictions: OutTargets, fences: Fences, outlying: float) -> tuple[bool, ...]:
    """Whether each target is unusually far from predictions that agree with each other, and the input is no outlier.

    Beyond the fences are about 1 % of the examples with right targets, however many targets there are: see `usual_distances`,
    which also says how many wrong targets are found.
    """
    judged = predictions.models >= FEWEST_MODELS and not outlying > 1
    each = zip(predictions.distances, predictions.disagreements, fences.distances, strict=True)
    return tuple(judged and distance > far and distance >= SPREADS * spread for distance, spread, far in each)


def usual_fences(table: OutTargetTable) -> Fences:
    """Return the fences among the real training examples of a record."""
    distances = usual_distances(table.distances[table.usual])
    return Fences(tuple(distances.tolist()), fence(table.disagreement[table.usual]))


def fence(usual: Float[ndarray, " reference"]) -> float:
    """Return the value beyond which one is unusual among these (Tukey's fence); infinite below two values."""
    if len(usual) < 2:
        return float("inf")
    lower, upper = np.quantile(usual, (0.25, 0.75))
    return float(upper + FENCE * (upper - lower))


def describe_targets(
    target: NDArray[Any],
    predictions: OutTargets,
    objective: Regression,
    names: Sequence[str],
    suspects: Sequence[bool] = (),
) -> str:
    """Return what the OUT models predict; of several targets, for the one that is farthest off, suspect ones first."""
    if not predictions.models:
        return "Every model was trained on it."
    given = np.atleast_1d(target).astype(np.float64)
    chosen = np.flatnonzero(suspects) if any(suspects) else np.arange(len(given))
    at = int(chosen[np.argmax(np.array(predictions.distances)[chosen])])
    scale, mean, spread = objective.scale[at], predictions.means[at], predictions.spreads[at]
    called = target_name(names, at, len(given))
    asked = f"{models(predictions.models)} not trained on it {'predicts' if predictions.models == 1 else 'predict'}"
    found = f"{in_units(mean.value, scale)}"
    if np.isfinite(mean.low):
        found += f" on average [{in_units(mean.low, scale)}, {in_units(mean.high, scale)}], with a standard deviation of {in_units(spread, scale)} between models"
    sentence = f"Its {called} is {in_units(float(given[at]), scale)}; {asked} {found}."
    several = len(given) > 1
    scale_of = "that target" if several else "the targets"
    distance = f"That is {predictions.distances[at]:.2f} standard deviations of {scale_of} away"
    if np.isfinite(predictions.distance_rank):
        distance += ". Over all targets the example is farther" if several else ", farther"
        distance += f" than for {percent_closer(predictions.distance_rank)} of the training examples"
    return f"{sentence} {distance}."


def target_name(names: Sequence[str], at: int, several: int) -> str:
    """Return what the target at this place is called: its name in the task, else "target", numbered where there are several."""
    if several == 1:
        return "target"
    name = names[at] if at < len(names) else str(at)
    return f"target {at}" if name == str(at) else name
