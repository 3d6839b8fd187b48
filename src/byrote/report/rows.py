"""Rows: what each chart draws, as typed values, from a record and its findings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import MissingEvidence
from byrote.evidence.evaluate import LEVEL, evaluate
from byrote.evidence.targets import target_text
from byrote.findings.canary_check import Detection
from byrote.findings.evaluated_scores import Panel
from byrote.findings.score_agreement import ScoreAgreement
from byrote.membership.attacks import Membership, curve
from byrote.record import Record
from byrote.record.run_file import SEEN
from byrote.report.numbers import text
from byrote.scores import correctness, mean_confidence, variability
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import wilson
from byrote.stats.not_measured import NotMeasured

BIN = 0.1
"""Width of a bin of memorization, where values lie between -1 and 1."""

BINS = 30
"""Where they do not, about this many bins at most; their width is then a round number."""

MAP_POINTS = 2000
"""Points on the data map at most; beyond that a random sample of the real examples is drawn."""


@dataclass(frozen=True)
class Bar:
    """The share of examples whose memorization lies in one bin, with Wilson's interval."""

    left: float
    right: float
    middle: float
    share: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class MapPoint:
    """One example on the data map; `shades` are the values that it can be coloured by."""

    id: str
    kind: str
    label: str
    confidence: float | None
    variability: float | None
    shades: Mapping[str, float | None]


@dataclass(frozen=True)
class DataMap:
    """The points of the data map, the names of their shades, and how many real examples the map could show."""

    points: tuple[MapPoint, ...]
    shades: tuple[str, ...]
    real: int


@dataclass(frozen=True)
class CurvePoint:
    """Accuracy at one step: the mean of `runs` runs, with Student's interval (None: one run has none)."""

    step: int
    value: float
    low: float | None
    high: float | None
    runs: int


@dataclass(frozen=True)
class Curve:
    """Accuracy over steps of one group of examples; `trained`: by models trained on them; `kind` of canary ("": real)."""

    name: str
    trained: bool
    kind: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class AgreementCell:
    """How two scores agree: the numbers that are coloured, and the same with their intervals as text."""

    first: str
    second: str
    rank: float | None
    overlap: float | None
    rank_text: str
    overlap_text: str


@dataclass(frozen=True)
class ScoreDot:
    """The AUROC of one score in one series, with its interval, also as text."""

    name: str
    series: str
    value: float | None
    low: float | None
    high: float | None
    text: str


@dataclass(frozen=True)
class OperatingDot:
    """One point of an attack's operating curve; `first`: the strongest attack, which is drawn with its interval."""

    attack: str
    fpr: float
    tpr: float
    low: float
    high: float
    first: bool


MANY = 100
"""Values from which on a histogram may leave the farthest out."""


@dataclass(frozen=True)
class Beyond:
    """From where to where a histogram shows values, and the `count` beyond, of which `far` is the farthest (0: there is none)."""

    left: float
    right: float
    count: int
    far: float


def far_values(values: NDArray[np.float64]) -> Beyond:
    """Return which values are so far off that the others would be one bar: farther beyond 98 % of them than these span.

    Of fewer than MANY values, none is.
    """
    values = values[np.isfinite(values)]
    if len(values) < MANY:
        return Beyond(-np.inf, np.inf, 0, 0.0)
    low, high = (float(np.quantile(values, share)) for share in (0.01, 0.99))
    span = max(high - low, 1.0)
    left, right = low - span, high + span
    beyond = values[(values < left) | (values > right)]
    return Beyond(left, right, len(beyond), float(beyond[np.argmax(np.abs(beyond))]) if len(beyond) else 0.0)


def bin_width(values: NDArray[np.float64]) -> float:
    """Return the width of the bins for these values: BIN, or the smallest of 0.2, 0.5, 1, 2, 5, ... that gives few bins."""
    values = values[np.isfinite(values)]
    if not len(values) or np.abs(values).max() <= 1:
        return BIN
    widths = (step * 10.0**power for power in range(-1, 300) for step in (1, 2, 5))
    return next(width for width in widths if (values.max() - values.min()) / width <= BINS)


def histogram_bars(values: NDArray[np.float64], width: float = BIN, number: int | None = None) -> tuple[Bar, ...]:
    """Return the share of values in bins centred on the multiples of a width, of `number` values; NaN are left out."""
    values = values[np.isfinite(values)]
    number = len(values) if number is None else number
    where = np.rint(values / width).astype(np.int64)
    bars: list[Bar] = []
    for at in np.unique(where):
        count = int((where == at).sum())
        low, high = wilson(count, number, level=LEVEL)
        middle = float(at) * width
        ends = middle - width * 0.45, middle + width * 0.45
        bars.append(Bar(*ends, middle, count / number, float(low), float(high), count))
    return tuple(bars)


def read_data_map(record: Record, panel: Panel, *, seed: int = 0) -> DataMap | NotMeasured:
    """Return the data map: all canaries, and the real examples or a random sample of them (by `seed`)."""
    if "confidence" not in record.objective.columns():
        return NotMeasured(
            f"The data map shows the confidence in the right label, and a {record.objective.name} has none."
        )
    confidence, spread = panel.of(mean_confidence), panel.of(variability)
    if isinstance(confidence, NotMeasured):
        return confidence
    if isinstance(spread, NotMeasured):
        return spread
    shades = _shades(record, panel)
    population = record.population
    usable = np.isfinite(confidence.value) & np.isfinite(spread.value)
    real = np.flatnonzero(population.where("train") & usable)
    planted = np.flatnonzero(population.where("canary") & usable)
    kept = np.sort(np.random.default_rng(seed).permutation(real)[: max(MAP_POINTS - len(planted), 0)])
    points = tuple(
        MapPoint(
            id=str(population.ids[at]),
            kind=kind_name(str(population.canary[at]) or "real"),
            label=target_text(record, int(at)),
            confidence=_short(confidence.value[at]),
            variability=_short(spread.value[at]),
            shades={name: _short(value[at]) for name, value in shades.items()},
        )
        for at in (*kept, *planted)
    )
    if not points:
        return NotMeasured("No example has both a mean confidence and a variability.")
    return DataMap(points, tuple(shades) or ("confidence",), len(real))


def kind_name(kind: str) -> str:
    """Return the name of a kind of example on the page, where a canary is always called one."""
    return kind if kind == "real" else f"canary: {kind}"


def read_curves(record: Record, *, is_share: bool = True) -> tuple[Curve, ...] | NotMeasured:
    """Return accuracy per step, mean over runs with its interval: of real examples, then of canaries by kind.

    `is_share`: accuracies lie between 0 and 1, and so do their intervals.
    """
    try:
        shares = [_shares_of_run(record, run) for run in record.runs]
    except MissingEvidence as error:
        return NotMeasured.because(error)
    curves = (
        Curve(group.name, group.trained, group.kind, _curve_points(np.stack([run[group] for run in shares]), is_share))
        for group in shares[0]
    )
    return tuple(each for each in curves if each.points) or NotMeasured(
        "No step has recorded whether predictions are right."
    )


def agreement_cells(found: ScoreAgreement) -> tuple[AgreementCell, ...]:
    """Return both halves of the agreement matrix, and its diagonal."""
    cells: list[AgreementCell] = []
    for pair in found.pairs:
        rank, overlap = _short(pair.rank.value), None
        rank_text = (
            "not defined: all values of one of them are equal, or too few are known"
            if rank is None
            else text(pair.rank)
        )
        overlap_text = pair.overlap.reason if isinstance(pair.overlap, NotMeasured) else text(pair.overlap)
        if not isinstance(pair.overlap, NotMeasured):
            overlap = _short(pair.overlap.value)
        for first, second in ((pair.first, pair.second), (pair.second, pair.first)):
            cells.append(AgreementCell(first, second, rank, overlap, rank_text, overlap_text))
    itself = (AgreementCell(name, name, 1.0, 1.0, "the same score", "the same score") for name in found.scores)
    return (*cells, *itself)


def detection_dots(found: Sequence[Detection], all_runs: str, one_run: str) -> tuple[ScoreDot, ...]:
    """Return the AUROC of every score from all runs, and from one."""
    return tuple(
        ScoreDot(each.score, series, _short(size.value), _short(size.low), _short(size.high), text(size))
        for each in found
        for series, size in ((all_runs, each.auroc), (one_run, each.one_run))
        if isinstance(size, Estimate) and np.isfinite(size.value)
    )


def operating_dots(found: Membership) -> tuple[tuple[OperatingDot, ...], float]:
    """Return each attack's operating curve with its interval, and the lowest rate that the sample can show."""
    points = [(attack, fpr, tpr) for attack in found.attacks for fpr, tpr in curve(attack)]
    floor = min([fpr for _, fpr, _ in points if fpr > 0], default=1e-3) / 2
    dots: list[OperatingDot] = []
    for attack, fpr, tpr in points:
        low, high = (tpr.low, tpr.high) if np.isfinite(tpr.low) else (tpr.value, tpr.value)
        if min(fpr, tpr.value) >= floor:
            first = attack is found.strongest
            dots.append(OperatingDot(attack.name, fpr, tpr.value, max(low, floor), max(high, floor), first))
    return tuple(dots), floor


@dataclass(frozen=True)
class _Group:
    """Examples whose accuracy is one curve."""

    name: str
    trained: bool
    kind: str = ""


def _shares_of_run(record: Record, run: int) -> dict[_Group, Float[ndarray, " step"]]:
    population, member = record.population, record.member(run)
    clean = record.over_steps(run, record.objective.outcome).astype(np.float64)
    seen = record.over_steps(run, f"{record.objective.outcome}{SEEN}").astype(np.float64)
    train = population.where("train")
    shares = {
        _Group("training examples, in the training pass", True): _mean_right(seen, train & member),
        _Group("test examples", False): _mean_right(clean, population.where("test")),
        _Group("training examples that were left out", False): _mean_right(clean, train & ~member),
    }
    for kind in sorted({str(kind) for kind in population.canary} - {""}):
        of_kind = population.canary == kind
        shares[_Group(f"{kind}, trained on", True, kind)] = _mean_right(clean, of_kind & member)
        shares[_Group(f"{kind}, left out", False, kind)] = _mean_right(clean, of_kind & ~member)
    return shares


def _curve_points(shares: Float[ndarray, "run step"], is_share: bool) -> tuple[CurvePoint, ...]:
    points: list[CurvePoint] = []
    for step in range(shares.shape[1]):
        size = Estimate.of_mean(shares[:, step], "run", level=LEVEL)
        if size.n:
            size = size.within(0.0, 1.0) if is_share else size
            points.append(CurvePoint(step + 1, _known(size.value), _short(size.low), _short(size.high), size.n))
    return tuple(points)


def _mean_right(answers: Float[ndarray, "step example"], chosen: Bool[ndarray, " example"]) -> Float[ndarray, " step"]:
    """Return the mean of the recorded answers per step; NaN where there is none."""
    recorded = np.isfinite(answers[:, chosen])
    count = recorded.sum(axis=1)
    total = np.where(recorded, answers[:, chosen], 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _shades(record: Record, panel: Panel) -> dict[str, NDArray[np.float64]]:
    found = {"memorization": panel.memorization}
    try:
        found["correctness"] = evaluate(correctness, record)
    except MissingEvidence as error:
        found["correctness"] = NotMeasured.because(error)
    return {name: values.value for name, values in found.items() if not isinstance(values, NotMeasured)}


def _known(value: float) -> float:
    return round(float(value), 4)


def _short(value: float) -> float | None:
    return _known(value) if np.isfinite(value) else None
