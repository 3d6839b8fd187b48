"""Which signals of one training follow memorization from many runs? Sums over training, or one epoch of it.

byrote audit fashion --runs 134 --out audits/fashion
python records/cumulative_beats_one_epoch/run.py --record audits/fashion
"""

import argparse

import numpy as np
from scipy.stats import rankdata

import byrote
from byrote.scores import SCORES, memorization
from byrote.stats.intervals import student

CUMULATIVE = ("csl", "mean_confidence", "cumulative_el2n", "aum", "learning_time", "forgetting", "variability")
TARGETS = 10


def correlations(values: np.ndarray, reference: np.ndarray, sign: int) -> tuple[float, float]:
    """Return Pearson's and Spearman's correlation where both are finite, with the sign that makes 1 agreement."""
    both = np.isfinite(values) & np.isfinite(reference)
    a, b = sign * values[both], reference[both]
    return float(np.corrcoef(a, b)[0, 1]), float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def main() -> None:
    """Read the record, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", default="audits/fashion")
    record = byrote.Record(parser.parse_args().record)
    train, targets, others = record.population.where("train"), record.runs[:TARGETS], record.runs[TARGETS:]
    reference = byrote.evaluate(memorization, record, runs=others).value
    last = record.last_step
    one_step = [
        SCORES["el2n"].bind(step=step) for step in sorted({1, max(1, round(0.1 * last)), max(1, last // 3), last})
    ]
    print(
        f"{record.manifest['task']['name']}: memorization from {len(others)} runs; signals from {TARGETS} others, {last} epochs; "
        f"members among {train.sum()} examples; 90 % intervals over runs"
    )
    pooled: dict[str, tuple[float, float]] = {}
    paired: dict[str, np.ndarray] = {}
    for score in [*(SCORES[name] for name in CUMULATIVE), *one_step, SCORES["loss"]]:
        found: list[tuple[float, float]] = []
        for run, values in byrote.per_run(score, record, targets):
            use = train & record.member(run)
            found.append(correlations(values[use], reference[use], score.sign))
        linear, rank = np.array(found).T
        paired[str(score)] = linear
        low, high = student(linear.mean(), linear.var(ddof=1), len(linear), level=0.9)
        mean = byrote.evaluate(score, record, runs=targets).value
        pooled[str(score)] = correlations(mean[train], reference[train], score.sign)
        print(
            f"{score!s:16s} one run: Pearson {linear.mean():+.3f} [{low:+.3f}, {high:+.3f}], Spearman {rank.mean():+.3f}; "
            f"mean of {TARGETS} runs: Pearson {pooled[str(score)][0]:+.3f}, Spearman {pooled[str(score)][1]:+.3f}",
            flush=True,
        )
    best = paired["csl"]
    for name in [*map(str, one_step), "loss"]:
        apart = best - paired[name]
        low, high = student(apart.mean(), apart.var(ddof=1), len(apart), level=0.9)
        print(f"Pearson of csl - {name}, same runs: {apart.mean():+.3f} [{low:+.3f}, {high:+.3f}]")


if __name__ == "__main__":
    main()
