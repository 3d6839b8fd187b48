"""Two audits that exist: who is no longer memorized, who newly is, and how much everything else has changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray
from numpy.typing import NDArray
from scipy import stats

from byrote import notebook
from byrote.arrays import checked
from byrote.errors import InvalidData, MissingEvidence, WrongRecord
from byrote.evidence.evaluate import LEVEL
from byrote.evidence.outcomes import Outcomes, read_outcomes
from byrote.experiments.measures import MEASURES, Hard, gap, measured
from byrote.experiments.same_examples import differing
from byrote.explain.dependents import MEMORIZED
from byrote.record import Record
from byrote.scores import memorization
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import t_quantile
from byrote.stats.step_up import step_up

FDR = 0.1
"""The expected share of false ones among the examples, and among the classes, that are listed as changed."""

LISTED = 0.1
"""No example is tested whose p-value could not be this small, however its runs had come out."""


@dataclass(frozen=True, eq=False)
class Changed:
    """Memorization of each example in two audits. `change` is after minus before, `p_value` that of no change (NaN: not tested).

    `listed` have changed, at the false-discovery rate FDR.
    """

    before: Float[ndarray, " example"]
    after: Float[ndarray, " example"]
    p_value: Float[ndarray, " example"]
    listed: Bool[ndarray, " example"]

    @property
    def change(self) -> Float[ndarray, " example"]:
        """Memorization after minus before: below 0, less is memorized."""
        return self.after - self.before

    @property
    def no_longer(self) -> Bool[ndarray, " example"]:
        """Listed examples that were memorized (at MEMORIZED or more) and are no longer."""
        return self.listed & (self.before >= MEMORIZED) & (self.after < MEMORIZED)

    @property
    def newly(self) -> Bool[ndarray, " example"]:
        """Listed examples that are memorized (at MEMORIZED or more) and were not: a new layer of the onion."""
        return self.listed & (self.after >= MEMORIZED) & (self.before < MEMORIZED)


@dataclass(frozen=True)
class ClassChange:
    """How memorization of one class has changed (below 0: less). `sure`: listed at the false-discovery rate FDR."""

    name: str
    examples: int
    before: float
    after: float
    change: Estimate
    sure: bool


@dataclass(frozen=True, eq=False)
class AuditChange:
    """What has changed from one audit to another, over the training examples that both have.

    `ids` and `labels` (empty where targets are no classes) are those of the examples of `examples`. `measures` has, by name,
    the value before, the value after, and the change with its 90 % interval over runs: `paired` by run where both audits
    trained the same runs on the same examples, else of independent runs (Welch). Accuracy is that of `tests` test examples that
    both have; `tests_left_out` are in one audit only, as are `left_out` training examples. `other_inputs` are ids of training
    examples that have other inputs in the two audits, which are left out too; `other_labels` those that are compared and have
    another label.
    """

    before: str
    after: str
    objective: str
    ids: Shaped[ndarray, " example"]
    labels: tuple[str, ...]
    examples: Changed
    classes: tuple[ClassChange, ...]
    measures: Mapping[str, tuple[float, float, Estimate]]
    paired: bool
    runs: tuple[int, int]
    left_out: int
    tests: int = 0
    tests_left_out: int = 0
    other_inputs: tuple[str, ...] = ()
    other_labels: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        rows = [
            (name, f"{before:.3g}", f"{after:.3g}", notebook.number(change.value, change.low, change.high))
            for name, (before, after, change) in self.measures.items()
        ]
        listed, newly = int(self.examples.listed.sum()), int(self.examples.newly.sum())
        note = f"{listed} of {len(self.ids):,} training examples have changed, at a false-discovery rate of {FDR:.0%}: {int(self.examples.no_longer.sum())} are no longer memorized, {newly} newly."
        return notebook.table(
            f"From {self.before} to {self.after}", ("measure", "before", "after", "change, 90 % interval"), rows, note
        )


def compare_audits(before: Record | Path | str, after: Record | Path | str) -> AuditChange:
    """Compare two audits that exist, example by example: their training examples are matched by id.

    It misleads when more than what is asked about was changed from one to the other: other data, another recipe and another
    share of left-out examples all change memorization. What few runs cannot show is not listed. Raises WrongRecord for
    audits of other objectives, without a common example, or with other examples under the same ids, MissingEvidence where an
    example has no prediction.
    """
    first, second = (each if isinstance(each, Record) else Record(each) for each in (before, after))
    if first.objective.name != second.objective.name:
        raise WrongRecord(
            f"{first.directory} learns {first.objective.name} and {second.directory} {second.objective.name}. Compare two audits of one kind."
        )
    for record in (first, second):
        if not record.runs:
            raise MissingEvidence(f"{record.directory} has no finished run. Collect some first.")
    at = _common(first, second, "train")
    if not len(at[0]):
        raise WrongRecord(f"{first.directory} and {second.directory} have no training example in common.")
    real = first.population.where("train").sum() + second.population.where("train").sum()
    left_out = int(real - 2 * len(at[0]))
    tests = _common(first, second, "test")
    all_tests = first.population.where("test").sum() + second.population.where("test").sum()
    others = differing(first, second, at)
    same = np.ones(len(at[0]), np.bool_) if others.inputs is None else ~others.inputs
    names = first.population.ids[at[0]]
    at = at[0][same], at[1][same]
    outcomes = [
        read_outcomes(record, positions=positions) for record, positions in zip((first, second), at, strict=True)
    ]
    paired = _same_runs(*outcomes)
    labels = _labels(second, at[1])
    return AuditChange(
        before=str(first.directory),
        after=str(second.directory),
        objective=first.objective.name,
        ids=first.population.ids[at[0]],
        labels=labels,
        examples=changed(outcomes[0].correct, outcomes[0].member, outcomes[1].correct, outcomes[1].member),
        classes=_classes(outcomes, np.array(labels), paired),
        measures=_measures(first, second, at, tests, paired),
        paired=paired,
        runs=(len(first.runs), len(second.runs)),
        left_out=left_out,
        tests=len(tests[0]),
        tests_left_out=int(all_tests - 2 * len(tests[0])),
        other_inputs=tuple(names[~same].tolist()),
        other_labels=tuple(names[same & others.labels].tolist()),
    )


@checked
def changed(
    before: Shaped[ndarray, "run example"],
    before_member: Bool[ndarray, "run example"],
    after: Shaped[ndarray, "other example"],
    after_member: Bool[ndarray, "other example"],
    *,
    fdr: float = FDR,
) -> Changed:
    """Return how memorization of each example has changed, and the examples for which that is shown.

    Where outcomes are right or wrong, the p-value is exact: if an example is right as often before as after when it was
    trained on, and as often when it was not, then which of the IN runs, and which of the OUT runs, are those before is a
    random draw (two hypergeometric counts); p is the probability of a change of memorization as large as the observed one.
    For outcomes that are numbers it is Welch's (1947) for four groups of runs. Examples whose p-value could not be below
    LISTED (always right, say) are not tested (Gilbert, 2005, JRSS C 54). The others are listed by Benjamini & Hochberg's
    step-up procedure (1995).

    It takes runs as independent, and does not use that the two audits may have the same ones, which makes it cautious. Raises
    InvalidData for an `fdr` that is not between 0 and 1.
    """
    if not 0 < fdr < 1:
        raise InvalidData(f"The false discovery rate is {fdr}. Give one between 0 and 1.")
    exact = before.dtype == np.bool_ and after.dtype == np.bool_
    p = (_exact if exact else _welch)(before, before_member, after, after_member)
    return Changed(memorization(before, before_member), memorization(after, after_member), p, step_up(p, fdr)[0])


def _exact(
    before: Bool[ndarray, "run example"],
    before_member: Bool[ndarray, "run example"],
    after: Bool[ndarray, "other example"],
    after_member: Bool[ndarray, "other example"],
) -> Float[ndarray, " example"]:
    """Return exact p-values; examples with the same eight counts are computed once."""
    counts = np.stack(
        [
            (part & of).sum(axis=0)
            for right, member in ((before, before_member), (after, after_member))
            for of in (member, ~member)
            for part in (right, np.ones_like(right))
        ]
    )
    cells, home = np.unique(counts, axis=1, return_inverse=True)
    return np.array([_cell(*cell) for cell in cells.T])[home.reshape(-1)]


def _cell(in_1: int, n_1: int, out_1: int, m_1: int, in_2: int, n_2: int, out_2: int, m_2: int) -> float:
    """Return the p-value of one example from right IN runs, IN runs, right OUT runs and OUT runs, before and after."""
    if not (n_1 and m_1 and n_2 and m_2):
        return float("nan")
    inside, in_chance = _shift(in_1 + in_2, n_1, n_2)
    outside, out_chance = _shift(out_1 + out_2, m_1, m_2)
    change = np.abs(inside[:, None] - outside[None, :])
    chance = in_chance[:, None] * out_chance[None, :]
    if chance[change >= change.max() - 1e-9].sum() > LISTED:
        return float("nan")
    observed = abs((in_1 / n_1 - in_2 / n_2) - (out_1 / m_1 - out_2 / m_2))
    return float(min(1.0, chance[change >= observed - 1e-9].sum()))


def _shift(right: int, first: int, second: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return all differences of two shares that have so many right ones together, and the probability of each by chance."""
    k = np.arange(max(0, right - second), min(first, right) + 1)
    return k / first - (right - k) / second, stats.hypergeom.pmf(k, first + second, right, first)


def _welch(
    before: Shaped[ndarray, "run example"],
    before_member: Bool[ndarray, "run example"],
    after: Shaped[ndarray, "other example"],
    after_member: Bool[ndarray, "other example"],
) -> Float[ndarray, " example"]:
    parts = [
        _error(np.asarray(values, np.float64), member)
        for values, own in ((before, before_member), (after, after_member))
        for member in (own, ~own)
    ]
    change = (parts[2][0] - parts[3][0]) - (parts[0][0] - parts[1][0])
    with np.errstate(divide="ignore", invalid="ignore"):
        error = sum(squared for _, squared, _ in parts)
        freedom = error**2 / sum(squared**2 / (n - 1) for _, squared, n in parts)
        return np.asarray(2 * stats.t.sf(np.abs(change) / np.sqrt(error), freedom), np.float64)


def _error(
    values: Float[ndarray, "run example"], of: Bool[ndarray, "run example"]
) -> tuple[NDArray[np.float64], NDArray[np.float64], Int[ndarray, " example"]]:
    """Return mean, squared standard error (NaN below two runs) and number of the runs `of`, for each example."""
    n = of.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(of, values, 0.0).sum(axis=0) / n
        squared = np.where(of, (values - mean) ** 2, 0.0).sum(axis=0) / (n - 1) / n
    return mean, np.where(n > 1, squared, np.nan), n


def difference(
    before: Float[ndarray, " run"], after: Float[ndarray, " other"], *, paired: bool
) -> tuple[Estimate, float]:
    """Return mean after minus mean before with its interval over runs, and the p-value of no difference.

    Student's of the differences where runs are paired, else Welch's (1947); neither where nothing varies.
    """
    if paired:
        both = ~np.isnan(after - before)
        parts = [(after - before)[both]]
    else:
        parts = [after[~np.isnan(after)], before[~np.isnan(before)]]
    n, sizes = sum(map(len, parts)), [len(part) for part in parts]
    if not min(sizes):
        return Estimate.undefined("run", n=n, level=LEVEL), float("nan")
    value = float(parts[0].mean() - (0.0 if paired else parts[1].mean()))
    squared = np.array([part.var(ddof=1) / len(part) if len(part) > 1 else np.nan for part in parts])
    error = float(np.sqrt(squared.sum()))
    if not error > 1e-12:
        return Estimate(value, np.nan, np.nan, n, "run", LEVEL), float("nan")
    freedom = squared.sum() ** 2 / (squared**2 / (np.array(sizes) - 1)).sum()
    half = float(t_quantile(LEVEL, freedom)) * error
    p = float(2 * stats.t.sf(abs(value) / error, freedom))
    return Estimate(value, value - half, value + half, n, "run", LEVEL), p


def _common(first: Record, second: Record, split: str) -> tuple[Int[ndarray, " example"], Int[ndarray, " example"]]:
    """Return where the real examples of a split lie that both records have, in the order of the first one."""
    ids = [record.population.ids[record.population.where(split)] for record in (first, second)]
    both = np.intersect1d(ids[0], ids[1])
    first_at, second_at = (
        {str(name): at for at, name in enumerate(record.population.ids)} for record in (first, second)
    )
    shared = sorted(both.tolist(), key=first_at.__getitem__)
    return np.array([first_at[n] for n in shared], np.int64), np.array([second_at[n] for n in shared], np.int64)


def _same_runs(first: Outcomes, second: Outcomes) -> bool:
    return first.member.shape == second.member.shape and bool((first.member == second.member).all())


def _labels(record: Record, at: Int[ndarray, " example"]) -> tuple[str, ...]:
    if record.objective.name != "classification":
        return ()
    return tuple(record.classes[label] for label in record.population.labels[at])


def _classes(outcomes: list[Outcomes], labels: NDArray[np.str_], paired: bool) -> tuple[ClassChange, ...]:
    names = np.unique(labels).tolist()
    found: list[tuple[str, int, list[float], Estimate]] = []
    p: list[float] = []
    for name in names:
        gaps = [
            np.array(
                [gap(right, member, labels == name) for right, member in zip(each.correct, each.member, strict=True)]
            )
            for each in outcomes
        ]
        size, value = difference(*gaps, paired=paired)
        found.append((name, int((labels == name).sum()), [_mean(each) for each in gaps], size))
        p.append(value)
    sure, _, _ = step_up(np.array(p, np.float64), FDR)
    return tuple(
        ClassChange(name, count, means[0], means[1], size, bool(listed))
        for (name, count, means, size), listed in zip(found, sure, strict=True)
    )


def _measures(
    first: Record, second: Record, train: tuple[ndarray, ndarray], tests: tuple[ndarray, ndarray], paired: bool
) -> dict[str, tuple[float, float, Estimate]]:
    values: list[Mapping[str, NDArray[np.float64]]] = []
    for record, at, test in zip((first, second), train, tests, strict=True):
        counted = record.population.canary != ""
        counted[at] = counted[test] = True
        none = np.zeros((max(record.runs) + 1, len(record.population)), np.bool_)
        values.append(measured(record, record.runs, Hard(none, none), counted))
    before, after = values
    found = {
        each.name: (
            _mean(before[each.name]),
            _mean(after[each.name]),
            difference(before[each.name], after[each.name], paired=paired)[0],
        )
        for each in MEASURES
    }
    return {name: row for name, row in found.items() if np.isfinite(row[:2]).all()}


def _mean(values: Float[ndarray, " run"]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
