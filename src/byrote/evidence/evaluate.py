"""From a record to values: call a score on the columns that its signature names, with an interval for each value."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray

from byrote import notebook
from byrote.arrays import checked
from byrote.errors import MissingEvidence
from byrote.evidence.columns import Read, chosen_runs, per_run, stack
from byrote.evidence.order import how_sorted, surest_first
from byrote.record import Record
from byrote.record.arrow import arrow_stream
from byrote.signature import MEANING, Score
from byrote.stats.intervals import normal_quantile, student

LEVEL = 0.9
"""Level of every interval, unless another is given."""

SHOWN = 10
"""Examples that values show of themselves in a notebook."""


@dataclass(frozen=True, eq=False)
class Values:
    """One score of every example of a record, with its interval and the runs behind it.

    `low` and `high` bound the value at `level`; `stderr` is their distance divided by twice the normal quantile.
    `runs_in` and `runs_out` count the runs that were and were not trained on the example. Undefined values, and
    intervals that one run cannot give, are NaN. A data frame is made of it directly, with a row per example and the columns
    of `byrote score --csv`: `polars.DataFrame(values)`, `pandas.DataFrame.from_arrow(values)`.
    """

    score: Score
    ids: Shaped[ndarray, " example"]
    value: Float[ndarray, " example"]
    low: Float[ndarray, " example"]
    high: Float[ndarray, " example"]
    runs_in: Int[ndarray, " example"]
    runs_out: Int[ndarray, " example"]
    level: float = LEVEL

    def _repr_html_(self) -> str:
        order = self.ranked(~np.isnan(self.value))[:SHOWN]
        rows = [
            (
                self.ids[at],
                notebook.number(*(float(part[at]) for part in (self.value, self.low, self.high))),
                self.runs_in[at],
                self.runs_out[at],
            )
            for at in order
        ]
        undefined = int(np.isnan(self.value).sum())
        note = f"The first {len(rows)} of {len(self.value):,} examples, by {self.sorted_by}; of {undefined:,} the score is undefined. High: {MEANING[self.score.high]}. {self.score.summary}"
        columns = ("example", f"value, {100 * self.level:g} % interval", "runs in", "runs out")
        return notebook.table(f"{self.score}", columns, rows, note)

    @property
    def stderr(self) -> Float[ndarray, " example"]:
        """Half the interval over the normal quantile of its level."""
        return (self.high - self.low) / (2 * normal_quantile(self.level))

    @property
    def columns(self) -> dict[str, Any]:
        """The table, column by column: `example`, the score with its `low` and `high` end, `runs in` and `runs out`."""
        name = str(self.score)
        ends = {f"{name} low": self.low, f"{name} high": self.high}
        return {"example": self.ids, name: self.value, **ends, "runs in": self.runs_in, "runs out": self.runs_out}

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give the table to a library that reads Arrow; undefined values are null."""
        return arrow_stream(self.columns, requested_schema)

    @checked
    def ranked(self, mask: Bool[ndarray, " example"]) -> Int[ndarray, " rank"]:
        """Return the positions under `mask`, those that are surely memorized (or hard) first, as `byrote score` lists them.

        The order is that of the end of the interval that is nearer to not memorized (`sorted_by` says it in words): with few
        runs, the largest values are large by luck. A shrunk score, and one without intervals, is ranked by its value. Ties
        are ordered by the value, then as they are; NaN comes last.
        """
        return surest_first(self.score, self.value, self.low, self.high, np.flatnonzero(mask))

    @property
    def sorted_by(self) -> str:
        """The order of `ranked` in a few words."""
        return how_sorted(self.score, self.value, self.low, self.high, self.level)


@dataclass(frozen=True, eq=False)
class AttackValues:
    """Values of a membership attack for every run and example: a high value says that the run was trained on the example.

    Each run is the target once, and the others are the attacker's shadow models. `positions` are the examples, in the
    order of the columns; `member` is the truth. NaN where the attack has no value. A data frame that is made of it has a row
    for each run and example.
    """

    score: Score
    runs: tuple[int, ...]
    positions: Int[ndarray, " example"]
    value: Float[ndarray, "run example"]
    member: Bool[ndarray, "run example"]

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give `run`, `position`, the attack's value and `member` to a library that reads Arrow."""
        runs, examples = self.value.shape
        columns = {
            "run": np.repeat(np.array(self.runs, np.int64), examples),
            "position": np.tile(self.positions, runs),
            str(self.score): self.value.ravel(),
            "member": self.member.ravel(),
        }
        return arrow_stream(columns, requested_schema)


@checked
def evaluate(
    score: Score,
    record: Record,
    *,
    level: float = LEVEL,
    runs: Sequence[int] | None = None,
    read: Read | None = None,
) -> Values:
    """Return one value per example of the record.

    A score that reads the `run` axis is called once on all runs. Any other is a score of one model: it is called on
    each run and averaged over the runs that were trained on the example (infinite when at least half of its values are,
    else the mean of the finite ones). A score that lacks the `step` axis reads the step its option `step` names, else
    the last. `read` reads in place of `record.at_step`. Raises MissingEvidence.
    """
    chosen = chosen_runs(score, record, runs)
    if score.key != ("example",):
        how = "with byrote.guess" if "run" in score.key else "in blocks, with byrote.pairs"
        raise MissingEvidence(f"{score} has one value per {' and '.join(score.key)}. Ask for it {how}.")
    member = np.stack([record.member(run) for run in chosen])
    runs_in = member.sum(0)
    if "run" in score.axes:
        value, low, high = _across(score, record, chosen, level, read or record.at_step)
    else:
        value, low, high = _within(score, record, chosen, member, level, read or record.at_step)
    return Values(score, record.population.ids, value, low, high, runs_in, len(chosen) - runs_in, level)


@checked
def guess(
    score: Score,
    record: Record,
    *,
    positions: Int[ndarray, " example"] | None = None,
    runs: Sequence[int] | None = None,
    read: Read | None = None,
) -> AttackValues:
    """Return the score as a membership attack on the examples at `positions` (None: all real training examples).

    A score with a value per run and example is called once on all runs. A score of one model at one step says member
    where the example is easy (`loss`: where it is low). Raises MissingEvidence for any other: the columns recorded during
    training exist for members only, so they give membership away. `read` reads in place of `record.at_step`.
    """
    chosen = chosen_runs(score, record, runs)
    if positions is None:
        positions = np.flatnonzero(record.population.where("train"))
    member = np.stack([record.member(run)[positions] for run in chosen])
    if score.key == ("run", "example"):
        columns = [stack(need, record, chosen, score, read or record.at_step, positions) for need in score.needs]
        value = np.asarray(score(*columns), np.float64)
    elif score.key == ("example",) and not score.axes & {"run", "step"} and not _gives_membership_away(score):
        value = np.stack([-score.sign * values[positions] for _, values in per_run(score, record, chosen, read=read)])
    else:
        raise MissingEvidence(
            f"{score} is no membership attack. Take `loss`, or a score with a value for each run and example, such as `lira`."
        )
    return AttackValues(score, tuple(chosen), positions, value, member)


def _gives_membership_away(score: Score) -> bool:
    return any(need.column.endswith("_seen") or need.column == "member" for need in score.needs)


Pairs = Float[ndarray, "example target"]
AsScored = Float[ndarray, "..."]
"""The axes that the score has."""


@checked
def pairs(
    score: Score, record: Record, targets: Int[ndarray, " target"], *, block: int = 512, level: float = LEVEL
) -> Iterator[tuple[Int[ndarray, " target"], Pairs, Pairs, Pairs]]:
    """Yield (targets, value, low, high) with arrays `[example, target]`, a block of targets at a time.

    Memory is bounded by examples x block; `targets` are positions in the record.
    """
    if score.key != ("example", "target"):
        raise MissingEvidence(f"{score} has no value per pair of example and target. Use byrote.evaluate.")
    chosen = chosen_runs(score, record, None)
    whole = {need.column: stack(need, record, chosen, score, record.at_step) for need in score.needs}
    for start in range(0, len(targets), block):
        part = targets[start : start + block]
        columns = [whole[n.column][:, part] if "target" in n.axes else whole[n.column] for n in score.needs]
        value = np.asarray(score(*columns))
        low = high = np.full_like(value, np.nan)
        if score.interval is not None:
            low, high = score.interval(*columns, level=level)
        yield part, value, low, high


def jackknife(score: Score, columns: Sequence[Shaped[ndarray, "..."]]) -> tuple[AsScored, AsScored]:
    """Return the score and its variance, leaving out one run at a time (Tukey 1958). The variance of one run is NaN."""
    runs = len(columns[_first_with_run(score)])
    value = np.asarray(score(*columns), np.float64)
    if runs < 2:
        return value, np.full_like(value, np.nan)
    total, squares = np.zeros_like(value), np.zeros_like(value)
    for left_out in range(runs):
        kept = np.arange(runs) != left_out
        part = [c[kept] if "run" in need.axes else c for need, c in zip(score.needs, columns, strict=True)]
        change = np.asarray(score(*part), np.float64) - value
        total, squares = total + change, squares + change**2
    return value, np.maximum((runs - 1) / runs * (squares - total**2 / runs), 0.0)


def _across(score: Score, record: Record, runs: Sequence[int], level: float, read: Read) -> tuple[AsScored, ...]:
    columns = [stack(need, record, runs, score, read) for need in score.needs]
    if score.both is not None:
        return score.both(*columns, level=level)
    if score.interval is not None:
        return (np.asarray(score(*columns), np.float64), *score.interval(*columns, level=level))
    value, variance = jackknife(score, columns)
    return (value, *student(value, variance * len(runs), np.full(value.shape, len(runs)), level=level))


def _within(
    score: Score, record: Record, runs: Sequence[int], member: Bool[ndarray, "run example"], level: float, read: Read
) -> tuple[AsScored, ...]:
    n = len(record.population)
    count, extreme, mean, squares = (np.zeros(n) for _ in range(4))
    for (_, values), trained in zip(per_run(score, record, runs, read=read), member, strict=True):
        extreme += np.where(trained & np.isinf(values), np.sign(values), 0.0)
        use = trained & np.isfinite(values)
        count += use
        delta = np.where(use, values - mean, 0.0)
        mean += delta / np.maximum(count, 1)
        squares += delta * np.where(use, values - mean, 0.0)
    value = np.where(count > 0, mean, np.nan)
    low, high = student(value, squares / np.maximum(count - 1, 1), count, level=level)
    unbounded = (extreme != 0) & (np.abs(extreme) >= count)
    value = np.where(unbounded, np.copysign(np.inf, extreme), value)
    return value, np.where(unbounded, np.nan, low), np.where(unbounded, np.nan, high)


def _first_with_run(score: Score) -> int:
    return next(i for i, need in enumerate(score.needs) if "run" in need.axes)
