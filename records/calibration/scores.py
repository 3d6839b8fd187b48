"""How often the intervals of scores hold the truth: runs with known probabilities, by number of runs and by estimate."""

from collections.abc import Callable, Iterator

import numpy as np
from records.calibration.rows import Row, of_draws
from records.calibration.truths import HELD_OUT, IN_OF_TEN, TRUTHS, Truth, balanced

from byrote.scores import (
    c_score,
    counterfactual,
    influence,
    memorization,
    shrunk_memorization,
    soft_influence,
    soft_memorization,
)
from byrote.scores.group_memorization import group_memorization
from byrote.summaries import forecast, length_of_halves, split_half

RUNS, LEVEL = (6, 10, 20, 80), 0.9
SIZES = {6: (500,), 10: (300, 500, 2000, 10_000), 20: (300, 500, 2000, 10_000), 80: (500,)}
STRATA = ((-np.inf, 0.05), (0.05, 0.2), (0.2, 0.5), (0.5, np.inf))
FEWEST = 50  # a stratum with fewer examples in all records together is left out


def rows(*, examples: int = 10_000, seed: int = 1) -> Iterator[Row]:
    """Yield all rows; each rate of a score is over some `examples`, in records of the size that the setting names."""
    for name, truth in TRUTHS.items():
        for runs in RUNS:
            for size in SIZES[runs]:
                yield from _shrunk(name, truth, runs, size, max(3, examples // size), seed)
    for name, truth in TRUTHS.items():
        for runs in RUNS:
            yield from _counted(name, truth, runs, examples // 500, seed)
    for runs in RUNS:
        yield from _soft(runs, examples // 500, seed)
        yield from _groups(runs, examples // 20, seed)


def reliability_rows(*, records: int = 100, seed: int = 1) -> Iterator[Row]:
    """Yield the coverage of the expected correlation with as many new runs."""
    for runs in RUNS:
        yield from _reliability(runs, records, seed)


def held_out_rows(*, examples: int = 10_000, seed: int = 1001) -> Iterator[Row]:
    """Yield the coverage of `shrunk_memorization` on kinds of data, and with seeds, that its constants were not chosen on.

    The last rows are means over the settings with 500 examples of the kinds that were used to choose, and of those that were not.
    """
    for name, truth in HELD_OUT.items():
        for runs in RUNS:
            for size in (500, 2000) if runs in (10, 20) else (500,):
                yield from _shrunk(name, truth, runs, size, max(3, examples // size), seed)
    for kinds, called in (
        (TRUTHS, "five kinds of data that the factor was chosen on, new seeds"),
        (HELD_OUT, "three other kinds of data"),
    ):
        for runs in RUNS:
            records: list[tuple[np.ndarray, np.ndarray]] = []
            for truth in kinds.values():
                found = _shrunk_records(truth, runs, 500, max(3, examples // 1000), seed)
                records += [each[:2] for each in found]
            yield from _by_stratum("shrunk_memorization, overall", f"{called}, {runs} runs", records)


def _shrunk(
    name: str, truth: Callable[[int, np.random.Generator], Truth], runs: int, size: int, records: int, seed: int
) -> Iterator[Row]:
    found = _shrunk_records(truth, runs, size, records, seed)
    setting = f"{name}, {runs} runs, {size:,} examples"
    yield from _by_stratum("shrunk_memorization", setting, [each[:2] for each in found])
    if any(rare.any() for *_, rare in found):
        yield _rate("shrunk_memorization", setting, [held[rare] for _, held, rare in found], "the rare group")


def _shrunk_records(
    truth: Callable[[int, np.random.Generator], Truth], runs: int, size: int, records: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return the estimates of each record, whether the interval holds the truth, and who is in the rare group."""
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for record in range(records):
        rng = np.random.default_rng([seed, runs, size, record])
        drawn = truth(size, rng)
        columns = drawn.runs(runs, rng)
        low, high = shrunk_memorization.interval(*columns, level=LEVEL)
        held = (low <= drawn.memorization) & (drawn.memorization <= high)
        found.append((shrunk_memorization(*columns), held, drawn.rare))
    return found


def _counted(
    name: str, truth: Callable[[int, np.random.Generator], Truth], runs: int, records: int, seed: int
) -> Iterator[Row]:
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"memorization": [], "c_score": [], "influence": []}
    for record in range(records):
        rng = np.random.default_rng([seed, runs, record, 1])
        drawn = truth(500, rng)
        correct, _, _, member = drawn.runs(runs, rng)
        for score, true in ((memorization, drawn.memorization), (c_score, drawn.p_out)):
            low, high = score.interval(correct, member, level=LEVEL)
            found[str(score)].append((score(correct, member), (low <= true) & (true <= high)))
        # targets that do not depend on these examples: the true influence is 0
        p = drawn.p_out[:50]
        targets = rng.random((runs, len(p))) < p
        low, high = influence.interval(targets, member, level=LEVEL)
        found["influence"].append(((influence(targets, member)).ravel(), ((low <= 0) & (high >= 0)).ravel()))
    for score, parts in found.items():
        yield from _by_stratum(score, f"{name}, {runs} runs", parts)


def _soft(runs: int, records: int, seed: int) -> Iterator[Row]:
    """Numbers instead of right or wrong: probabilities of the label, and losses (lognormal)."""
    held: dict[str, list[np.ndarray]] = {"soft_memorization": [], "soft_influence": [], "counterfactual": []}
    for record in range(records):
        rng = np.random.default_rng([seed, runs, record, 2])
        member = balanced(runs, 500, rng)
        inside, outside = rng.uniform(0.8, 0.99, 500), rng.uniform(0.05, 0.95, 500)
        confidence = rng.beta(5 * np.where(member, inside, outside), 5 * (1 - np.where(member, inside, outside)))
        loss = np.where(member, 0.1, 1.0) * rng.lognormal(0, 0.7, member.shape)
        targets = rng.beta(5 * outside[:50], 5 * (1 - outside[:50]), (runs, 50))
        change = -0.9 * np.exp(0.7**2 / 2)
        for score, values, true in (
            (soft_memorization, confidence, inside - outside),
            (soft_influence, targets, 0.0),
            (counterfactual, loss, change),
        ):
            low, high = score.interval(values, member, level=LEVEL)
            held[str(score)].append(((low <= true) & (true <= high))[np.isfinite(low)].ravel())
    for score, each in held.items():
        if any(len(part) for part in each):
            setting = "lognormal losses" if score == "counterfactual" else "beta-distributed probabilities"
            yield _rate(score, f"{setting}, {runs} runs", each)


def _groups(runs: int, records: int, seed: int) -> Iterator[Row]:
    """Groups of ten, left out whole; the examples of a group share a run's luck, or each has its own."""
    for shared, name in ((True, "all right or all wrong"), (False, "independent")):
        held: list[np.ndarray] = []
        for record in range(records):
            rng = np.random.default_rng([seed, runs, record, 3])
            inside = balanced(runs, 20, rng)
            p = np.where(inside, 0.95, rng.random(20))
            luck = rng.random((runs, 20)).repeat(10, axis=1) if shared else rng.random((runs, 200))
            correct, member = luck < p.repeat(10, axis=1), inside.repeat(10, axis=1)
            found = group_memorization(correct, member, np.arange(200) // 10 + 100, level=LEVEL)
            true = 0.95 - np.where(inside, np.nan, p)
            true = np.nanmean(true, axis=0)
            held.append((found.low <= true) & (true <= found.high))
        yield _rate("group_memorization", f"groups of ten, {name}, {runs} runs", held)


def _reliability(runs: int, records: int, seed: int) -> Iterator[Row]:
    """The correlation with as many new runs: of these examples (`forecast`), and of new ones too (`split_half`)."""
    held: dict[str, list[np.ndarray]] = {"Forecast.reliability": [], "split_half": []}
    for record in range(records):
        rng = np.random.default_rng([seed, runs, record, 4])
        p_out = rng.beta(1, 1, 500)
        p_in = p_out + (1 - p_out) * rng.beta(3, 1, 500)
        member = balanced(runs, 500, rng)
        correct = rng.random(member.shape) < np.where(member, p_in, p_out)
        n_in = member[:, 0].sum()
        noise = np.mean(p_in * (1 - p_in) / n_in + p_out * (1 - p_out) / (runs - n_in))
        true = np.var(p_in - p_out) / (np.var(p_in - p_out) + noise)
        found = forecast(correct, member)
        if found is not None:
            held["Forecast.reliability"].append(np.array([found.reliability.low <= true <= found.reliability.high]))
        held["split_half"].append(np.array([_covers(correct, member, true)]))
    for name, each in held.items():
        yield of_draws(name, f"500 examples, {runs} runs", [bool(one[0]) for one in each])
    for name, drawn in TRUTHS.items():
        many = drawn(200_000, np.random.default_rng(seed))
        n_in = round(IN_OF_TEN * runs / 10)
        noise = np.mean(many.p_in * (1 - many.p_in) / n_in + many.p_out * (1 - many.p_out) / (runs - n_in))
        true = float(np.var(many.memorization) / (np.var(many.memorization) + noise))
        found_: list[bool] = []
        for record in range(records):
            rng = np.random.default_rng([seed, runs, record, 6])
            correct, _, _, member = drawn(500, rng).runs(runs, rng)
            found_.append(_covers(correct, member, true))
        yield of_draws("split_half", f"{name}, 500 examples, {runs} runs", found_)


def _covers(correct: np.ndarray, member: np.ndarray, true: float) -> bool:
    first, second = slice(0, None, 2), slice(1, None, 2)
    length = length_of_halves(member[first], member[second])
    halves = (memorization(correct[half], member[half]) for half in (first, second))
    cut = split_half(*halves, length=length)
    return cut.low <= true <= cut.high


def _by_stratum(quantity: str, setting: str, records: list[tuple[np.ndarray, np.ndarray]]) -> Iterator[Row]:
    yield _rate(quantity, setting, [held[np.isfinite(value)] for value, held in records])
    if quantity != "memorization" and not quantity.startswith("shrunk_memorization"):
        return
    for low, high in STRATA:
        parts = [held[(value >= low) & (value < high)] for value, held in records]
        if sum(map(len, parts)) >= FEWEST:
            below, above = np.isinf(low), np.isinf(high)
            yield _rate(
                quantity,
                setting,
                parts,
                f"below {high}" if below else f"{low} and more" if above else f"{low} to {high}",
            )


def _rate(quantity: str, setting: str, records: list[np.ndarray], stratum: str = "") -> Row:
    """Return the share of all these, with the standard error between records: examples of one record share its runs."""
    sizes = np.array([len(each) for each in records])
    sums = np.array([each.sum() for each in records], np.float64)
    share, some = float(sums.sum() / max(sizes.sum(), 1)), np.count_nonzero(sizes)
    scatter = float(np.sqrt(np.sum((sums - share * sizes) ** 2) * some / max(some - 1, 1)) / max(sizes.sum(), 1))
    return Row(quantity, setting, LEVEL, share, int(some), stratum, spread=scatter)
