"""Are planted wrong labels memorized, is the histogram U-shaped, and do cheap scores find them?

byrote audit fashion --runs 134 --out audits/fashion   (plants 50 wrong labels; 20 runs show the same, less sharply)
python records/wrong_labels_are_memorized/run.py --record audits/fashion
"""

import argparse

import numpy as np

import byrote
from byrote.scores import aum, csl, el2n, forgetting, loss, mean_confidence, memorization
from byrote.stats.intervals import student
from byrote.summaries import auroc

BINS = 10


def main() -> None:
    """Read the record, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", default="audits/fashion")
    record = byrote.Record(parser.parse_args().record)
    population = record.population
    train = population.where("train")
    print(
        f"{record.manifest['task']['name']}: {len(record.runs)} runs, {train.sum()} real training examples, {record.manifest['canaries']}"
    )
    known = byrote.evaluate(memorization, record)
    for kind in ("mislabeled", "noise", "ordinary"):
        mine = known.value[population.canary == kind]
        low, high = student(mine.mean(), mine.var(ddof=1), len(mine), level=0.9)
        print(
            f"memorization of {kind:10s}: mean {mine.mean():.3f} [{low:.3f}, {high:.3f}], median {np.median(mine):.3f}, "
            f"above .8: {(mine > 0.8).sum()} of {len(mine)}"
        )
    for name, who in (("real", train), ("mislabeled", population.canary == "mislabeled")):
        counts, _ = np.histogram(np.clip(known.value[who], 0, 1), BINS, (0, 1))
        print(f"histogram of {name}, ten bins from 0 to 1: {' '.join(str(c) for c in counts)}")
    counts, _ = np.histogram(np.clip(known.value[train], 0, 1), BINS, (0, 1))
    lowest = int(np.argmin(counts))
    print(
        f"lowest bin {lowest + 1} of {BINS}, last bin over it {counts[-1] / max(counts[lowest], 1):.2f}, first {counts[0] / max(counts[lowest], 1):.1f}"
    )

    planted = population.canary == "mislabeled"
    clean = population.canary == "ordinary"
    early = el2n.bind(step=max(1, round(0.1 * record.last_step)))
    for score in (mean_confidence, csl, aum, forgetting, early, loss, memorization):
        one = record.runs[0]
        found: list[str] = []
        for runs in (None, [one]):
            if runs is not None and "run" in score.axes:
                continue
            values = byrote.evaluate(score, record, runs=runs)
            high = score.sign * values.value
            for others in (train, clean):
                usable = (planted | others) & ~np.isnan(high)
                found.append(str(auroc(high[usable], planted[usable])))
        told = "all runs, among real {}, among ordinary canaries {}".format(*found[:2])
        print(f"AUROC {score!s:16s} {told}" + (f"; run {one} alone {found[2]}, {found[3]}" if len(found) > 2 else ""))


if __name__ == "__main__":
    main()
