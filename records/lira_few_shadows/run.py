"""LiRA with 16 shadow models: pooled or own variance, against the loss alone, and with shuffled membership.

byrote audit fashion --runs 134 --out audits/fashion
python records/lira_few_shadows/run.py --record audits/fashion
"""

import argparse

import numpy as np
from scipy.stats import kstest, norm

import byrote
from byrote.scores import bavaria, lira, loss
from byrote.stats.intervals import clopper_pearson, student
from byrote.summaries import null, pooled_tpr_at_fpr
from byrote.task.designs import Subsets

GROUP = 17
RATES = (0.001, 0.01)
VARIANCES = ("pooled", "own", "bayes")
FAKES, SHUFFLES, SOME = 100, 19, 1000


def told(values: np.ndarray) -> str:
    """Return the mean over groups with its 90 % interval, in per cent."""
    low, high = student(values.mean(), values.var(ddof=1), len(values), level=0.9)
    return f"{100 * values.mean():.2f} [{100 * low:.2f}, {100 * high:.2f}]"


def main() -> None:
    """Read the record, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", default="audits/fashion")
    record = byrote.Record(parser.parse_args().record)
    groups = [record.runs[i : i + GROUP] for i in range(0, len(record.runs) - GROUP + 1, GROUP)]
    print(
        f"{record.manifest['task']['name']}: {len(groups)} groups of {GROUP} runs, each the target of the other {GROUP - 1}; {record.manifest['design']}"
    )
    print("found, in % of members (mean over groups, 90 % intervals over groups)")
    attacks = [
        loss,
        *(lira.bind(variance=v) for v in VARIANCES),
        *(lira.bind(online=False, variance=v) for v in VARIANCES),
        bavaria,
    ]
    found: dict[str, np.ndarray] = {}
    for attack in attacks:
        said = [byrote.guess(attack, record, runs=runs) for runs in groups]
        found[str(attack)] = np.array(
            [[pooled_tpr_at_fpr(g.value, g.member, fpr=rate).tpr.value for rate in RATES] for g in said]
        )
        print(
            f"{attack!s:38s} "
            + ", ".join(f"at {100 * r:g} %: {told(v)}" for r, v in zip(RATES, found[str(attack)].T, strict=True))
        )
    for name in ("loss", "lira(variance='own')", "lira(variance='bayes')"):
        apart = found["lira(variance='pooled')"] - found[name]
        print(
            f"pooled - {name}: "
            + ", ".join(f"at {100 * r:g} %: {told(v)}" for r, v in zip(RATES, apart.T, strict=True))
        )

    print("offline: p-values of non-members (1 - normal distribution function), uniform if calibrated")
    for attack in [*(lira.bind(online=False, variance=v) for v in VARIANCES), bavaria.bind(online=False)]:
        shares: list[tuple[float, float, float, float]] = []
        for runs in groups:
            said = byrote.guess(attack, record, runs=runs)
            p = norm.sf(said.value[~said.member & np.isfinite(said.value)])
            shares.append(
                (float(kstest(p, "uniform").statistic), *(float((p <= at).mean()) for at in (0.001, 0.01, 0.05)))
            )
        ks, *below = np.array(shares).T
        print(
            f"{attack!s:38s} largest distance from uniform {ks.mean():.3f}; in % of non-members, p <= .001: {told(below[0])}, "
            f"<= .01: {told(below[1])}, <= .05: {told(below[2])}"
        )

    runs, rng = groups[0], np.random.default_rng(0)
    some = np.sort(rng.permutation(np.flatnonzero(record.population.where("train")))[:SOME])
    losses = np.stack([record.at_step(run, "loss", record.last_step)[some] for run in runs])

    def statistic(member: np.ndarray) -> float:
        value = lira(losses, member)
        return float(np.mean(value[member] > np.quantile(value[~member], 0.99)))

    p = np.array([
        null(statistic, Subsets(0.7).membership([GROUP], np.arange(SOME).astype(str), 1 + i), keep_examples=True, shuffles=SHUFFLES, seed=i).p_value
        for i in range(FAKES)
    ])  # fmt: skip
    low, high = clopper_pearson((p <= 0.05).sum(), FAKES, level=0.9)
    quarter, _ = np.histogram(p, 4, (0, 1.0001))
    print(
        f"memberships that say nothing, {FAKES} times: p <= .05 in {(p <= 0.05).mean():.2f} [{low:.2f}, {high:.2f}], mean p {p.mean():.3f}, by quarters {quarter}"
    )


if __name__ == "__main__":
    main()
