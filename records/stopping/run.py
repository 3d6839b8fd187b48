"""How right is the estimated reliability, and how often is the true one below the target where runs stop? See README.md."""

import argparse
import csv
from pathlib import Path

import numpy as np
from records.calibration.truths import HELD_OUT, TRUTHS, Truth
from scipy import special, stats

from byrote.scores import shrunk_memorization
from byrote.stats.intervals import normal_quantile
from byrote.summaries.expected_top import expected_top
from byrote.summaries.posterior_reliability import posterior_reliability
from byrote.task.designs import Subsets

LOOKS = (4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48)
"""Numbers of runs after which it is asked whether they are enough; larger ones take too long here."""

SHOWN = (4, 5, 6, 8, 12, 20, 40)

ROWS = Path(__file__).with_name("simulated.csv")


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
    truth = {**TRUTHS, **HELD_OUT}[kind](n, np.random.default_rng([seed, n]))
    all_runs, rows = columns(truth, seed), []
    for runs in LOOKS:
        part = [column[:runs] for column in all_runs]
        value, (low, high) = shrunk_memorization(*part), shrunk_memorization.interval(*part, level=0.9)
        estimate = posterior_reliability(value, (high - low) / (2 * normal_quantile(0.9)))
        true = np.corrcoef(value, truth.memorization)[0, 1] ** 2
        k = max(10, n // 50)
        listed = expected_top(value, low, high, k=k)
        right = len(set(np.argsort(-value)[:k]) & set(np.argsort(-truth.memorization)[:k])) / k
        rows.append({"kind": kind, "examples": n, "seed": seed, "runs": runs, "estimate": estimate.value, "low": estimate.low,
                     "true": true, "top": k, "top_estimate": listed.value, "top_true": right})  # fmt: skip
        if estimate.value > 0.96:
            break
    return rows


def show() -> None:
    """Print the error of the estimate by number of runs, and what is true where runs stop."""
    rows = [{k: v if k == "kind" else float(v) for k, v in row.items()} for row in csv.DictReader(ROWS.open())]
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    for what in ("", "top_"):
        print(
            f"\n| {what or 'reliability'}: estimate minus truth | "
            + " | ".join(f"{runs} runs" for runs in SHOWN)
            + " |"
        )
        print("|---" * (len(SHOWN) + 1) + "|")
        for kind in kinds:
            for n in sorted({row["examples"] for row in rows}):
                cells = []
                for runs in SHOWN:
                    found = [row[f"{what}estimate" if what else "estimate"] - row[f"{what}true"] for row in rows
                             if (row["kind"], row["examples"], row["runs"]) == (kind, n, runs)]  # fmt: skip
                    cells.append(f"{np.mean(found):+.2f}" if found else "")
                print(f"| {kind}, {n:g} examples | " + " | ".join(cells) + " |")
    print("\n| target | fewest runs | stops | true one below the target | mean of the true one | furthest below |")
    print("|---|---|---|---|---|---|")
    for fewest in (4, 6):
        for target in (0.6, 0.7, 0.8, 0.9):
            stops: dict[tuple[object, ...], float] = {}
            for row in rows:  # in order of runs
                if row["estimate"] >= target and row["runs"] >= fewest:
                    stops.setdefault((row["kind"], row["examples"], row["seed"]), row["true"])
            true = np.array(list(stops.values()))
            below = target - true[true < target]
            print(
                f"| {target} | {fewest} | {len(true)} | {len(below)} | {true.mean():.3f} | {below.max(initial=0):.3f} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=4)
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
                for kind in {**TRUTHS, **HELD_OUT}:
                    rows = follow(kind, n, seed)
                    if writer is None:
                        writer = csv.DictWriter(file, list(rows[0]))
                        writer.writeheader()
                    writer.writerows(
                        {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()} for row in rows
                    )


if __name__ == "__main__":
    main()
