"""What is gained by leaving the undecided examples out more often: at most (an oracle), and with what runs can know; README.md.

python -m records.stopping.allocation [--draws 2]
"""

import argparse
from dataclasses import dataclass

import numpy as np
from records.calibration.truths import HELD_OUT, TRUTHS, Truth
from scipy import special, stats

from byrote.scores import memorization, shrunk_memorization
from byrote.scores._empirical_bayes import posteriors
from byrote.task.designs import Subsets

EVEN, AGAIN = 4, 2
"""Runs before anything is known: random 70 % of the examples each. Then shares are planned again after so many runs."""

EXAMPLES, SHARE = 2000, 0.7
TOTALS = (8, 12, 20)


@dataclass(frozen=True)
class Runs:
    """The noise of all runs that there may be: what they record follows from who is in which."""

    truth: Truth
    noise: np.ndarray
    seen: np.ndarray

    def columns(self, member: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return correct, margin, correctness and member."""
        runs, truth = len(member), self.truth
        margin = truth.scale * (np.where(member, truth.inside, truth.outside) + self.noise[:runs])
        return margin > 0, margin, np.where(member, self.seen[:runs], np.nan), member


def simulated(truth: Truth, rng: np.random.Generator) -> Runs:
    shape = max(TOTALS), len(truth.inside)
    noise = (
        stats.t.rvs(truth.tails, size=shape, random_state=rng) if np.isfinite(truth.tails) else rng.normal(size=shape)
    )
    return Runs(truth, noise, special.expit(truth.easiness + rng.normal(0, 1, shape)))


def shares(p_in: np.ndarray, p_out: np.ndarray, inside: np.ndarray, outside: np.ndarray, more: int) -> np.ndarray:
    """Return, for each example, the share of `more` further runs to be in that makes the mean error variance least.

    The variance is that of the textbook estimator with these probabilities, after `inside` and `outside` runs; the mean
    share is that of the design.
    """
    grid = np.linspace(0.05, 0.95, 91)[:, None]
    variance = (p_in * (1 - p_in) + 1e-4) / (inside + more * grid) + (p_out * (1 - p_out) + 1e-4) / (
        outside + more * (1 - grid)
    )
    low, high = -10.0, 10.0
    chosen = grid[np.zeros(len(p_in), np.intp), 0]
    for _ in range(40):
        price = (low + high) / 2
        chosen = grid[np.argmin(variance + price * grid, axis=0), 0]
        low, high = (price, high) if chosen.mean() > SHARE else (low, price)
    return chosen


def allocated(share: np.ndarray, runs: int, rng: np.random.Generator) -> np.ndarray:
    """Return a membership with these shares over the runs: systematic sampling, each example with its own start."""
    steps = np.arange(runs + 1)[:, None] * share + rng.random(len(share))
    return rng.permuted(np.diff(np.floor(steps), axis=0) > 0, axis=0)


def planned(runs: Runs, even: np.ndarray, total: int, rng: np.random.Generator, *, oracle: bool) -> np.ndarray:
    """Return who is in which of `total` runs, the first of them even, the others by the truth or by what is known then."""
    member = even[:EVEN]
    while len(member) < total:
        p_in, p_out = runs.truth.p_in, runs.truth.p_out
        if not oracle:
            p_in, p_out = (np.nan_to_num(each.mean, nan=0.5) for each in posteriors(*runs.columns(member)))
        inside = member.sum(axis=0)
        left = total - len(member)
        share = shares(p_in, p_out, inside, len(member) - inside, left)
        member = np.concatenate([member, allocated(share, min(AGAIN, left), rng)])
    return member


def reliability(runs: Runs, member: np.ndarray) -> tuple[float, float]:
    """Return the squared correlation of both estimates with the truth; an example without a value gets the mean."""
    correct, *_ = columns = runs.columns(member)
    found = memorization(correct, member), shrunk_memorization(*columns)
    filled = [np.where(np.isnan(each), np.nanmean(each), each) for each in found]
    first, second = (float(np.corrcoef(each, runs.truth.memorization)[0, 1] ** 2) for each in filled)
    return first, second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=2)
    asked = parser.parse_args()
    names = [f"{name}, {way}" for name in ("textbook", "shrunk") for way in ("even", "oracle", "as known", "runs saved by the oracle", "as known")]  # fmt: skip
    print("| kind | runs | " + " | ".join(names) + " |\n" + "|---" * 12 + "|")
    for kind, make in {**TRUTHS, **HELD_OUT}.items():
        for total in TOTALS:
            draws: list[list[tuple[float, float]]] = []
            for seed in range(asked.draws):
                rng = np.random.default_rng([seed, 1])
                runs = simulated(make(EXAMPLES, rng), rng)
                even = Subsets(SHARE).membership([EVEN] + [1] * (total - EVEN), np.full(EXAMPLES, ""), seed)
                ways = [even, *(planned(runs, even, total, rng, oracle=oracle) for oracle in (True, False))]
                draws.append([reliability(runs, member) for member in ways])
            found = np.mean(draws, axis=0)
            saved = 1 - (found[0] / (1 - found[0])) / (found / (1 - found))  # of the runs, by Spearman and Brown
            cells = [f"{x:.3f}" for x in found[:, 0]] + [f"{100 * x:+.0f} %" for x in saved[1:, 0]]
            cells += [f"{x:.3f}" for x in found[:, 1]] + [f"{100 * x:+.0f} %" for x in saved[1:, 1]]
            print(f"| {kind} | {total} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
