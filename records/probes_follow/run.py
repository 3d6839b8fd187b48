r"""Which probes of one trained model follow memorization from many runs?

byrote audit fashion --runs 134 --out audits/fashion
byrote audit fashion --runs 8 --seed 1 --probe input_gradient --probe entropy --probe modified_entropy --probe-every 1 \
    --out audits/probed
byrote audit fashion --runs 8 --seed 1 --probe curvature --probe grand --out audits/bent
python records/probes_follow/run.py --reference audits/fashion --probed audits/probed audits/bent
"""

import argparse

import numpy as np
from scipy.stats import rankdata

import byrote
from byrote.evidence.catalogue import find_score
from byrote.scores import csg, csl, loss, memorization
from byrote.stats.intervals import student


def correlations(values: np.ndarray, reference: np.ndarray, sign: int) -> tuple[float, float]:
    """Return Pearson's and Spearman's correlation where both are finite, with the sign that makes 1 agreement."""
    both = np.isfinite(values) & np.isfinite(reference)
    a, b = sign * values[both], reference[both]
    return float(np.corrcoef(a, b)[0, 1]), float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def main() -> None:
    """Read the records, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--reference", default="audits/fashion")
    parser.add_argument("--probed", nargs="+", default=["audits/probed", "audits/bent"])
    options = parser.parse_args()
    known = byrote.Record(options.reference)
    value = byrote.evaluate(memorization, known).value
    by_id = {known.population.ids[at]: value[at] for at in np.flatnonzero(known.population.where("train"))}
    print(f"memorization from {len(known.runs)} runs of {options.reference}; 90 % intervals over runs")
    for directory in options.probed:
        record = byrote.Record(directory)
        reference = np.array(
            [by_id.get(name, np.nan) for name in record.population.ids]
        )  # other examples are canaries here
        train = record.population.where("train")
        scores = [find_score(name) for name in record.probes]
        if "input_gradient" in record.probes:
            scores += [csg, csl, loss]
        for score in scores:
            for side, name in ((True, "trained on"), (False, "left out")):
                found: list[tuple[float, float]] = []
                for run, values in byrote.per_run(score, record):
                    member = record.member(run)
                    use = train & (member if side else ~member)
                    if np.isfinite(values[use]).any():
                        found.append(correlations(values[use], reference[use], score.sign))
                if not found:
                    continue
                linear, rank = np.array(found).T
                ends = (student(each.mean(), each.var(ddof=1), len(each), level=0.9) for each in (linear, rank))
                (low, high), (least, most) = ends
                print(
                    f"{score!s:18s} one run, {name:10s}: Pearson {linear.mean():+.3f} [{low:+.3f}, {high:+.3f}], "
                    f"Spearman {rank.mean():+.3f} [{least:+.3f}, {most:+.3f}]",
                    flush=True,
                )
            mean = byrote.evaluate(score, record).value
            pearson, spearman = correlations(mean[train], reference[train], score.sign)
            print(
                f"{score!s:18s} mean of {len(record.runs)} runs     : Pearson {pearson:+.3f}, Spearman {spearman:+.3f}"
            )


if __name__ == "__main__":
    main()
