"""Proof of use: was a marked text trained on? A rank test of the version that was published against versions that were not.

Zhao et al., 2025 (STAMP); Wei, Wang & Jia, 2024 (data watermarks, arXiv:2402.10892); Meeus et al., 2024 (copyright traps).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy import signal, special, stats

from byrote.arrays import checked
from byrote.errors import InvalidData, Unsupported
from byrote.lm.canaries import Canary
from byrote.lm.corpus import Document
from byrote.lm.language_model import LanguageModel
from byrote.lm.teacher_forcing import documents_forced
from byrote.stats.estimate import Estimate

STREAM = 15
GRID = 801
"""Points of the integral over what a planted version gains."""

DIRECT = 20_000
"""Longer distributions are convolved by Fourier transforms."""

MOST_MARKS = 10_000


@dataclass(frozen=True)
class Mark:
    """Versions of one text that mean the same, of which a die chose the one that was published (`planted`).

    The die makes the test exact: whatever a model prefers, it cannot know which of the versions was to be published.
    """

    id: str
    versions: tuple[str, ...]
    planted: int

    @property
    def document(self) -> Document:
        """The version to publish, as a document."""
        return Document(self.id, self.versions[self.planted], "mark")


def draw_marks(versions: Sequence[Sequence[str]], *, ids: Sequence[str] = (), seed: int) -> tuple[Mark, ...]:
    """Return marks of texts, one version of each drawn at random to be published. Keep seed and versions secret until the test.

    Raises InvalidData where a text has fewer than two versions, or two equal ones.
    """
    names = list(ids) or [f"mark/{i}" for i in range(len(versions))]
    if len(names) != len(versions):
        raise InvalidData(f"There are {len(names)} ids for {len(versions)} texts. Give one for each, or none.")
    for name, each in zip(names, versions, strict=True):
        if len(each) < 2 or len(set(each)) < len(each):
            raise InvalidData(
                f"The text {name!r} has {len(each)} versions, {len(set(each))} of them different. Give two different ones or more."
            )
    rng = np.random.default_rng([seed, STREAM])
    return tuple(
        Mark(name, tuple(each), int(rng.integers(len(each)))) for name, each in zip(names, versions, strict=True)
    )


@dataclass(frozen=True)
class ProofOfUse:
    """Whether marked texts were trained on: a small `p_value` says that they were.

    `p_value` is the chance of ranks as good as these, or better, where no planted version was trained on: exact. `wins` is
    the share of alternatives that the planted version beats, .5 at chance, with its interval over marks. `false_alarm` is the
    largest rate of false proofs that the test can have at `alpha`: at most alpha, less since ranks are whole numbers.
    """

    p_value: float
    wins: Estimate
    ranks: Int[ndarray, " mark"]
    alternatives: int
    alpha: float
    false_alarm: float

    @property
    def proven(self) -> bool:
        """Whether the p-value is at most alpha."""
        return self.p_value <= self.alpha


@checked
def proof_of_use(
    planted: Float[ndarray, " mark"],
    alternatives: Float[ndarray, "mark alternative"],
    *,
    alpha: float = 0.01,
    level: float = 0.9,
) -> ProofOfUse:
    """Test whether planted versions of marked texts were trained on, by their losses against those of unpublished versions.

    Each planted loss is ranked among its alternatives, 1 is the lowest, and ties count against the proof. A die chose which
    version was published; so, if it was not trained on, every rank is as likely, and the distribution of their sum is known
    exactly (the convolution of uniform ones). One-sided. Losses may be per token where versions are not equally long; any
    statistic of the model will do, as long as it is the same for all versions. Raises Unsupported for NaN.

    It misleads where a person chose the published version, where versions were ranked by a model before one was drawn, or
    where alternatives have become public too. It proves use of the marked texts, not that others were left out.
    """
    if np.isnan(planted).any() or np.isnan(alternatives).any():
        raise Unsupported(
            f"Losses cannot be ranked: {np.count_nonzero(np.isnan(planted)) + np.count_nonzero(np.isnan(alternatives))} "
            "are NaN. Leave marks without a loss out, with all their versions."
        )
    marks, count = alternatives.shape
    better = np.count_nonzero(alternatives <= planted[:, None], axis=1)
    chances = _sum_of_ranks(np.full(count + 1, 1 / (count + 1)), marks)
    lower_tail = np.cumsum(chances)
    p_value = min(float(lower_tail[better.sum()]), 1.0)
    allowed = lower_tail[lower_tail <= alpha * (1 + 1e-9)]
    wins = Estimate.of_mean(1 - better / count, "mark", level=level).within(0.0, 1.0)
    return ProofOfUse(
        p_value,
        wins,
        (better + 1).astype(np.int64),
        count,
        alpha,
        float(allowed[-1]) if len(allowed) else 0.0,
    )


@checked
def power_of_proof(marks: int, alternatives: int, wins: float, *, alpha: float = 0.01) -> float:
    """Return the chance that so many marks prove use, if a planted version beats an alternative with probability `wins`.

    Scores are taken to be normal with one variance, the planted one shifted: `wins` is the area under that ROC curve, .5 for
    a text without effect (the power is then the rate of false proofs, at most alpha). Raises Unsupported for `wins` that is
    no probability below 1, and for less than one mark or alternative.
    """
    if not 0 < wins < 1 or marks < 1 or alternatives < 1:
        raise Unsupported(
            f"{marks} marks with {alternatives} alternatives and wins={wins} have no power. Give 1 or more, and a probability below 1."
        )
    null = np.cumsum(_sum_of_ranks(np.full(alternatives + 1, 1 / (alternatives + 1)), marks))
    allowed = np.flatnonzero(null <= alpha * (1 + 1e-9))
    if not len(allowed):
        return 0.0
    return float(np.sum(_sum_of_ranks(_ranks(alternatives, wins), marks)[: allowed[-1] + 1]))


@checked
def marks_needed(wins: float, *, alternatives: int = 99, alpha: float = 0.01, power: float = 0.8) -> int:
    """Return how many marks prove use with this power, if a planted version beats an alternative with probability `wins`.

    As in `power_of_proof`. Raises Unsupported for `wins` of .5 or less, and where 10,000 marks are too few.
    """
    if not 0.5 < wins < 1:
        raise Unsupported(f"wins={wins} proves nothing with any number of marks. Give a probability above .5, below 1.")
    low, high = 0, 1
    while power_of_proof(high, alternatives, wins, alpha=alpha) < power:
        low, high = high, 2 * high
        if high > MOST_MARKS:
            raise Unsupported(f"More than {MOST_MARKS} marks are needed for wins={wins}. Plant stronger marks.")
    while high - low > 1:
        middle = (low + high) // 2
        enough = power_of_proof(middle, alternatives, wins, alpha=alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def mark_losses(
    model: LanguageModel, marks: Sequence[Mark]
) -> tuple[Float[ndarray, " mark"], Float[ndarray, "mark alternative"]]:
    """Return the loss per token, in nats, of the planted version of each mark, and those of its alternatives.

    Raises InvalidData for marks with different numbers of versions, and for a version of fewer than two tokens.
    """
    counts = {len(mark.versions) for mark in marks}
    if len(counts) != 1:
        raise InvalidData(
            f"The marks have {sorted(counts)} versions. Give at least one mark, and all of them as many versions."
        )
    versions = [model.encoder.encode(version) for mark in marks for version in mark.versions]
    if min(map(len, versions)) < 2:
        raise InvalidData("A version has fewer than two tokens, so nothing of it can be judged. Give longer texts.")
    each = [np.nanmean(forced.logprob) for forced in documents_forced(model, versions)]
    loss = -np.array(each, np.float64).reshape(len(marks), -1)
    planted = np.array([mark.planted for mark in marks])
    others = np.arange(loss.shape[1])[None] != planted[:, None]
    return loss[~others], loss[others].reshape(len(marks), -1)


def canary_mark(canary: Canary, *, alternatives: int = 99, seed: int = 0) -> Mark:
    """Return the mark of a canary: its text, and the same with secrets that could have been drawn as well."""
    drawn = canary.family.draw(alternatives, np.random.default_rng([seed, STREAM, 1]))
    others = [canary.before + canary.family.secret(choice) + canary.family.after for choice in drawn]
    return Mark(canary.id, (canary.text, *others), 0)


def _ranks(alternatives: int, wins: float) -> Float[ndarray, " better"]:
    """Return the distribution of how many alternatives beat a planted version with this chance to beat each."""
    shift = float(special.ndtri(wins)) * np.sqrt(2)
    score = np.linspace(-8, 8, GRID)
    weight = np.exp(-(score**2) / 2)
    beaten = special.ndtr(-(score + shift))  # the chance of an alternative to lie above the planted score
    counts = np.arange(alternatives + 1)
    return weight / weight.sum() @ stats.binom.pmf(counts[None], alternatives, beaten[:, None])


def _sum_of_ranks(chances: Float[ndarray, " better"], marks: int) -> Float[ndarray, " sum"]:
    """Return the distribution of a sum of so many independent counts, by squaring; beyond 20,000 sums exact to 1e-14."""
    result, power = np.ones(1), chances
    while marks:
        if marks % 2:
            result = _convolved(result, power)
        marks //= 2
        if marks:
            power = _convolved(power, power)
    return result


def _convolved(one: Float[ndarray, " one"], other: Float[ndarray, " other"]) -> Float[ndarray, " sum"]:
    if len(one) + len(other) < DIRECT:
        return np.convolve(one, other)
    return np.maximum(signal.fftconvolve(one, other), 0.0)
