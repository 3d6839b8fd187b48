import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

import long_tail
from byrote.cli import app
from byrote.errors import InvalidData, WrongRecord
from byrote.evidence.best_memorization import best_memorization
from byrote.evidence.evaluate import LEVEL, Values
from byrote.evidence.outcomes import read_outcomes
from byrote.experiments.onion import peel
from byrote.experiments.rankings import help_given, orders
from byrote.experiments.removal import KINDS, NOTHING, RANDOM, Removal, Without, remove
from byrote.explain.neighbours import space
from byrote.findings.removed import draw_removal, onion_rows, removal_rows
from byrote.findings.vocabulary import CLASSIFICATION, REGRESSION
from byrote.record import Record
from byrote.scores import memorization
from byrote.task.canaries import Canaries
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.matching import as_recorded
from byrote.training.progress import Progress
from small import small_task

pytestmark = pytest.mark.slow

SHARE = 15 / 195
SEEDS = 4


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return collect(long_tail.task(), tmp_path_factory.mktemp("removal") / "record", runs=20, compute=Compute(workers=1))


@pytest.fixture(scope="module")
def removal(record: Record) -> Removal:
    return remove(
        long_tail.task(),
        record,
        record.directory.parent / "out",
        shares=(SHARE,),
        seeds=SEEDS,
        compute=Compute(workers=1),
    )


def named(record: Record, positions: np.ndarray) -> list[str]:
    return [str(name).removeprefix("train/").split("-")[0] for name in record.population.ids[positions]]


def test_single_examples_of_a_rare_kind_come_first(record: Record) -> None:
    ranked = orders(record)
    assert named(record, ranked["memorized"][:15]).count("single") >= 11
    assert named(record, ranked["influential"][:15]).count("single") >= 11
    train = np.flatnonzero(record.population.where("train"))
    assert all(sorted(order) == list(train) for order in ranked.values())
    assert set(ranked) | {RANDOM} == set(KINDS)


def test_help_is_influence_summed_over_the_tests_it_resembles(record: Record) -> None:
    population, answers, points = record.population, read_outcomes(record), space(record.population)
    train, test = (np.flatnonzero(population.where(split)) for split in ("train", "test"))
    bare = space(population.with_inputs(np.zeros((len(population), 0), np.float32)))
    helped, everyone = (help_given(population, answers, each) for each in (points, bare))
    right = answers.correct[:, test].astype(float)
    for i in range(0, len(train), 13):
        label, inside = population.labels[train[i]], answers.member[:, train[i]]
        by_test = right[inside].mean(axis=0) - right[~inside].mean(axis=0)
        kind = train[population.labels[train] == label]
        alike = 0.0
        for at, value in zip(test, by_test, strict=True):
            near = kind[np.argsort(np.linalg.norm(points.points[kind] - points.points[at], axis=1))[:10]]
            alike += value if population.labels[at] == label and train[i] in near else 0.0
        assert helped[i] == pytest.approx(alike, abs=1e-5)
        assert everyone[i] == pytest.approx(by_test.sum(), abs=1e-5)
    assert np.abs(helped - everyone).max() > 0.5


def test_undefined_influence_is_no_help_and_comes_last(record: Record) -> None:
    answers = read_outcomes(record)
    answers.member[:, 3] = True
    answers.member[:, 5] = False
    helped = help_given(record.population, answers, space(record.population))
    assert list(np.flatnonzero(np.isnan(helped))) == [3, 5]


def test_runs_leave_out_whom_they_should_and_as_many(record: Record, removal: Removal) -> None:
    out = record.directory.parent / "out"
    assert sorted(path.name for path in out.iterdir()) == sorted([f"{what}-15" for what in KINDS] + ["nothing-0"])
    ranked = orders(record)
    for what in KINDS:
        found = Record(out / f"{what}-15")
        train = found.population.where("train")
        left = [frozenset(found.population.ids[train & ~found.member(run)]) for run in found.runs]
        assert {len(each) for each in left} == {15}
        if what == RANDOM:
            assert len(set(left)) == SEEDS
        else:
            assert set(left) == {frozenset(record.population.ids[ranked[what][:15]])}
    full = Record(out / "nothing-0")
    assert all(full.member(run)[full.population.where("train")].all() for run in full.runs)
    seeds = [{Record(path).run_settings(run)["seed"] for path in out.iterdir()} for run in range(SEEDS)]
    assert [len(each) for each in seeds] == [1] * SEEDS  # that is what pairs them


def test_removing_the_tail_costs_more_than_removing_others(removal: Removal) -> None:
    """Fifteen of 130 test examples lose what they were known from: 15 / 130 * 3 / 4 is 8.7 points by guessing."""
    for what in ("memorized", "influential"):
        for new_tests in (False, True):
            change = removal.change(what, SHARE, new_tests=new_tests)
            assert -0.12 < change.value < -0.02
            assert change.high < 0
    full = removal.change(RANDOM, SHARE, against=NOTHING)
    assert abs(full.value) < 0.03
    assert removal.change("memorized", SHARE, hard=True).value < 2 * removal.change("memorized", SHARE).value


def test_the_hard_tests_are_those_the_record_gets_wrong(record: Record, removal: Removal) -> None:
    test = record.population.where("test")
    right = np.mean([record.at_step(run, "correct", record.last_step)[test] for run in record.runs], axis=0)
    assert removal.hard.sum() == 13
    assert right[removal.hard].max() <= right[~removal.hard].min()


def test_intervals_are_students_over_paired_seeds(removal: Removal) -> None:
    first, second = (removal.right[what, SHARE].astype(float) for what in ("suspect", RANDOM))
    by_seed = first.mean(axis=1) - second.mean(axis=1)
    found = removal.change("suspect", SHARE)
    low, high = stats.t.interval(LEVEL, SEEDS - 1, by_seed.mean(), stats.sem(by_seed))
    assert (found.value, found.low, found.high) == pytest.approx((by_seed.mean(), low, high))
    by_test = (first - second).mean(axis=0)
    error = np.sqrt(stats.sem(by_seed) ** 2 + stats.sem(by_test) ** 2)
    low, high = stats.t.interval(LEVEL, SEEDS - 1, by_seed.mean(), error)
    wide = removal.change("suspect", SHARE, new_tests=True)
    assert (wide.low, wide.high) == pytest.approx((low, high))
    alone = removal.accuracy("suspect", SHARE, hard=True)
    hard = first[:, removal.hard].mean(axis=1)
    assert (alone.value, alone.n, alone.unit) == (pytest.approx(hard.mean()), SEEDS, "seed")


def test_a_second_call_trains_only_what_is_new(record: Record, removal: Removal) -> None:
    out = record.directory.parent / "out"
    before = {path: path.stat().st_mtime_ns for path in out.rglob("runs/*.parquet")}
    (out / "memorized-15" / "runs").joinpath(sorted(p.name for p in (out / "memorized-15/runs").iterdir())[1]).unlink()
    told: list[Progress] = []
    again = remove(
        long_tail.task(),
        record,
        out,
        shares=(SHARE, 0.2),
        seeds=SEEDS,
        compute=Compute(workers=1),
        progress=told.append,
    )
    for key, right in removal.right.items():
        np.testing.assert_array_equal(again.right[key], right)
    new = {path for path in out.rglob("runs/*.parquet") if before.get(path) != path.stat().st_mtime_ns}
    assert len(new) == 1 + 4 * SEEDS
    assert told[-1].steps == told[-1].of_steps
    fewer = remove(long_tail.task(), record, out, shares=(SHARE,), seeds=2, compute=Compute(workers=1))
    np.testing.assert_array_equal(fewer.right["memorized", SHARE], removal.right["memorized", SHARE][:2])


def test_rows_and_the_picture_say_the_numbers(removal: Removal) -> None:
    rows = {row["removed"]: row for row in removal_rows(removal, CLASSIFICATION)}
    assert list(rows) == [NOTHING, *KINDS]
    change = removal.change("memorized", SHARE)
    assert (rows["memorized"]["against random"], rows["memorized"]["against random high"]) == (
        change.value,
        change.high,
    )
    assert rows["memorized"]["examples"] == 15
    assert rows[RANDOM]["against random"] is None
    assert rows[NOTHING]["examples"] == 0
    picture = draw_removal(removal, CLASSIFICATION)
    assert picture.startswith("<svg")
    assert all(word in picture for word in (*KINDS, "test accuracy", "the hard tenth"))
    assert rows[NOTHING]["test accuracy"] == removal.accuracy(NOTHING, 0.0).value
    r2 = {row["removed"]: row for row in removal_rows(removal, REGRESSION)}
    assert r2[NOTHING]["test R²"] == rows[NOTHING]["test accuracy"]
    assert "test accuracy" not in r2[NOTHING]
    picture = draw_removal(removal, REGRESSION)
    assert "test R²" in picture
    assert "accuracy" not in picture


def test_designs_leave_out_exactly_so_many() -> None:
    groups = np.full(20, "")
    fixed = Without("memorized", np.array([7, 3, 11, 0]), 2)
    np.testing.assert_array_equal(np.flatnonzero(~fixed.membership([3], groups, 0)[2]), [3, 7])
    drawn = Without(RANDOM, np.arange(10), 4, shuffled=True)
    first, more = drawn.membership([3], groups, 5), drawn.membership([3, 2], groups, 5)
    np.testing.assert_array_equal(more[:3], first)
    assert (~more).sum(axis=1).tolist() == [4] * 5
    assert more[:, 10:].all()
    assert (drawn.membership([3], groups, 6) != first).any()
    assert str(fixed) == str(Without("memorized", np.array([3, 7, 0, 11]), 2))
    assert str(fixed) != str(Without("memorized", np.array([3, 11, 0, 7]), 2))


def test_what_cannot_be_measured_is_refused(record: Record, tmp_path: Path) -> None:
    task = long_tail.task()
    for shares, told in (
        ((0.001,), "A share of 0.001 of 195"),
        ((1.0,), "between 0 and 1"),
        ((0.999,), "cannot be removed"),
    ):
        with pytest.raises(InvalidData, match=told):
            remove(task, record, tmp_path / "out", shares=shares)
    with pytest.raises(InvalidData, match="1 seed cannot give an interval"):
        remove(task, record, tmp_path / "out", seeds=1)
    with pytest.raises(WrongRecord, match="that the task 'small' lacks"):
        remove(small_task(), record, tmp_path / "out")
    labels = task.train.labels.copy()
    labels[3] = (labels[3] + 1) % 4
    other = replace(task, train=replace_labels(task.train, labels))
    with pytest.raises(WrongRecord, match="another label for 1 examples than the task, the first 'train/usual-3'"):
        remove(other, record, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def replace_labels(examples: long_tail.Examples, labels: np.ndarray) -> long_tail.Examples:
    return long_tail.Examples(examples.inputs, labels, list(examples.ids))


def test_canaries_of_the_record_stay_in(tmp_path: Path) -> None:
    task = small_task()
    planted = collect(task, tmp_path / "record", runs=4, canaries=Canaries(2, 2, 2), compute=Compute(workers=1))
    found = remove(task, planted, tmp_path / "out", shares=(0.5,), seeds=2, compute=Compute(workers=1))
    assert found.candidates == 76
    assert found.removed == {0.5: 38}
    chosen = {str(name) for name in planted.population.source if name}
    for path in (tmp_path / "out").iterdir():
        made = Record(path)
        assert not made.population.where("canary").any()
        left = np.any([~made.member(run) for run in made.runs], axis=0) & made.population.where("train")
        assert not chosen & {str(name) for name in made.population.ids[left]}


def test_the_epochs_are_those_of_the_record(record: Record) -> None:
    assert as_recorded(small_task(epochs=3), record).recipe.epochs == long_tail.task().recipe.epochs


def test_second_copies_are_the_next_layer_of_the_onion(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the first of each pair of copies, and the second, hidden by it before, is memorized."""

    def first_copies(some: Record) -> Values:
        values = best_memorization(some)
        first = np.array([name.startswith("train/first") for name in some.population.ids])
        second = np.array([name.startswith("train/second") for name in some.population.ids])
        return replace(values, value=np.where(first, 0.9, np.where(second, 0.2, np.minimum(values.value, 0.1))))

    monkeypatch.setattr("byrote.experiments.onion.best_memorization", first_copies)
    out = record.directory.parent / "onion"
    onion = peel(long_tail.task(), record, out, share=SHARE, compute=Compute(workers=1))
    assert onion.removed == onion.next == 15
    assert onion.new_layer.low > 0
    assert onion.new_layer.value == pytest.approx(onion.now.value - onion.by_chance.value)
    assert onion.next_rise.low > 0.3
    assert 0 < onion.rise.value < onion.next_rise.value
    peeled, control = Record(out / "peeled-memorized-15"), Record(out / "peeled-random-15")
    assert not any(name.startswith("train/first") for name in peeled.population.ids)
    common = set(peeled.population.ids) & set(control.population.ids)
    assert onion.compared == sum(name.startswith("train/") for name in common)
    values = {
        some: dict(zip(some.population.ids, memorization(*answers_of(some)), strict=True)) for some in (peeled, control)
    }
    names = [name for name in common if name.startswith("train/")]
    now = np.array([values[peeled][name] for name in names])
    before = np.array([values[control][name] for name in names])
    assert onion.now.value == pytest.approx((now >= 0.25).mean())
    assert onion.by_chance.value == pytest.approx((before >= 0.25).mean())
    assert onion.rise.value == pytest.approx((now - before).mean())
    rows = onion_rows(onion)
    assert [row["value"] for row in rows] == [
        size.value for size in (onion.now, onion.by_chance, onion.new_layer, onion.rise, onion.next_rise)
    ]


def answers_of(record: Record) -> tuple[np.ndarray, np.ndarray]:
    answers = read_outcomes(record)
    return answers.correct, answers.member


def test_a_random_layer_is_no_onion(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memorization is drawn by lot, the two removals are alike, and no layer is called new."""

    def lots(some: Record) -> Values:
        values = best_memorization(some)
        return replace(values, value=np.random.default_rng(3).random(len(values.value)) * 0.2)

    monkeypatch.setattr("byrote.experiments.onion.best_memorization", lots)
    onion = peel(long_tail.task(), record, record.directory.parent / "lots", share=SHARE, compute=Compute(workers=1))
    assert onion.new_layer.low < 0 < onion.new_layer.high
    assert onion.rise.low < 0 < onion.rise.high


def test_without_margins_the_textbook_estimate_ranks(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(best_memorization(record).score) == "shrunk_memorization"
    bare = Record(record.directory)
    read = bare.at_step
    monkeypatch.setattr(
        bare, "at_step", lambda run, column, step: read(run, column, step) * (np.nan if column == "margin" else 1)
    )
    assert str(best_memorization(bare).score) == "memorization"


def test_the_command_prints_a_table_and_resumes(tmp_path: Path) -> None:
    (tmp_path / "task.py").write_text("from small import small_task\ntask = small_task(epochs=9)\n")
    task, out = str(tmp_path / "task.py"), tmp_path / "record-removed"
    made = collect(small_task(epochs=2), tmp_path / "record", runs=4, compute=Compute(workers=1))
    asked = ["remove", task, str(made.directory), "--share", "0.2", "--seeds", "2", "--workers", "1", "--csv"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["removed"] for row in rows] == [NOTHING, *KINDS]
    assert [row["examples"] for row in rows] == ["0"] + ["16"] * 4
    assert Record(out / "nothing-0").last_step == 2
    assert (out / "removal.svg").read_text().startswith("<svg")
    assert CliRunner().invoke(app, asked).stdout == result.stdout
    shown = CliRunner().invoke(app, asked[:-1])
    assert "hard against random" in shown.stdout
    for column in ("against random: ", "on new tests: ", "hard tests: "):
        assert column in shown.stderr
    peeled = CliRunner().invoke(app, [*asked, "--onion"])
    assert peeled.exit_code == 0, peeled.output
    assert "difference: a new layer" in peeled.stdout
    assert "on new tests" not in peeled.stderr
    assert sorted(path.name for path in out.glob("peeled-*")) == ["peeled-memorized-16", "peeled-random-16"]


def test_exactly_the_named_examples_are_removed(record: Record, tmp_path: Path) -> None:
    train = np.flatnonzero(record.population.where("train"))
    names = record.population.ids[train[[3, 5]]].tolist()
    (tmp_path / "drop.csv").write_text("example\n" + "\n".join(names) + "\n")
    found = remove(
        long_tail.task(), record, tmp_path / "out", ids=tmp_path / "drop.csv", seeds=2, compute=Compute(workers=1)
    )
    assert found.kinds == ("chosen", "random")
    share = 2 / len(train)
    assert found.removed == {share: 2}
    (where,) = (tmp_path / "out").glob("chosen-2-*")
    made = Record(where)
    for run in made.runs:
        assert set(made.population.ids[made.population.where("train") & ~made.member(run)].tolist()) == set(names)
    rows = removal_rows(found, CLASSIFICATION)
    assert [row["removed"] for row in rows] == ["nothing", "chosen", "random"]
    assert "<svg" in draw_removal(found, CLASSIFICATION)
    with pytest.raises(InvalidData, match="of no training example"):
        remove(long_tail.task(), record, tmp_path / "out", ids=["nobody"], seeds=2)
    with pytest.raises(InvalidData, match="Name some"):
        remove(long_tail.task(), record, tmp_path / "out", ids=[], seeds=2)
