"""Label Wave, early stopping by prediction changes, Yuan, Feng & Liu, 2024, ICLR, arXiv:2502.07551."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.scores.prediction_changes import changes
from byrote.stats.estimate import Estimate
from byrote.summaries._first_minimum import first_minimum

RESAMPLES = 200


@dataclass(frozen=True, eq=False)
class LabelWave:
    """How many training predictions changed at each step, that share smoothed, and the step to stop at.

    `compared` counts the examples that were presented then and before. `smoothed` is NaN until there are enough steps.
    """

    changed: Int[ndarray, " step"]
    compared: Int[ndarray, " step"]
    smoothed: Float[ndarray, " step"]
    stop: Estimate


@checked
def label_wave(
    prediction_seen: Float[ndarray, "step example"], *, window: int = 3, level: float = 0.9, seed: int = 0
) -> LabelWave:
    """The step after which a run fits wrong labels: the first local minimum of the number of changed predictions.

    changed(t) = number of examples whose prediction differs from the one at their presentation before; smoothed(t) =
    mean share over steps t - window + 1 to t. The stop is counted in steps from 1, at the lowest smoothed share before
    the first rise; infinity where it never rises. Its interval is the percentile bootstrap over examples, from one run;
    n counts the examples that were presented. Raises Unsupported below window + 2 steps.

    It misleads without label noise, where the share need not rise again, and where a learning-rate schedule moves it.
    A longer window is steadier and stops later.
    """
    steps, examples = prediction_seen.shape
    if window < 1 or steps < window + 2:
        raise Unsupported(
            f"label_wave has a window of {window}, and {steps} steps. "
            "Give a window of 1 or more, and two steps more than that."
        )
    presented = ~np.isnan(prediction_seen)
    compared, changed = presented & (np.cumsum(presented, axis=0) > 1), changes(prediction_seen)
    rng = np.random.default_rng(seed)
    drawn = np.stack([np.bincount(rng.integers(examples, size=examples), minlength=examples) for _ in range(RESAMPLES)])
    smoothed = _smoothed(changed.sum(axis=1)[:, None], compared.sum(axis=1)[:, None], window)[:, 0]
    resampled = _smoothed(_counts(changed, drawn), _counts(compared, drawn), window)
    tail = (1 - level) / 2
    low, high = np.quantile([first_minimum(series) for series in resampled.T], [tail, 1 - tail], method="inverted_cdf")
    n = int(np.count_nonzero(presented.any(axis=0)))
    stop = Estimate(first_minimum(smoothed), float(low), float(high), n, "example", level)
    return LabelWave(changed.sum(axis=1), compared.sum(axis=1), smoothed, stop)


def _counts(
    which: Bool[ndarray, "step example"], drawn: Int[ndarray, "sample example"]
) -> Float[ndarray, "step sample"]:
    """Return for how many of the drawn examples it is true; float32 is exact below 2^24."""
    return which.astype(np.float32) @ drawn.T.astype(np.float32)


def _smoothed(
    changed: Shaped[ndarray, "step sample"], compared: Shaped[ndarray, "step sample"], window: int
) -> Float[ndarray, "step sample"]:
    """Return the share changed, averaged over this step and those before it in the window."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share = changed / compared.astype(np.float64)
    smoothed = np.full(share.shape, np.nan)
    smoothed[window - 1 :] = np.lib.stride_tricks.sliding_window_view(share, window, axis=0).mean(axis=-1)
    return smoothed
