from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.typing import NDArray
from scipy import stats

import small
from byrote.errors import MissingEvidence
from byrote.evidence.columns import per_run
from byrote.evidence.evaluate import Values, evaluate, jackknife, pairs
from byrote.record import (
    Observed,
    Population,
    Record,
    Step,
    run_path,
    write_manifest,
    write_population,
)
from byrote.record import write_run as write
from byrote.scores import (
    SCORES,
    aum,
    c_score,
    correctness,
    csl,
    el2n,
    forgetting,
    influence,
    loss,
    mean_confidence,
    memorization,
    shrunk_memorization,
)
from byrote.signature import Score, score
from byrote.task.canaries import Canaries
from byrote.training.collect import collect
from byrote.training.compute import Compute
from layout import BASE_COLUMNS, LAYOUT, MANIFEST, run_settings

RUNS, EPOCHS = 8, 4
FLAT = [s for s in SCORES.values() if s.key == ("example",)]
WITHIN = [s for s in FLAT if "run" not in s.axes and all(need.column in LAYOUT.columns for need in s.needs)]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Eight small perceptrons, four epochs each, with twelve canaries."""
    where = tmp_path_factory.mktemp("audit")
    return collect(
        small.small_task(EPOCHS), where, runs=RUNS, canaries=Canaries(4, 4, 4), seed=5, compute=Compute(workers=1)
    )


def member(record: Record) -> NDArray[np.bool_]:
    return np.stack([record.member(run) for run in record.runs])


def correct(record: Record) -> NDArray[np.bool_]:
    return np.stack([record.at_step(run, "correct", EPOCHS) for run in record.runs])


def by_loop(score: Score, record: Record, level: float) -> tuple[NDArray[np.float64], ...]:
    """Example by example, run by run, of the runs that were trained on it."""
    (need,) = score.needs
    if "step" in need.axes:
        read = [record.over_steps(run, need.column) for run in record.runs]
    else:
        step = EPOCHS if score.options["step"] == -1 else score.options["step"]
        read = [record.at_step(run, need.column, step) for run in record.runs]
    trained, rows = member(record), []
    for i in range(len(record.population)):
        said = [float(score(read[k][..., [i]])[0]) for k in range(RUNS) if trained[k, i]]
        finite = [v for v in said if np.isfinite(v)]
        if said and 2 * sum(np.isinf(v) for v in said) >= len(said) - sum(np.isnan(v) for v in said) > 0:
            rows.append((np.inf, np.nan, np.nan))
        elif not finite:
            rows.append((np.nan, np.nan, np.nan))
        elif len(finite) == 1:
            rows.append((finite[0], np.nan, np.nan))
        else:
            half = stats.t.ppf(0.5 + level / 2, len(finite) - 1) * np.std(finite, ddof=1) / np.sqrt(len(finite))
            rows.append((np.mean(finite), np.mean(finite) - half, np.mean(finite) + half))
    return tuple(np.array(column) for column in zip(*rows, strict=True))


@pytest.mark.parametrize("plain", WITHIN, ids=lambda s: s.name)
@pytest.mark.parametrize("level", [0.9, 0.5])
def test_inside_runs_it_is_the_mean_over_the_runs_trained_on_it(record: Record, plain: Score, level: float) -> None:
    asked = plain.bind(step=2) if plain is el2n else plain
    found = evaluate(asked, record, level=level)
    value, low, high = by_loop(asked, record, level)
    np.testing.assert_allclose(found.value, value, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found.low, low, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.high, high, rtol=1e-5, atol=1e-6)
    trained = ~record.population.where("test")
    assert not np.isnan(value[trained]).all()
    assert np.isnan(found.value[~trained]).all()


@pytest.mark.parametrize("plain", [memorization, c_score], ids=lambda s: s.name)
def test_across_runs_it_is_the_score_of_the_stacked_columns(record: Record, plain: Score) -> None:
    found = evaluate(plain, record, level=0.8)
    np.testing.assert_array_equal(found.value, plain(correct(record), member(record)))
    assert plain.interval is not None
    low, high = plain.interval(correct(record), member(record), level=0.8)
    np.testing.assert_array_equal(found.low, low)
    np.testing.assert_array_equal(found.high, high)
    np.testing.assert_array_equal(found.runs_in, member(record).sum(0))
    np.testing.assert_array_equal(found.runs_out, RUNS - member(record).sum(0))
    np.testing.assert_array_equal(found.ids, record.population.ids)
    assert found.level == 0.8


def test_some_of_the_runs_are_as_if_there_were_no_others(record: Record) -> None:
    some = [1, 3, 4, 6]
    found = evaluate(memorization, record, runs=some)
    np.testing.assert_array_equal(found.value, memorization(correct(record)[some], member(record)[some]))
    np.testing.assert_array_equal(found.runs_in, member(record)[some].sum(0))
    one = evaluate(csl, record, runs=[2])
    (_, alone), *_ = per_run(csl, record, [2])
    np.testing.assert_array_equal(one.value, np.where(record.member(2), alone, np.nan))
    assert np.isnan(one.low).all()


def test_canaries_are_never_in_train(record: Record) -> None:
    population = record.population
    ranked = evaluate(memorization, record).ranked(population.where("train"))
    assert (population.split[ranked] == "train").all()
    assert (population.canary[ranked] == "").all()
    assert len(ranked) == population.where("train").sum() == 80 - 8


@score(high="hard")
def share_right(correct: Bool[ndarray, "run example"]) -> Float[ndarray, " example"]:
    """Share of the runs that are right, members or not."""
    return correct.mean(axis=0)


def test_the_value_of_a_run_is_a_column_of_a_score_across_runs(record: Record) -> None:
    traces = np.stack([values for _, values in per_run(correctness, record)]).astype(np.float32)
    assert np.isnan(traces[~member(record)]).all()
    margin = np.stack([record.at_step(run, "margin", EPOCHS) for run in record.runs])
    paths = np.stack([values for _, values in per_run(aum, record)]).astype(np.float32)
    around = record.population.surroundings
    data = around.label_agreement, around.class_separation, around.isolation
    columns = correct(record), margin, traces, member(record), paths, *data
    found = evaluate(shrunk_memorization, record, level=0.8)
    assert shrunk_memorization.interval is not None
    np.testing.assert_array_equal(found.value, shrunk_memorization(*columns))
    np.testing.assert_array_equal([found.low, found.high], shrunk_memorization.interval(*columns, level=0.8))
    trained = ~record.population.where("test")
    assert np.isfinite(found.value[trained]).any()
    assert np.isnan(found.value[~trained]).all()


def test_without_an_interval_of_its_own_a_mean_over_runs_gets_students(record: Record) -> None:
    """The jackknife variance of a mean over n runs is s^2 / n."""
    values = correct(record)
    found = evaluate(share_right, record)
    spread = values.std(0, ddof=1) / np.sqrt(RUNS)
    half = stats.t.ppf(0.95, RUNS - 1) * spread
    np.testing.assert_allclose(found.value, values.mean(0))
    np.testing.assert_allclose(found.high - found.value, half, atol=1e-12)
    np.testing.assert_allclose(found.value - found.low, half, atol=1e-12)
    value, variance = jackknife(share_right, [values])
    np.testing.assert_allclose(value, values.mean(0))
    np.testing.assert_allclose(variance, spread**2, atol=1e-15)


def test_the_jackknife_of_one_run_says_nothing() -> None:
    value, variance = jackknife(share_right, [np.array([[True, False]])])
    np.testing.assert_array_equal(value, [1, 0])
    assert np.isnan(variance).all()


def test_the_jackknife_equals_its_definition() -> None:
    """(n - 1) / n times the sum of squares of the leave-one-out values around their mean."""
    rng = np.random.default_rng(0)
    right, inside = rng.random((9, 30)) < 0.5, rng.random((9, 30)) < 0.5
    value, variance = jackknife(memorization, [right, inside])
    left = np.stack([memorization(np.delete(right, i, 0), np.delete(inside, i, 0)) for i in range(9)])
    expected = 8 / 9 * ((left - left.mean(0)) ** 2).sum(0)
    np.testing.assert_allclose(value, memorization(right, inside))
    np.testing.assert_allclose(variance, expected, atol=1e-12)
    assert np.isfinite(expected).sum() > 15


@pytest.mark.parametrize("split", ["test", "train"])
@pytest.mark.parametrize("block", [1, 7, 512])
def test_pairs_in_blocks_are_the_pairs(record: Record, split: str, block: int) -> None:
    targets = np.flatnonzero(record.population.where(split))
    parts = list(pairs(influence, record, targets, block=block, level=0.8))
    np.testing.assert_array_equal(np.concatenate([part for part, *_ in parts]), targets)
    assert influence.interval is not None
    right, inside = correct(record)[:, targets], member(record)
    expected = influence(right, inside), *influence.interval(right, inside, level=0.8)
    for k, whole in enumerate(expected, start=1):
        np.testing.assert_allclose(np.concatenate([part[k] for part in parts], axis=1), whole, rtol=1e-6)


def test_influence_on_itself_is_memorization(record: Record) -> None:
    everyone = np.arange(len(record.population))
    ((_, value, low, high),) = pairs(influence, record, everyone)
    found = evaluate(memorization, record)
    np.testing.assert_allclose(np.diag(value), found.value, atol=1e-6)
    np.testing.assert_allclose(np.diag(low), found.low, atol=1e-6)
    np.testing.assert_allclose(np.diag(high), found.high, atol=1e-6)


def test_the_step_option_says_which_step_is_read(record: Record) -> None:
    steps = [evaluate(el2n.bind(step=s), record).value for s in (1, 2, EPOCHS)]
    assert not np.array_equal(steps[0], steps[1], equal_nan=True)
    np.testing.assert_array_equal(evaluate(el2n.bind(step=-1), record).value, steps[2])
    np.testing.assert_array_equal(evaluate(loss, record).value, evaluate(loss.bind(step=EPOCHS), record).value)


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (el2n, rf"20.*steps 1 to {EPOCHS}"),
        (el2n.bind(step=0), rf"0 .*steps 1 to {EPOCHS}"),
        (el2n.bind(step=2.5), r"step=2\.5, .*'step=5'"),
        (el2n.bind(step="last"), r"step='last', .*'step=5'"),
        (mean_confidence.bind(until=9), r"until=9, .* 4 steps.*from 1 to 4"),
        (influence, r"example and target.*byrote\.pairs"),
    ],
    ids=str,
)
def test_what_the_record_does_not_hold_is_refused(record: Record, score: Score, message: str) -> None:
    with pytest.raises(MissingEvidence, match=message):
        evaluate(score, record)


def test_too_few_runs_are_refused(record: Record) -> None:
    with pytest.raises(MissingEvidence, match=r"needs 2 runs .* only 1 of the 8 finished .* was chosen"):
        evaluate(memorization, record, runs=[0])
    with pytest.raises(MissingEvidence, match=r"needs 1 runs .* only 0 of the 8 finished .* were chosen"):
        evaluate(csl, record, runs=[])
    with pytest.raises(MissingEvidence, match="Run 99 is not finished"):
        evaluate(csl, record, runs=[99])
    with pytest.raises(MissingEvidence, match=r"memorization .*byrote\.evaluate"):
        next(per_run(memorization, record))
    with pytest.raises(MissingEvidence, match=r"csl .*byrote\.evaluate"):
        next(pairs(csl, record, np.arange(3)))


def lasting(where: Path, seen: dict[int, NDArray[np.float64]], *, inside: NDArray[np.bool_] | None = None) -> Record:
    """A record of training passes alone: per run, `correct` over [step, example], NaN where it was not presented."""
    steps, n = seen[0].shape
    population = Population.of(
        ids=np.array([f"train/{i}" for i in range(n)]),
        split=np.full(n, "train"),
        labels=np.zeros(n, np.int64),
        canary=np.full(n, ""),
        verification=np.zeros(n, np.bool_),
        source=np.full(n, ""),
        true_label=np.full(n, -1),
        groups=np.full(n, ""),
        inputs=np.zeros((n, 2), np.float32),
    )
    write_population(where, population)
    body = {"task": {"classes": ["a"]}, "steps": {"unit": "epoch", "last": steps}, "blocks": [len(seen)], "key": ""}
    write_manifest(where, {**MANIFEST, **body})
    for run, values in seen.items():
        trained = ~np.isnan(values).all(0) if inside is None else inside[run]
        spoken = []
        for step in range(steps):
            positions = np.flatnonzero(~np.isnan(values[step]))
            said = values[step, positions]
            kinds = {name: kind.to_pandas_dtype() for name, kind in BASE_COLUMNS.items()}
            columns = {name: said.astype(kinds[name]) for name in ("correct", "confidence", "margin")}
            spoken.append(Step(step + 1, None, Observed(positions, columns)))
        write(run_path(where, run), spoken, trained, population.ids, run_settings(run), LAYOUT)
    return Record(where)


def test_never_learned_is_a_state_of_its_own(tmp_path: Path) -> None:
    """Infinite where at least half of the runs never learned it; else the mean of those that did."""
    never, once, twice = [0, 0, 0, 0, 0], [1, 0, 1, 1, 1], [1, 0, 1, 0, 1]
    absent = [np.nan] * 5
    runs = [
        [never, never, never, once, absent],
        [never, once, once, twice, absent],
        [never, never, twice, absent, absent],
    ]
    record = lasting(tmp_path, {k: np.array(each, float).T for k, each in enumerate(runs)})
    found = evaluate(forgetting, record)
    np.testing.assert_array_equal(found.value, [np.inf, np.inf, 1.5, 1.5, np.nan])
    assert np.isnan(found.low[[0, 1, 4]]).all()
    assert np.isfinite(found.low[[2, 3]]).all()
    np.testing.assert_array_equal(found.runs_in, [3, 3, 3, 2, 0])
    assert found.ranked(np.ones(5, np.bool_)).tolist() == [0, 1, 2, 3, 4]
    half = evaluate(forgetting, record, runs=[1, 2])
    np.testing.assert_array_equal(half.value, [np.inf, np.inf, 1.5, 2.0, np.nan])


@score(high="hard")
def lowest(margin_seen: Float[ndarray, "step example"]) -> Float[ndarray, " example"]:
    """Smallest margin."""
    return margin_seen.min(axis=0)


def test_minus_infinity_stays_below(tmp_path: Path) -> None:
    down, up, fine = [1.0, -np.inf], [np.inf, np.inf], [1.0, 2.0]
    runs = [[down, down, up, fine], [down, up, up, fine], [fine, fine, fine, fine]]
    record = lasting(tmp_path, {k: np.array(each, float).T for k, each in enumerate(runs)})
    found = evaluate(lowest, record)
    np.testing.assert_array_equal(found.value, [-np.inf, 1, np.inf, 1])


def test_a_column_that_was_not_recorded_is_named(tmp_path: Path) -> None:
    record = lasting(tmp_path, {k: np.ones((3, 4)) for k in range(2)})
    with pytest.raises(MissingEvidence, match=r"loss_seen\[step example\].*run 0.*another score"):
        evaluate(csl, record)
    with pytest.raises(MissingEvidence, match=r"correct\[run example\].*run 0.*another score"):
        evaluate(memorization, record)


def test_a_column_of_some_is_not_a_column_of_everyone(record: Record) -> None:
    @score(high="hard")
    def early(correct: Bool[ndarray, "run example"], *, step: int = 1) -> Float[ndarray, " example"]:
        """Share right after the first step."""
        return correct.mean(axis=0)

    with pytest.raises(MissingEvidence, match=r"run 0 .* 72 of 124.*clean pass"):
        evaluate(early, record)


def values(score: Score, value: list[float]) -> Values:
    n = len(value)
    numbers, runs = np.array(value), np.ones(n, np.int64)
    return Values(score, np.arange(n).astype(np.str_), numbers, numbers - 1, numbers + 2, runs, runs)


def test_most_memorized_first_and_undefined_last() -> None:
    given = [0.3, np.nan, np.inf, -1.0, 0.3, np.nan]
    everyone = np.ones(6, np.bool_)
    assert values(csl, given).ranked(everyone).tolist() == [2, 0, 4, 3, 1, 5]
    assert values(mean_confidence, given).ranked(everyone).tolist() == [3, 0, 4, 2, 1, 5]
    assert values(csl, given).ranked(np.array([1, 1, 0, 1, 0, 0], bool)).tolist() == [0, 3, 1]
    assert values(csl, given).ranked(np.zeros(6, bool)).tolist() == []


def test_standard_errors_are_half_the_interval_in_normal_quantiles() -> None:
    np.testing.assert_allclose(values(csl, [0.0, 5.0]).stderr, 1.5 / stats.norm.ppf(0.95))


def test_a_value_of_a_run_that_did_not_record_it_is_nan(tmp_path: Path) -> None:
    @score(high="easy")
    def known(
        correct: Bool[ndarray, "run example"], correctness: Float[ndarray, "run example"]
    ) -> Float[ndarray, " example"]:
        """Share of runs with a trace of training."""
        return correct.mean(axis=0) * 0 + np.mean(~np.isnan(correctness), axis=0)

    seen, rng = {k: np.ones((1, 4)) for k in range(3)}, np.random.default_rng(0)
    record = lasting(tmp_path, seen)
    for run in (1, 2):
        values = {
            "correct": np.ones(4, np.bool_),
            "margin": rng.random(4, np.float32),
            "confidence": np.ones(4, np.float32),
        }
        clean = Observed(np.arange(4), values)
        write(
            run_path(tmp_path, run),
            [Step(1, clean, None)],
            np.ones(4, np.bool_),
            record.population.ids,
            run_settings(run),
            LAYOUT,
        )
    assert evaluate(known, Record(tmp_path), runs=[1, 2]).value.tolist() == [0, 0, 0, 0]
    with pytest.raises(MissingEvidence, match=r"correct\[run example\].*run 0.*another score"):
        evaluate(known, Record(tmp_path))
