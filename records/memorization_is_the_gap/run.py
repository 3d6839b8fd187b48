"""Is the mean of memorization the generalization gap? It reads any record with subsets and test examples.

byrote audit fashion --runs 134 --out audits/fashion
python records/memorization_is_the_gap/run.py --record audits/fashion
"""

import argparse

import numpy as np

import byrote
from byrote.scores import memorization
from byrote.stats.intervals import normal_quantile
from byrote.summaries import gap


def main() -> None:
    """Read the record, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", default="audits/fashion")
    record = byrote.Record(parser.parse_args().record)
    train, test = record.population.where("train"), record.population.where("test")
    right = np.stack([record.at_step(run, "correct", record.last_step) for run in record.runs]).astype(bool)
    member = np.stack([record.member(run) for run in record.runs])[:, train]
    correct, tested = right[:, train], right[:, test]
    runs = len(record.runs)
    print(
        f"{record.manifest['task']['name']}: {runs} runs of {record.manifest['design']}, {train.sum()} + {test.sum()} examples"
    )

    mean = float(np.nanmean(byrote.evaluate(memorization, record).value[train]))
    print(f"mean memorization                          {mean:.5f}")
    print(
        f"accuracy on members - on the left out      {gap(correct, member).value:.5f} (byrote.summaries.gap: {gap(correct, member)})"
    )

    in_run = np.array([row[inside].mean() for row, inside in zip(correct, member, strict=True)])
    measured = in_run - tested.mean(axis=1)
    without = np.where(member, 0, correct).sum(axis=0) / (~member).sum(axis=0)
    per_run = np.array([row[~inside].mean() for row, inside in zip(correct, member, strict=True)]) - tested.mean(axis=1)
    variance = (
        per_run.var(ddof=1) / runs + without.var(ddof=1) / train.sum() + tested.mean(axis=0).var(ddof=1) / test.sum()
    )
    error = float(np.sqrt(variance))
    print(f"accuracy on members - on the test examples {measured.mean():.5f}")
    apart, half = mean - measured.mean(), normal_quantile(0.9) * error
    print(
        f"difference {apart:+.5f} [{apart - half:+.5f}, {apart + half:+.5f}], "
        f"standard error {error:.5f} (runs, training examples and test examples vary): {abs(apart) / error:.2f} of them"
    )
    alone = per_run.std(ddof=1) / np.sqrt(runs)
    print(f"standard error over runs alone {alone:.5f}: {abs(apart) / alone:.2f} of them")


if __name__ == "__main__":
    main()
