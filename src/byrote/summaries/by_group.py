"""The mean of each group with intervals that hold for all groups at once, Bonferroni, 1936; Dunn, 1961, JASA 56."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.stats.estimate import Estimate


@checked(text=("groups",))
def by_group(
    values: Float[ndarray, " example"] | Bool[ndarray, " example"],
    groups: Shaped[ndarray, " example"],
    *,
    level: float = 0.9,
) -> dict[str, Estimate]:
    """Mean of the values in each group (or class), by name: in the direction and unit of the values.

    All intervals hold at once with probability `level`: each of G groups has one at 1 - (1 - level) / G,
    Student's, or Clopper & Pearson's for true and false. `level` in each estimate is that of all together.
    NaN values are left out, and n counts those that are not; a group of which fewer than two are left has no
    Student interval, and counts among the G. Groups are in the order of their sorted labels.

    It misleads when a group is picked for its mean and the mean then quoted: the interval holds, the value is
    too extreme. Examples of one record share its runs, so intervals over examples are about these runs only. Raises InvalidData
    for real numbers that are 0 and 1 only: as shares they would have another interval.
    """
    if values.dtype != np.bool_ and np.array_equal(np.unique(values[~np.isnan(values)]), [0, 1]):
        raise InvalidData(
            "by_group: `values` are real numbers that are all 0 or 1, so it is open whether these are numbers or yes and no. Give booleans (values == 1): the mean is a share, with an exact interval."
        )
    names, index = np.unique(groups, return_inverse=True)
    each = 1 - (1 - level) / len(names)
    return {str(name): _mean(values[index == g], each, level) for g, name in enumerate(names)}


def _mean(values: Float[ndarray, " example"] | Bool[ndarray, " example"], each: float, level: float) -> Estimate:
    if values.dtype == np.bool_:
        mean = Estimate.of_share(np.count_nonzero(values), len(values), "example", exact=True, level=each)
    else:
        mean = Estimate.of_mean(values, "example", level=each)
    return replace(mean, level=level)
