"""Do 40 runs estimate memorization as an independent reference does? Random divisions of one large record.

byrote audit fashion --runs 134 --out audits/fashion
python records/forty_runs_suffice/run.py --record audits/fashion
"""

import argparse

import numpy as np

import byrote
from byrote.scores import memorization, shrunk_memorization
from byrote.stats.intervals import fisher
from byrote.summaries import spearman

COUNTS = (10, 20, 40)


def main() -> None:
    """Read the record, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", default="audits/fashion")
    parser.add_argument("--cuts", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    record = byrote.Record(asked.record)
    train, rng = record.population.where("train"), np.random.default_rng(asked.seed)
    print(
        f"{record.manifest['task']['name']}: {len(record.runs)} runs, {train.sum()} examples, {asked.cuts} random cuts"
    )
    found = {
        (str(score), count): list[tuple[float, float, float]]()
        for score in (memorization, shrunk_memorization)
        for count in COUNTS
    }
    between: list[float] = []
    for _ in range(asked.cuts):
        order = [record.runs[i] for i in rng.permutation(len(record.runs))]
        few, rest = order[: max(COUNTS)], order[max(COUNTS) :]
        reference = byrote.evaluate(memorization, record, runs=rest).value[train]
        halves = [byrote.evaluate(memorization, record, runs=part).value[train] for part in (rest[::2], rest[1::2])]
        known = np.isfinite(halves[0] + halves[1])
        half = float(np.corrcoef(halves[0][known], halves[1][known])[0, 1])
        between.append(2 * half / (1 + half))
        for score in (memorization, shrunk_memorization):
            for count in COUNTS:
                value = byrote.evaluate(score, record, runs=few[:count]).value[train]
                both = np.isfinite(value) & np.isfinite(reference)
                linear = float(np.corrcoef(value[both], reference[both])[0, 1])
                error = float(np.sqrt(np.mean((value - reference)[both] ** 2)))
                found[str(score), count].append((linear, spearman(value[both], reference[both]).value, error))
    print(
        f"reference: memorization from the other {len(record.runs) - max(COUNTS)} runs, reliability (Spearman-Brown) {np.mean(between):.4f}"
    )
    for (name, count), each in found.items():
        linear, rank, error = np.array(each).T
        low, high = fisher(float(linear.mean()), int(train.sum()), rank=False, level=0.9)
        print(
            f"{name:18s} {count:3d} runs: Pearson {linear.mean():.4f} [{low:.4f}, {high:.4f}] over examples, {linear.min():.4f} to {linear.max():.4f} "
            f"over cuts; Spearman {rank.mean():.3f}; root mean squared difference {error.mean():.3f}"
        )


if __name__ == "__main__":
    main()
