"""The numbers of docs/theory.md about intervals and margins, by enumeration or by simulation.

python records/calibration/theory.py
"""

import numpy as np
from scipy import special, stats

from byrote.stats.intervals import newcombe

LEVEL = 0.9
GRID = np.linspace(0.002, 0.998, 499)


def coverage(n_in: int, n_out: int, p_in: np.ndarray, p_out: np.ndarray) -> np.ndarray:
    """Return how often Newcombe's interval holds the difference, exactly, over [p_in, p_out]."""
    k_in, k_out = np.arange(n_in + 1), np.arange(n_out + 1)
    low, high = newcombe(k_in[:, None], n_in, k_out[None], n_out, level=LEVEL)
    weight = stats.binom.pmf(k_out[:, None], n_out, p_out)
    found = np.empty((len(p_in), len(p_out)))
    for i, p in enumerate(p_in):
        holds = (low[..., None] <= p - p_out) & (p - p_out <= high[..., None])
        found[i] = stats.binom.pmf(k_in, n_in, p) @ (holds * weight).sum(axis=1)
    return found


def main() -> None:
    """Print one line per number."""
    for n_in, n_out in ((14, 6), (7, 3)):
        found = coverage(n_in, n_out, GRID, GRID)
        middle = (GRID >= 0.1) & (GRID <= 0.9)
        i, j = np.unravel_index(found.argmin(), found.shape)
        sure = coverage(n_in, n_out, np.array([1.0]), GRID[middle])
        print(
            f"Newcombe, {n_in} IN and {n_out} OUT: mean {found[np.ix_(middle, middle)].mean():.3f} for both in .1 to .9, "
            f"{sure.mean():.3f} with IN always right; least {found.min():.3f} at {GRID[i]:.3f}, {GRID[j]:.3f}"
        )
    rng = np.random.default_rng(0)
    for p in (0.5, 0.8, 0.95, 0.99):
        z = stats.norm.ppf(p)
        # the error of Phi(mean) of n margins with a known spread of 1, in outcomes of a coin with the same error
        known = p * (1 - p) / stats.norm.pdf(z) ** 2
        margins = rng.normal(z, 1, (200_000, 14))
        unknown = special.ndtr(margins.mean(1) / margins.std(1, ddof=1))
        outcomes = p * (1 - p) / 14 / np.mean((unknown - p) ** 2)
        print(
            f"margins at p = {p}: worth {known:.2f} outcomes each with a known spread, {outcomes:.2f} of 14 with an estimated one"
        )


if __name__ == "__main__":
    main()
