"""Bits memorized per parameter, for random labels, after Morris et al., 2025, arXiv:2505.24832."""

import math

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate


@checked
def bits_memorized(loss: Float[ndarray, " example"], *, classes: int, level: float = 0.9) -> Estimate:
    """Bits of random labels that a model stores: n log2 C is all of them, 0 none, and below 0 is worse than guessing.

    n log2 C minus the sum of the cross-entropies over ln 2, for n examples whose labels were drawn uniformly
    from C classes. `loss` is in nats, of the training examples, without label smoothing or weighting.
    Student's interval treats the examples as draws: it is about as many other examples. Not clipped;
    minus infinity, without an interval, when one loss is infinite. Raises Unsupported for a NaN, without
    examples, and below two classes.

    It misleads on real labels, which can be predicted without being memorized, and when training stopped too
    early: an under-trained model looks smaller than it is.
    """
    n = len(loss)
    if not n or classes < 2 or np.isnan(loss).any():
        raise Unsupported(
            f"Bits cannot be counted from {n} losses of {classes} classes, {np.count_nonzero(np.isnan(loss))} of them NaN. "
            "Give a loss for every example, and two classes or more."
        )
    bits = math.log2(classes) - loss.astype(np.float64) / math.log(2)
    mean = float(bits.mean())
    if not math.isfinite(mean):
        return Estimate(n * mean, math.nan, math.nan, n, "example", level)
    return Estimate.of_mean(bits, "example", level=level).transformed(lambda per_example: n * per_example)


@checked
def bits_per_parameter(
    loss: Float[ndarray, " example"], *, classes: int, parameters: int, level: float = 0.9
) -> Estimate:
    """Bits of random labels that a model stores, over its parameters: the capacity once more examples no longer add any.

    `bits_memorized` / `parameters`. Morris et al. measured about 3.6 for language models on random strings, a
    ceiling that labels need not reach. Raises Unsupported as that does, and below one parameter.

    It misleads at a single number of examples: while all labels fit, it is n log2 C over the parameters
    whatever the model is. Raise n until it stops growing.
    """
    if parameters < 1:
        raise Unsupported(f"Bits cannot be shared among {parameters} parameters. Give the number that was trained.")
    return bits_memorized(loss, classes=classes, level=level).transformed(lambda bits: bits / parameters)
