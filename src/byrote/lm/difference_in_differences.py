"""Memorization profile of one training run by difference-in-differences, Lesci et al., 2024, arXiv:2406.04327.

The design with treatment at several times and not-yet-treated controls is that of Callaway & Sant'Anna, 2021.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import InvalidData, Unsupported
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import normal_quantile

DRAWS = 400


@dataclass(frozen=True, eq=False)
class MemorizationProfile:
    """What training on a document did to its own log-probability, by checkpoints since then; high is memorized, 0 is none.

    `effects[i]` is the effect `lags[i]` checkpoints after the first one that has seen the document (0 is that one), in the
    unit of the outcome. Lags below -1 are from before: they should be 0, and `parallel_trends` is the p-value of that; a low
    one says that documents differ from their controls in ways that are not memorization. `table[batch, checkpoint]` is the
    effect of each batch (row g: documents first seen at checkpoint g); NaN where no document or no control is left.
    """

    lags: tuple[int, ...]
    effects: tuple[Estimate, ...]
    parallel_trends: float
    table: Float[ndarray, "batch checkpoint"]

    @property
    def instantaneous(self) -> Estimate:
        """The effect at the first checkpoint that has seen the document."""
        return self.effects[self.lags.index(0)]


@checked
def memorization_profile(
    outcome: Float[ndarray, "checkpoint document"],
    seen: Int[ndarray, " document"],
    *,
    cluster: Int[ndarray, " document"] | None = None,
    level: float = 0.9,
    seed: int = 0,
) -> MemorizationProfile:
    """Return the causal effect of training on documents on what one model says of them, from checkpoints of a single run.

    `outcome` is any number per document, such as its mean log-probability, at each checkpoint in order; `seen` the
    first checkpoint whose training included the document, or a number beyond the last for documents that were never seen. For
    documents first seen at g and a checkpoint t the effect is their mean change from checkpoint g - 1 to t, less the mean
    change over the same time of documents that neither g nor t has seen. The profile averages over documents by t - g.
    Documents seen at checkpoint 0 have nothing before, and are left out.

    The interval is normal, with the standard error of 400 bootstrap samples of documents, or of clusters (`cluster`: passages
    of one text, near-duplicates). The p-value of parallel trends is that of the largest standardized effect before training.
    In simulations with 300 documents and 8 checkpoints the interval held the effect in 91 % at level .9, by cluster in 89 %
    (as if documents of five were independent: 58 %), and the p-value was below .05 in 6 % of 200 panels. Raises Unsupported
    where no document is seen after the first checkpoint or no control is left, and InvalidData for NaN.

    It misleads where a document is seen again, or has a copy in a later batch (the effect then is that of both), where
    batches are not in random order, and where what was seen before teaches the controls more than the others.
    """
    if np.isnan(outcome).any():
        raise InvalidData(f"{np.count_nonzero(np.isnan(outcome))} outcomes are NaN. Leave out documents without one.")
    checkpoints, documents = outcome.shape
    batch = np.minimum(seen, checkpoints)
    sizes = np.bincount(batch, minlength=checkpoints + 1)
    if sizes[1:checkpoints].sum() == 0 or sizes[2:].sum() == 0:
        raise Unsupported(
            f"Of {documents} documents, {sizes[1:checkpoints].sum()} were first seen between two checkpoints, and {sizes[2:].sum()} "
            "later or never. Give checkpoints from before and after the documents were seen, and some that are not seen yet."
        )
    names, group = np.unique(np.arange(documents) if cluster is None else cluster, return_inverse=True)
    rng = np.random.default_rng([seed, 19])
    weight = np.ones((1 + DRAWS, documents))
    weight[1:] = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)[:, group]
    totals, counts = _by_batch(outcome, batch, weight)
    effect, number = _effects(totals, counts)
    lags = [lag for lag in range(1 - checkpoints, checkpoints - 1) if lag != -1]
    profile = np.stack([_at_lag(effect, number, lag) for lag in lags], axis=1)
    kept = [i for i in range(len(lags)) if np.isfinite(profile[0, i])]
    value, error = profile[0], np.zeros(len(lags))
    error[kept] = np.nanstd(profile[1:, kept], axis=0, ddof=1)
    z = normal_quantile(level)
    used = [_documents_at(sizes, checkpoints, lags[i]) for i in kept]
    effects = tuple(
        Estimate(float(value[i]), float(value[i] - z * error[i]), float(value[i] + z * error[i]), n, "document", level)
        for i, n in zip(kept, used, strict=True)
    )
    before = [i for i in kept if lags[i] < -1]
    return MemorizationProfile(
        tuple(lags[i] for i in kept), effects, _no_trend(profile[:, before], error[before]), effect[0]
    )


def _by_batch(
    outcome: Float[ndarray, "checkpoint document"],
    batch: Int[ndarray, " document"],
    weight: Float[ndarray, "draw document"],
) -> tuple[Float[ndarray, "draw batch checkpoint"], Float[ndarray, "draw batch"]]:
    """Return the weighted sum of the outcomes of each batch, and of the weights; the last batch is what was never seen."""
    checkpoints = len(outcome)
    totals, counts = np.zeros((len(weight), checkpoints + 1, checkpoints)), np.zeros((len(weight), checkpoints + 1))
    for each in np.unique(batch):
        own = batch == each
        totals[:, each], counts[:, each] = weight[:, own] @ outcome[:, own].T, weight[:, own].sum(axis=1)
    return totals, counts


def _effects(
    totals: Float[ndarray, "draw batch checkpoint"], counts: Float[ndarray, "draw batch"]
) -> tuple[Float[ndarray, "draw batch2 checkpoint"], Float[ndarray, "draw batch2"]]:
    """Return the effect of each batch at each checkpoint, and the weight of the batch; NaN without documents or controls."""
    draws, batches, checkpoints = totals.shape
    later = np.cumsum(totals[:, ::-1], axis=1)[:, ::-1]  # from a batch on
    later_count = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
    effect = np.full((draws, batches - 1, checkpoints), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        for g in range(1, checkpoints):
            own = (totals[:, g] - totals[:, g, g - 1, None]) / counts[:, g, None]
            for t in range(checkpoints):
                first = max(g, t) + 1
                if t == g - 1:
                    continue
                control = (later[:, first, t] - later[:, first, g - 1]) / later_count[:, first]
                effect[:, g, t] = own[:, t] - control
    return effect, counts[:, :-1]


def _at_lag(
    effect: Float[ndarray, "draw batch checkpoint"], number: Float[ndarray, "draw batch"], lag: int
) -> Float[ndarray, " draw"]:
    """Return the mean effect over documents so many checkpoints after they were seen."""
    checkpoints = effect.shape[2]
    at = [(g, g + lag) for g in range(1, checkpoints) if 0 <= g + lag < checkpoints]
    value = np.stack([effect[:, g, t] for g, t in at], axis=1)
    weight = np.where(np.isfinite(value), np.stack([number[:, g] for g, _ in at], axis=1), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.isfinite(value), value * weight, 0.0).sum(axis=1) / weight.sum(axis=1)


def _documents_at(sizes: Int[ndarray, " batch"], checkpoints: int, lag: int) -> int:
    """Return how many documents have an effect at this lag."""
    later = np.cumsum(sizes[::-1])[::-1]
    return int(
        sum(sizes[g] for g in range(1, checkpoints) if 0 <= g + lag < checkpoints and later[max(g, g + lag) + 1])
    )


def _no_trend(profile: Float[ndarray, "draw lag"], error: Float[ndarray, " lag"]) -> float:
    """Return the p-value of the largest standardized effect before training, from bootstrap samples around their value."""
    if not profile.shape[1] or not (error > 0).all():
        return float("nan")
    observed = np.max(np.abs(profile[0]) / error)
    drawn = np.nanmax(np.abs(profile[1:] - profile[0]) / error, axis=1)
    return float((1 + np.count_nonzero(drawn >= observed)) / (1 + len(drawn)))
