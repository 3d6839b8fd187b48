"""Accuracy per run: estimators of memorization from 10 to 80 runs, against all runs that they did not use.

    python benchmarks/accuracy_per_run.py --collect audits/long          # hours; stops and resumes at any time
    python benchmarks/accuracy_per_run.py audits/long/fashion audits/long/diamonds audits/long/fashion-mnist

Any record of runs in balanced blocks of ten can be used; 120 runs or more are needed. Estimates come from disjoint sets
of whole blocks. They are corrected for the errors of the reference: `Pearson` is divided by the root of the
reference's reliability, and its mean error variance is subtracted from the square of `RMSE`. `order` looks at the pairs of
examples that differ by two standard errors or more in the reference: the share that the estimate puts in the same order,
ties by half. `covers` says how often the 90 % interval, widened by the reference's error, contains the
reference: for all, and for examples with an estimate between .05 and .95. `predicts` is how often the reference
is in the central 90 % of what the posteriors predict for its counts (shrunk only).
"""

import argparse
import dataclasses
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats
from side_by_side import machine, table

from byrote import Record, collect
from byrote.evidence.columns import per_run
from byrote.scores import correctness, memorization, shrunk_memorization
from byrote.scores._empirical_bayes import Posterior, posteriors
from byrote.summaries import top_overlap
from byrote.task.canaries import Canaries
from byrote.task.loading import load_task
from byrote.task.models import mlp
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear

Columns = dict[str, NDArray[np.generic]]
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
SIZES, BLOCK, MOST_GROUPS = (10, 20, 40, 80), 10, 8
MARKS = ("Pearson", "Spearman", "order", "RMSE", "top 1 %", "top 5 %", "covers", "covers, middle", "width", "predicts")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="*", type=Path)
    parser.add_argument(
        "--collect", type=Path, metavar="DIRECTORY", help="train the three long ensembles into DIRECTORY"
    )
    parser.add_argument("--figure", type=Path, help="draw the error against the runs into this file (.svg or .png)")
    options = parser.parse_args()
    if options.collect:
        gather(options.collect)
        return
    lines: list[dict[str, object]] = []
    for directory in options.records:
        columns = read(Record(directory))
        runs, examples = columns["member"].shape
        print(f"\n## {directory.name}: {runs} runs, {examples} examples\n")
        rows: list[list[str]] = []
        for size in SIZES:
            found = compare(columns, size)
            for name, marks in found.items():
                rows.append([str(size), name, *(written(marks[:, k]) for k in range(len(MARKS)))])
                lines += [{"data": directory.name, "runs": size, "estimator": name, "RMSE": m[3]} for m in marks]
        print(table(["runs", "estimator", *MARKS], rows), flush=True)
    print(f"\nMeans (standard deviations) over disjoint sets of runs. {machine()}")
    if options.figure:
        draw(lines, options.figure)


def gather(directory: Path) -> None:
    """Train the ensembles of docs/theory.md, one block of ten after the other."""
    quick = Recipe(epochs=10, batch_size=128, optimizer="sgd", learning_rate=linear(0.1))
    tasks = {
        "fashion": (load_task("fashion"), Canaries.of_each(50), 200),
        "diamonds": (load_task(str(Path(__file__).with_name("diamonds.py"))), Canaries.of_each(50), 300),
        "fashion-mnist": (
            dataclasses.replace(load_task("fashion-mnist"), model=lambda: mlp((28, 28), 10), recipe=quick),
            Canaries.of_each(600),
            120,
        ),
    }
    for name, (task, canaries, runs) in tasks.items():
        for some in range(BLOCK, runs + 1, BLOCK):
            collect(task, directory / name, runs=some, canaries=canaries)
            print(f"{name}: {some} of {runs} runs", file=sys.stderr)


def read(record: Record) -> Columns:
    """Return the columns of all examples that were in at least one run, of whole blocks."""
    runs = record.runs[: len(record.runs) // BLOCK * BLOCK]
    member = np.stack([record.member(run) for run in runs])
    who = member.any(axis=0)
    last = {
        name: np.stack([record.at_step(run, name, record.last_step)[who] for run in runs])
        for name in ("correct", "margin", "confidence")
    }
    trace = np.stack([values[who] for _, values in per_run(correctness, record, runs)])
    return {"member": member[:, who], **last, "correct": last["correct"].astype(np.bool_), "trace": trace}


def compare(columns: Columns, size: int) -> dict[str, Floats]:
    """Return, for each estimator, one row of MARKS per set of runs."""
    found: dict[str, list[list[float]]] = defaultdict(list)
    for chosen, rest in groups(len(columns["member"]), size):
        some, reference = ({name: column[part] for name, column in columns.items()} for part in (chosen, rest))
        judge = Judge(*counts(reference["correct"], reference["member"]))
        for name, estimate in ESTIMATORS.items():
            value = estimate(some)
            found[name].append(judge.agreement(value) + judge.intervals(name, value, some))
    return {name: np.array(marks) for name, marks in found.items()}


def groups(runs: int, size: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield disjoint sets of whole blocks, each with all other runs: at least 30 of them."""
    for start in range(0, min(runs // size, MOST_GROUPS) * size if runs - size >= 30 else 0, size):
        chosen = np.arange(start, start + size)
        yield chosen, np.setdiff1d(np.arange(runs), chosen)


def counts(correct: NDArray[np.bool_], member: NDArray[np.bool_]) -> tuple[Counts, Counts, Counts, Counts]:
    """Return, for each example, the number of IN models, of those that are right, of OUT models, of those that are right."""
    sides = member, ~member
    with_it, without = ((side.sum(axis=0), (correct & side).sum(axis=0)) for side in sides)
    return *with_it, *without


class Judge:
    """A reference from many runs, with an estimate of its errors."""

    def __init__(self, inside: Counts, right_in: Counts, outside: Counts, right_out: Counts) -> None:
        self.inside, self.right_in, self.outside, self.right_out = inside, right_in, outside, right_out
        p, q = self.right_in / self.inside, self.right_out / self.outside
        self.value, self.variance = p - q, p * (1 - p) / (self.inside - 1) + q * (1 - q) / (self.outside - 1)
        self.reliability = 1 - self.variance.mean() / self.value.var()
        pairs = np.random.default_rng(0).integers(len(p), size=(2, 400_000))
        smooth = [(k + 0.5) / (n + 1) for k, n in ((self.right_in, self.inside), (self.right_out, self.outside))]
        self.error = np.sqrt(smooth[0] * (1 - smooth[0]) / self.inside + smooth[1] * (1 - smooth[1]) / self.outside)
        apart = np.abs(np.diff(self.value[pairs], axis=0)[0]) > 2 * np.hypot(*self.error[pairs])
        self.pairs = pairs[:, apart]
        self.order = np.sign(np.diff(self.value[self.pairs], axis=0)[0])

    def agreement(self, value: Floats) -> list[float]:
        pearson = np.corrcoef(value, self.value)[0, 1] / np.sqrt(self.reliability)
        order = np.mean(np.sign(np.diff(value[self.pairs], axis=0)[0]) * self.order / 2 + 0.5)
        error = np.sqrt(max(np.mean((value - self.value) ** 2) - self.variance.mean(), 0.0))
        tops = [top_overlap(value, self.value, k=round(share * len(value))).value for share in (0.01, 0.05)]
        return [pearson, stats.spearmanr(value, self.value).statistic, order, error, *tops]

    def intervals(self, name: str, value: Floats, some: Columns) -> list[float]:
        if name == "textbook":
            low, high = memorization.interval(some["correct"], some["member"], level=0.9)
            predicted = float("nan")
        elif name == "shrunk":
            named = some["correct"], some["margin"], some["trace"], some["member"]
            low, high = shrunk_memorization.interval(*named, level=0.9)
            predicted = self.predicted(*posteriors(*named))
        else:
            return [float("nan")] * 4
        noise = special.ndtri(0.95) * self.error
        hit = (self.value >= value - np.hypot(value - low, noise)) & (
            self.value <= value + np.hypot(high - value, noise)
        )
        middle = (value > 0.05) & (value < 0.95)
        return [hit.mean(), hit[middle].mean(), (high - low).mean(), predicted]

    def predicted(self, *sides: Posterior) -> float:
        """Return how often the reference is in the central 90 % of what is predicted for its counts; ties at random."""
        rng = np.random.default_rng(0)
        below, same, draws = np.zeros(len(self.value)), np.zeros(len(self.value)), 400
        for _ in range(draws):
            shares = [
                rng.binomial(n, side.at(rng.normal(size=len(n)))) / n
                for n, side in zip((self.inside, self.outside), sides, strict=True)
            ]
            gap = shares[0] - shares[1] - self.value
            below, same = below + (gap < -1e-12), same + (np.abs(gap) <= 1e-12)
        rank = (below + rng.random(len(below)) * (same + 1)) / (draws + 1)
        return float(np.mean((rank > 0.05) & (rank < 0.95)))


def soft(some: Columns) -> Floats:
    """Mean probability of the label in IN models minus OUT models."""
    member, values = some["member"], some["confidence"].astype(np.float64)
    return mean(values, member) - mean(values, ~member)


def normal(some: Columns) -> Floats:
    """Phi(mean margin / standard deviation), the latter shrunk towards the median one, in IN models minus OUT models."""
    margin, sides = some["margin"].astype(np.float64), []
    for use in (some["member"], ~some["member"]):
        n, centre = use.sum(axis=0), mean(margin, use)
        squares = np.sum((margin - centre) ** 2 * use, axis=0)
        spread = np.sqrt((squares + 4 * np.median(squares / (n - 1))) / (n + 3))
        sides.append(special.ndtr(centre / spread / np.sqrt(1 + 1 / n)))
    return sides[0] - sides[1]


def shrunk(some: Columns, *, traced: bool = True) -> Floats:
    trace = some["trace"] if traced else np.full_like(some["trace"], np.nan)
    return shrunk_memorization(some["correct"], some["margin"], trace, some["member"])


def mean(values: Floats, use: NDArray[np.bool_]) -> Floats:
    return np.sum(values * use, axis=0) / use.sum(axis=0)


ESTIMATORS: dict[str, Callable[[Columns], Floats]] = {
    "textbook": lambda some: memorization(some["correct"], some["member"]),
    "probability of the label": soft,
    "normal margins": normal,
    "shrunk, without traces": lambda some: shrunk(some, traced=False),
    "shrunk": shrunk,
}


def written(marks: Floats) -> str:
    if np.isnan(marks).all():
        return ""
    return f"{marks.mean():.3f} ({marks.std(ddof=1):.3f})" if len(marks) > 1 else f"{marks[0]:.3f}"


def draw(lines: list[dict[str, object]], path: Path) -> None:
    import altair as alt

    shown = [line for line in lines if line["estimator"] != "probability of the label"]
    base = alt.Chart(alt.Data(values=shown)).encode(
        x=alt.X("runs:Q", scale=alt.Scale(type="log", base=2), axis=alt.Axis(values=list(SIZES), grid=False)),
        y=alt.Y(
            "mean(RMSE):Q",
            title="error (RMSE)",
            scale=alt.Scale(type="log", domain=[0.028, 0.17], nice=False),
            axis=alt.Axis(values=[0.03, 0.04, 0.06, 0.08, 0.12, 0.16]),
        ),
        color=alt.Color("estimator:N", sort=list(ESTIMATORS), title=None, legend=alt.Legend(orient="bottom")),
    )
    drawn = (base.mark_line() + base.mark_point(filled=True, size=40)).properties(width=210, height=220)
    drawn.facet(column=alt.Column("data:N", title=None)).save(str(path))


if __name__ == "__main__":
    main()
