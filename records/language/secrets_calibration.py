"""Do the measures of secrets, membership and bits keep their promises? Simulated data with a known truth.

python records/language/secrets_calibration.py        (about four minutes on one core)
"""

import time
from collections.abc import Callable

import numpy as np
from scipy import special, stats

from byrote.errors import Unsupported
from byrote.lm.attack_judgement import judge, judge_passages
from byrote.lm.bits import memorized_bits
from byrote.lm.blind import blind_text
from byrote.lm.data_sets import dataset_inference
from byrote.lm.difference_in_differences import memorization_profile
from byrote.lm.exposure import exposure_by_copies, null_check
from byrote.lm.forgetting import half_life
from byrote.lm.marks import marks_needed, power_of_proof, proof_of_use
from byrote.lm.sequential import confidence_sequence, evidence_of_more, stop_when_sure
from byrote.lm.words import WORDS
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.summaries.exposure import exposure_interval, extrapolated_exposure, extrapolated_exposure_interval


def report(what: str, hits: int | float, draws: int, nominal: str) -> None:
    share = Estimate.of_share(hits, draws, "draw", level=0.95)
    print(f"| {what} | {nominal} | {share.value:.3f} [{share.low:.3f}, {share.high:.3f}] | {draws} |", flush=True)


def ranks_and_exposure() -> None:
    rng = np.random.default_rng(1)
    for size, draws in ((10, 1000), (40, 1000)):
        alarms, held, student = 0, 0, 0
        for at in range(draws):
            ranked = np.full(size, 1001.0)
            bits = np.log2(ranked) - np.log2(rng.integers(1, 1002, size))
            check = null_check(bits, ranked, seed=at)
            alarms += check.p_value < 0.05
            held += check.mean.low <= check.expected <= check.mean.high
            mean = exposure_by_copies(bits, np.zeros(size, np.int64))[0]
            student += mean.low <= check.expected <= mean.high
        report(f"null check of {size} canaries: p below .05", alarms, draws, "at most .05")
        report(f"null check of {size} canaries: interval of the mean", held, draws, ".9")
        report(f"mean exposure of {size} null canaries: Student", student, draws, ".9")
    for bits in (2, 5, 9):
        draws, held = 1000, 0
        for _ in range(draws):
            low, high = exposure_interval(np.array([2.0**-bits]), rng.random(1000))
            held += low[0] <= bits <= high[0]
        report(f"sampled exposure of {bits} bits, 1,000 references", held, draws, "at least .9")
    for shape, name in ((0.0, "normal"), (4.0, "skew normal, shape 4"), (-4.0, "skew normal, shape -4")):
        law = stats.skewnorm(shape)
        for references in (200, 1000):
            for bits in (10, 40):
                at = float(law.ppf(2.0**-bits))
                draws, held, off = 100, 0, list[float]()
                for _ in range(draws):
                    sample = law.rvs(references, random_state=rng)
                    low, high = extrapolated_exposure_interval(np.array([at]), sample, draws=100)
                    held += low[0] <= bits <= high[0]
                    off.append(high[0] - low[0])
                report(
                    f"extrapolated exposure of {bits} bits, {references} references, {name} (mean width {np.mean(off):.1f} bits)",
                    held,
                    draws,
                    ".9",
                )
    law, refused, draws = stats.gamma(4), 0, 100
    for seed in range(draws):
        try:
            extrapolated_exposure(np.array([-1.0]), law.rvs(1000, random_state=seed))
        except Unsupported:
            refused += 1
    report("gamma-shaped losses (skewness 1), 1,000 references: the fit is refused", refused, draws, "high")


def proofs() -> None:
    rng = np.random.default_rng(2)
    for marks, alternatives in ((5, 9), (20, 99)):
        draws = 4000
        false = sum(
            proof_of_use(rng.normal(size=marks), rng.normal(size=(marks, alternatives)), alpha=0.05).proven
            for _ in range(draws)
        )
        report(f"proof of use at the null, {marks} marks, {alternatives} alternatives", false, draws, "at most .05")
        tied = sum(
            proof_of_use(
                rng.integers(0, 4, marks) + 0.0, rng.integers(0, 4, (marks, alternatives)) + 0.0, alpha=0.05
            ).proven
            for _ in range(draws)
        )
        report(f"the same with many ties, {marks} marks", tied, draws, "at most .05")
    for wins in (0.6, 0.7, 0.8, 0.9):
        needed = marks_needed(wins)
        shift = special.ndtri(wins) * np.sqrt(2)
        draws = 1000
        found = sum(
            proof_of_use(-rng.normal(shift, 1, needed), -rng.normal(size=(needed, 99))).proven for _ in range(draws)
        )
        report(
            f"power at 1 % with {needed} marks (needed for .8) that beat an alternative with {wins} (computed {power_of_proof(needed, 99, wins):.3f})",
            found,
            draws,
            ".8 or more",
        )


def attacks() -> None:
    rng = np.random.default_rng(3)
    d = 1.0
    truth = special.ndtr(d / np.sqrt(2)), special.ndtr(d - special.ndtri(0.99))
    draws, area, rate = 400, 0, 0
    for _ in range(draws):
        member = np.arange(600) < 300
        found = judge(rng.normal(size=600) + d * member, member)
        area += found.auroc.low <= truth[0] <= found.auroc.high
        assert not isinstance(found.at_fpr, NotMeasured)
        rate += found.at_fpr.tpr.low <= truth[1] <= found.at_fpr.tpr.high
    report("AUROC of 300 + 300 documents", area, draws, ".9")
    report("true-positive rate at 1 %, 300 + 300 documents", rate, draws, ".9")
    for documents, share in ((100, 0.5), (200, 0.9)):
        draws, area, rate = 200, 0, 0
        for _ in range(draws):
            member = np.arange(2 * documents) < documents
            document = np.repeat(np.arange(2 * documents), 5)
            noise = np.sqrt(share) * rng.normal(size=2 * documents)[document]
            value = noise + np.sqrt(1 - share) * rng.normal(size=len(document)) + d * member[document]
            found, at = judge_passages(value, document, member)
            area += found.low <= truth[0] <= found.high
            assert isinstance(at, Estimate)
            rate += at.low <= truth[1] <= at.high
        setting = f"{documents} + {documents} documents of 5 passages, correlation {share}"
        report(f"AUROC of passages, {setting}", area, draws, ".9")
        report(f"true-positive rate at 1 % of passages, {setting}", rate, draws, ".9")
    draws, alarms = 200, 0
    for seed in range(draws):
        texts = [
            " ".join(rng.choice(WORDS, rng.integers(20, 60))) + f" in {rng.integers(1950, 2020)}." for _ in range(100)
        ]
        alarms += blind_text(texts, rng.permutation(100) < 50, seed=seed).warning is not None
    report("blind baselines warn of a random split of 100 texts", alarms, draws, "at most .05")
    draws, found = 50, 0
    for seed in range(draws):
        member = np.arange(100) < 50
        texts = [
            " ".join(rng.choice(WORDS, 40)) + f" in {rng.integers(2010, 2020) + 4 * (not inside)}." for inside in member
        ]
        found += blind_text(texts, member, seed=seed).warning is not None
    report("they warn where others are four years younger (2010-19 and 2014-23)", found, draws, "high")
    for gain, what in ((0.0, "p below .05 at the null"), (0.4, "p below .05, members .4 deviations higher")):
        draws, found = 400, 0
        for seed in range(draws):
            suspect = np.arange(200) < 100
            scores = rng.standard_t(3, (200, 5)) + gain * suspect[:, None]
            found += dataset_inference(scores, suspect, permutations=199, seed=seed).p_value <= 0.05
        report(
            f"dataset inference, 100 + 100 documents, 5 scores: {what}",
            found,
            draws,
            "at most .05" if gain == 0 else "high",
        )


def profiles() -> None:
    rng = np.random.default_rng(5)
    checkpoints, draws = 8, 200
    held, alarms, clustered, plain, biased = np.zeros(3), 0, 0, 0, 0
    for seed in range(draws):
        seen = rng.integers(0, checkpoints + 3, 300)
        outcome = panel(rng, seen, checkpoints)
        found = memorization_profile(outcome, seen, seed=seed)
        for i, lag in enumerate((0, 1, 4)):
            at = found.effects[found.lags.index(lag)]
            held[i] += at.low <= 0.5 * 0.7**lag <= at.high
        alarms += found.parallel_trends < 0.05
        drift = outcome + 0.1 * np.arange(checkpoints)[:, None] * (seen >= checkpoints)
        biased += memorization_profile(drift, seen, seed=seed).parallel_trends < 0.05
        cluster = np.arange(300) // 5
        together = seen[cluster * 5]
        shared = panel(rng, together, checkpoints) + rng.normal(0, 0.5, (checkpoints, 60))[:, cluster]
        for by, name in ((cluster, "clustered"), (None, "plain")):
            at = memorization_profile(shared, together, cluster=by, seed=seed).instantaneous
            if name == "clustered":
                clustered += at.low <= 0.5 <= at.high
            else:
                plain += at.low <= 0.5 <= at.high
    for i, lag in enumerate((0, 1, 4)):
        report(
            f"difference-in-differences, 300 documents, 8 checkpoints, effect {lag} after", int(held[i]), draws, ".9"
        )
    report("parallel trends where they are: p below .05", alarms, draws, "at most .05")
    report("parallel trends where controls drift by .1 per checkpoint: p below .05", biased, draws, "high")
    report("60 clusters of 5 documents, by cluster", clustered, draws, ".9")
    report("60 clusters of 5 documents, as if independent", plain, draws, "(too low)")
    for life in (100.0, 1000.0):
        draws, held, start = 300, 0, 0
        for seed in range(draws):
            since = np.tile([0.0, 50.0, 100.0, 200.0, 400.0], 30)
            document = np.repeat(np.arange(30), 5)
            size = rng.lognormal(0, 0.5, 30)[document]
            gain = size * 2 ** (-since / life) + rng.normal(0, 0.3, len(since))
            found = half_life(gain, since, document, seed=seed)
            held += found.updates.low <= life <= found.updates.high
            start += found.start.low <= np.exp(0.125) <= found.start.high
        report(f"half-life of {life:g} updates, 30 documents at 5 times up to 400", held, draws, ".9")
        report("its gain at the start", start, draws, ".9")


def panel(rng: np.random.Generator, seen: np.ndarray, checkpoints: int) -> np.ndarray:
    """Return log-probabilities that all rise with training, and by .5 x .7^lag more after the document was seen."""
    time_ = np.arange(checkpoints)[:, None]
    lag = time_ - seen
    effect = np.where(lag >= 0, 0.5 * 0.7 ** np.maximum(lag, 0), 0.0)
    return (
        -3 + rng.normal(size=len(seen)) + np.sqrt(time_) * 0.3 + effect + rng.normal(0, 0.3, (checkpoints, len(seen)))
    )


def sequences() -> None:
    rng = np.random.default_rng(6)
    trials = np.arange(1, 2001)
    for rate in (0.001, 0.01, 0.1, 0.5):
        draws, ever, end = 1000, 0, 0
        for _ in range(draws):
            low, high = confidence_sequence(np.cumsum(rng.random(2000) < rate), trials)
            held = (low <= rate) & (rate <= high)
            ever += bool(held.all())
            end += bool(held[-1])
        report(f"confidence sequence, rate {rate}, at all of 2,000 looks", ever, draws, "at least .95")
        report(f"its last look, rate {rate}", end, draws, "(more)")
    for first, second in ((0.05, 0.05), (0.02, 0.05)):
        draws = 1000
        false = sum(
            evidence_of_more(rng.random(2000) < first, rng.random(2000) < second).max() >= 20 for _ in range(draws)
        )
        report(f"evidence of more ever reaches 20, rates {first} and {second}", false, draws, "at most .05")
    print(
        "\n| recited, control | pairs until 20 (median; 90 % of audits by) | fixed sample for power .9 (exact sign test) |\n|---|---|---|"
    )
    for first, second in ((0.02, 0.0), (0.05, 0.01), (0.2, 0.02), (0.5, 0.0)):
        stop = []
        for _ in range(200):
            value = evidence_of_more(rng.random(3000) < first, rng.random(3000) < second)
            stop.append(int(np.argmax(value >= 20)) + 1 if value.max() >= 20 else 3000)
        print(
            f"| {first}, {second} | {np.median(stop):.0f}; {np.quantile(stop, 0.9):.0f} | {fixed_pairs(first, second)} |",
            flush=True,
        )
    print(
        "\n| rate, limit | answer wrong | passages until sure (mean; 90 % by) | fixed sample for power .9 (exact) |\n|---|---|---|---|"
    )
    for rate, limit in ((0.0, 0.01), (0.001, 0.01), (0.03, 0.01), (0.1, 0.01), (0.5, 0.01), (0.3, 0.1)):
        stops, wrong, draws = list[int](), 0, 200
        for _ in range(draws):
            found = stop_when_sure(rng.random(4000) < rate, limit=limit)
            stops.append(found.trials)
            wrong += found.answer == ("below" if rate > limit else "above")
        print(
            f"| {rate}, {limit} | {wrong} of {draws} | {np.mean(stops):.0f}; {np.quantile(stops, 0.9):.0f} | {fixed_sample(rate, limit)} |",
            flush=True,
        )


def fixed_sample(rate: float, limit: float) -> int:
    """Return the least sample of which 90 % have a Clopper-Pearson interval (95 %) on the right side of the limit."""
    return first(lambda n: above_or_below(n, rate, limit) >= 0.9)


def above_or_below(n: int, rate: float, limit: float) -> float:
    if rate > limit:
        fewest = stats.binom.isf(0.025, n, limit) + 1
        return float(stats.binom.sf(fewest - 1, n, rate))
    most = stats.binom.ppf(0.025, n, limit)
    most = most if stats.binom.cdf(most, n, limit) <= 0.025 else most - 1
    return float(stats.binom.cdf(most, n, rate)) if most >= 0 else 0.0


def fixed_pairs(one: float, other: float) -> int:
    """Return the least number of pairs for which an exact one-sided sign test at 5 % has power .9."""
    p, q = one * (1 - other), other * (1 - one)

    def power(n: int) -> float:
        count = np.arange(n + 1)
        fewest = stats.binom.isf(0.05, count, 0.5) + 1
        return float(stats.binom.pmf(count, n, p + q) @ stats.binom.sf(fewest - 1, count, p / (p + q)))

    return first(lambda n: power(n) >= 0.9)


def first(enough: Callable[[int], bool]) -> int:
    high = 1
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def bits() -> None:
    rng = np.random.default_rng(7)
    draws, held = 1000, 0
    for _ in range(draws):
        member, control = rng.exponential(3, 100) + rng.normal(2, 5, 100), rng.normal(2, 5, 60)
        found = memorized_bits(member, control)
        held += found.low <= 300 <= found.high
    report("memorized bits of 100 documents, 60 control documents", held, draws, ".9")


if __name__ == "__main__":
    start = time.process_time()
    print("| what | nominal | measured (95 % interval) | draws |\n|---|---|---|---|")
    for part in (ranks_and_exposure, proofs, attacks, profiles, bits, sequences):
        part()
    print(f"\n{time.process_time() - start:.0f} s of processor time")
