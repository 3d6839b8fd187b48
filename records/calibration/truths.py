"""Simulated runs with known probabilities: for whom a model is right if trained on an example, and if not."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from scipy import special, stats

REFERENCE = Path(__file__).parents[2] / "benchmarks" / "results" / "fashion_reference.parquet"
IN_OF_TEN = 7


@dataclass(frozen=True)
class Truth:
    """Latent margins of each example in units of their noise, as a member (`inside`) and not (`outside`), and the noise.

    The noise is Student's t with `tails` degrees of freedom, or normal. `rare` marks a small group apart from all others.
    """

    inside: np.ndarray
    outside: np.ndarray
    scale: np.ndarray
    easiness: np.ndarray
    rare: np.ndarray
    tails: float = np.inf

    @property
    def p_in(self) -> np.ndarray:
        """P(correct | trained on it)."""
        return stats.t.cdf(self.inside, self.tails)

    @property
    def p_out(self) -> np.ndarray:
        """P(correct | not trained on it)."""
        return stats.t.cdf(self.outside, self.tails)

    @property
    def memorization(self) -> np.ndarray:
        """The true difference."""
        return self.p_in - self.p_out

    def runs(self, runs: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return correct, margin, correctness and member of these runs: 7 of 10 IN, as even as the number allows."""
        n = len(self.inside)
        member = balanced(runs, n, rng)
        noise = (
            stats.t.rvs(self.tails, size=(runs, n), random_state=rng)
            if np.isfinite(self.tails)
            else rng.normal(size=(runs, n))
        )
        margin = self.scale * (np.where(member, self.inside, self.outside) + noise)
        seen = special.expit(self.easiness + rng.normal(0, 1, (runs, n)))
        return margin > 0, margin, np.where(member, seen, np.nan), member


def balanced(runs: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return which of the runs each example is in: 7 of every 10, and of the rest as near as whole numbers are."""
    blocks = [min(10, runs - start) for start in range(0, runs, 10)]
    counts = [round(IN_OF_TEN * size / 10) for size in blocks]
    return np.concatenate(
        [
            rng.permuted(np.tile(np.arange(size) < count, (n, 1)), axis=1).T
            for size, count in zip(blocks, counts, strict=True)
        ]
    )


def normal(n: int, rng: np.random.Generator) -> Truth:
    """Half easy, half around the boundary, normal noise: what the model of `shrunk_memorization` assumes, nearly."""
    outside = np.where(rng.random(n) < 0.5, rng.normal(4, 1, n), rng.normal(0, 1.5, n))
    inside = outside + rng.gamma(2.0, 1.0, n)
    return Truth(inside, outside, np.exp(rng.normal(0, 0.3, n)), outside + rng.normal(0, 1, n), np.zeros(n, np.bool_))


def heavy(n: int, rng: np.random.Generator) -> Truth:
    """Nine in ten easy; the others anywhere, far beyond what their easiness tells; noise with heavy tails."""
    odd = rng.random(n) < 0.1
    outside = np.where(odd, rng.normal(-1, 3, n), rng.normal(3, 1, n))
    inside = outside + np.where(odd, rng.gamma(2.0, 2.0, n), rng.gamma(2.0, 0.5, n))
    easiness = np.where(odd, rng.normal(0, 2, n), outside + rng.normal(0, 1, n))
    return Truth(inside, outside, np.exp(rng.normal(0, 0.3, n)), easiness, np.zeros(n, np.bool_), 5.0)


def betas(n: int, rng: np.random.Generator) -> Truth:
    """OUT probabilities from two beta distributions, IN ones from a third; easiness follows the OUT margin loosely."""
    p_out = np.where(rng.random(n) < 0.7, rng.beta(8, 1, n), rng.beta(0.5, 0.5, n))
    p_in = p_out + (1 - p_out) * rng.beta(3, 1, n)
    outside, inside = (special.ndtri(np.clip(p, 1e-6, 1 - 1e-6)) for p in (p_out, p_in))
    return Truth(inside, outside, np.exp(rng.normal(0, 0.3, n)), outside + rng.normal(0, 1.5, n), np.zeros(n, np.bool_))


def reference(n: int, rng: np.random.Generator) -> Truth:
    """The counts of 134 runs on 5,050 images of clothes, each a draw from Jeffreys' posterior; tails like t with 5."""
    examples = rng.integers(len(_reference()), size=n)
    in_runs, in_right, out_runs, out_right = _reference()[examples].T
    p_in = rng.beta(in_right + 0.5, in_runs - in_right + 0.5)
    p_out = rng.beta(out_right + 0.5, out_runs - out_right + 0.5)
    inside, outside = (stats.t.ppf(np.clip(p, 1e-5, 1 - 1e-5), 5.0) for p in (p_in, p_out))
    return Truth(
        inside, outside, np.exp(rng.normal(0, 0.3, n)), outside + rng.normal(0, 1, n), np.zeros(n, np.bool_), 5.0
    )


def rare_group(n: int, rng: np.random.Generator) -> Truth:
    """As `normal`, and one in twenty belongs to a group that is learned early but never known from the others."""
    base = normal(n, rng)
    rare = rng.random(n) < 0.05
    outside = np.where(rare, rng.normal(-2, 0.7, n), base.outside)
    inside = np.where(rare, rng.normal(2, 0.7, n), base.inside)
    easiness = np.where(rare, rng.normal(2, 1, n), base.easiness)
    return Truth(inside, outside, base.scale, easiness, rare)


def hard(n: int, rng: np.random.Generator) -> Truth:
    """Most examples are hard: OUT probabilities spread over all of 0 to 1, and members are nearly always right."""
    outside = stats.skewnorm.rvs(-3, 1.5, 1.5, size=n, random_state=rng)
    inside = np.maximum(outside, 0) + rng.gamma(4.0, 0.6, n)
    return Truth(inside, outside, np.exp(rng.normal(0, 0.3, n)), outside + rng.normal(0, 1, n), np.zeros(n, np.bool_))


def few_memorized(n: int, rng: np.random.Generator) -> Truth:
    """Seven in a hundred are memorized by .1 to 1, all others are known without; noise with very heavy tails (t with 3)."""
    odd = rng.random(n) < 0.07
    outside = np.where(odd, rng.uniform(-2.5, 1.5, n), rng.gamma(6.0, 0.9, n))
    inside = np.where(odd, rng.uniform(1.5, 4, n), outside + rng.gamma(1.0, 0.3, n))
    easiness = np.where(odd, outside + 2, outside) + rng.normal(0, 1, n)
    return Truth(inside, outside, np.exp(rng.normal(0, 0.4, n)), easiness, np.zeros(n, np.bool_), 3.0)


def loose(n: int, rng: np.random.Generator) -> Truth:
    """What is learned early says nearly nothing, margins differ in scale by a factor of two, members are often wrong."""
    outside = rng.logistic(0.8, 1.0, n)
    inside = outside + rng.exponential(0.8, n)
    return Truth(
        inside, outside, np.exp(rng.normal(0, 0.7, n)), rng.normal(0, 3, n) + 0.2 * outside, np.zeros(n, np.bool_)
    )


@cache
def _reference() -> np.ndarray:
    columns = ("runs_with", "right_with", "runs_without", "right_without")
    return pl.read_parquet(REFERENCE, columns=columns).select(columns).to_numpy().astype(np.float64)


TRUTHS = {"normal": normal, "heavy tails": heavy, "betas": betas, "reference": reference, "rare group": rare_group}

HELD_OUT = {"hard data": hard, "few memorized": few_memorized, "loose clues": loose}
"""Kinds of data that no constant of the package was chosen on."""
