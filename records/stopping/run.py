"""How right is the estimated reliability, and how often is the true one below the target where runs stop? See README.md."""

import argparse
import csv
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from records.calibration.truths import HELD_OUT, TRUTHS, Truth
from scipy import special, stats

from byrote.scores.shrunk_memorization import estimate_with_held_out
from byrote.stats.intervals import normal_quantile
from byrote.summaries import held_out_reliability
from byrote.summaries.expected_top import expected_top
from byrote.task.designs import Subsets

LOOKS = (4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24, 28, 32, 40)
"""Numbers of runs after which it is asked whether they are enough; larger ones take too long here."""

SHOWN = (4, 5, 6, 8, 12, 20, 40)

ROWS = Path(__file__).with_name("simulated.csv")


def nothing(n: int, rng: np.random.Generator) -> Truth:
    """Nothing is memorized: seven in ten are easy, the others are around the boundary."""
    outside = np.where(rng.random(n) < 0.7, rng.normal(3, 1, n), rng.normal(0.5, 1, n))
    easiness = outside + rng.normal(0, 1, n)
    return Truth(outside, outside, np.exp(rng.normal(0, 0.3, n)), easiness, np.zeros(n, np.bool_))


def one_in_a_hundred(n: int, rng: np.random.Generator) -> Truth:
    """One example in a hundred is memorized, and all others are known without."""
    odd = rng.random(n) < 0.01
    outside = np.where(odd, rng.normal(-1.5, 0.7, n), rng.gamma(6.0, 0.6, n))
    inside = np.where(odd, rng.normal(2.0, 0.5, n), outside + 0.05)
    easiness = np.where(odd, outside + 2, outside) + rng.normal(0, 1, n)
    return Truth(inside, outside, np.exp(rng.normal(0, 0.3, n)), easiness, np.zeros(n, np.bool_))


KINDS = {**TRUTHS, **HELD_OUT}
NAMES = {"estimate": "reliability", "of_intervals": "of intervals alone", "top_estimate": "list"}
MOST_AT_EDGES = 20
EDGES = {"nothing memorized": nothing, "one in a hundred": one_in_a_hundred}


def columns(truth: Truth, seed: int) -> tuple[np.ndarray, ...]:
    """Return what these runs record: a block of four, then blocks of one."""
    rng, n = np.random.default_rng([seed, 1]), len(truth.inside)
    member = Subsets(0.7).membership([4] + [1] * (max(LOOKS) - 4), np.full(n, ""), seed)
    shape = member.shape
    noise = (
        stats.t.rvs(truth.tails, size=shape, random_state=rng) if np.isfinite(truth.tails) else rng.normal(size=shape)
    )
    margin = truth.scale * (np.where(member, truth.inside, truth.outside) + noise)
    seen = special.expit(truth.easiness + rng.normal(0, 1, shape))
    return margin > 0, margin, np.where(member, seen, np.nan), member


def follow(kind: str, n: int, seed: int) -> list[dict[str, object]]:
    """Return what is estimated and what is true after each number of runs, until the estimate is above .96."""
    truth = {**KINDS, **EDGES}[kind](n, np.random.default_rng([seed, n]))
    all_runs, rows = columns(truth, seed), []
    for runs in LOOKS:
        (value, low, high), seen = estimate_with_held_out(*(column[:runs] for column in all_runs), level=0.9)
        found = held_out_reliability(value, *(getattr(seen, field.name) for field in fields(seen)))
        errors, variance = (high - low) / (2 * normal_quantile(0.9)), np.nanvar(value)
        true = np.corrcoef(value, truth.memorization)[0, 1] ** 2 if np.ptp(truth.memorization) else 0.0
        k = max(10, n // 50)
        listed = expected_top(value, low, high, k=k)
        right = len(set(np.argsort(-value)[:k]) & set(np.argsort(-truth.memorization)[:k])) / k
        rows.append({"kind": kind, "examples": n, "seed": seed, "runs": runs, "estimate": found.value, "low": found.low,
                     "high": found.high, "of_intervals": variance / (variance + np.nanmean(errors**2)), "true": true,
                     "top": k, "top_estimate": listed.value, "top_true": right})  # fmt: skip
        if found.value > 0.96 or (kind in EDGES and runs >= MOST_AT_EDGES):
            break
    return rows


def show() -> None:
    """Print the error of the estimates by number of runs, how often intervals hold, and what is true where runs stop."""
    rows = [{k: v if k == "kind" else float(v) for k, v in row.items()} for row in csv.DictReader(ROWS.open())]
    for estimate, true in (("estimate", "true"), ("of_intervals", "true"), ("top_estimate", "top_true")):
        print(f"\n| {NAMES[estimate]} minus truth: mean (sd) | " + " | ".join(f"{runs} runs" for runs in SHOWN) + " |")
        print("|---" * (len(SHOWN) + 1) + "|")
        for kind in (*KINDS, *EDGES):
            for n in sorted({row["examples"] for row in rows}):
                cells = []
                for runs in SHOWN:
                    found = [row[estimate] - row[true] for row in rows
                             if (row["kind"], row["examples"], row["runs"]) == (kind, n, runs)]  # fmt: skip
                    cells.append(f"{np.mean(found):+.2f} ({np.std(found):.2f})" if found else "")
                print(f"| {kind}, {n:g} examples | " + " | ".join(cells) + " |")
    print("\n| 90 % intervals: truth below, within, above | " + " | ".join(f"{runs} runs" for runs in SHOWN) + " |")
    print("|---" * (len(SHOWN) + 1) + "|")
    for n in sorted({row["examples"] for row in rows}):
        cells = []
        for runs in SHOWN:
            ends = [(r["true"] < r["low"], r["true"] > r["high"]) for r in rows
                    if (r["examples"], r["runs"]) == (n, runs) and r["kind"] in KINDS]  # fmt: skip
            below, above = np.mean(ends, axis=0)
            cells.append(f"{below:.2f}, {1 - below - above:.2f}, {above:.2f}")
        print(f"| {n:g} examples | " + " | ".join(cells) + " |")
    print("\n| estimate | examples | target | fewest runs | stops | runs, mean | true one below the target | mean of the true one | furthest below |")  # fmt: skip
    print("|---" * 9 + "|")
    for estimate, fewest in (
        ("of_intervals", 4),
        ("of_intervals", 6),
        ("estimate", 4),
        ("estimate", 5),
        ("estimate", 6),
    ):
        for n in sorted({row["examples"] for row in rows}):
            for target in (0.6, 0.7, 0.8, 0.9):
                print(_stops(rows, estimate, n, target, fewest))


def _stops(rows: list[dict[str, Any]], estimate: str, n: float, target: float, fewest: int) -> str:
    """Return a row of the table of stops: the first look of each draw at which the estimate reaches the target."""
    stops: dict[tuple[object, ...], tuple[float, float]] = {}
    for row in rows:  # in order of runs
        if row[estimate] >= target and row["runs"] >= fewest and row["examples"] == n and row["kind"] in KINDS:
            stops.setdefault((row["kind"], row["seed"]), (row["true"], row["runs"]))
    true, runs = np.array(list(stops.values())).T
    below = target - true[true < target]
    return (
        f"| {NAMES[estimate]} | {n:g} | {target} | {fewest} | {len(true)} | {runs.mean():.1f} | {len(below)} | "
        f"{true.mean():.3f} | {below.max(initial=0):.3f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=6)
    parser.add_argument("--examples", type=int, nargs="+", default=[300, 2000])
    parser.add_argument("--show", action="store_true", help="only show what was simulated before")
    asked = parser.parse_args()
    if not asked.show:
        simulate(asked.draws, asked.examples)
    show()


def simulate(draws: int, examples: list[int]) -> None:
    """Write the rows."""
    with ROWS.open("w", newline="") as file:
        writer: csv.DictWriter[str] | None = None
        for seed in range(draws):
            for n in examples:
                for kind in (*KINDS, *EDGES):
                    rows = follow(kind, n, seed)
                    if writer is None:
                        writer = csv.DictWriter(file, list(rows[0]))
                        writer.writeheader()
                    writer.writerows(
                        {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()} for row in rows
                    )


if __name__ == "__main__":
    main()
