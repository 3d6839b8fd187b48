"""Causes and suggested targets of a regression, on records written by hand, and on a training with planted wrong targets."""

import csv
import functools
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from scipy import stats
from torch import nn

from byrote.cli import app
from byrote.errors import InvalidData
from byrote.evidence.tables import as_csv
from byrote.explain import CAUSES_OF, check_issues, explain
from byrote.explain.neighbours import Neighbour
from byrote.explain.out_targets import OutTargets, read_out_targets
from byrote.explain.relabel import suggestion_rows, suggestions
from byrote.explain.target_causes import Fences, describe_targets, fence, find_target_cause
from byrote.explain.units import in_units
from byrote.findings.cause_check import rule_table
from byrote.objectives import Regression
from byrote.record import (
    Layout,
    Observed,
    Population,
    Record,
    Step,
    run_path,
    write_manifest,
    write_population,
    write_run,
)
from byrote.stats.estimate import Estimate
from byrote.task.apply_labels import apply_labels, undo_labels
from byrote.task.canaries import Canaries
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from layout import run_settings

NAN = float("nan")
SPLITS = ["train"] * 6 + ["test"]


def regression_record(where: Path, targets: NDArray[np.float32], predicted: NDArray[np.float64]) -> Record:
    """Write runs with these predictions `[run example target]`; run r is trained on the training examples e with (r + e) even."""
    objective = Regression(mean=(100.0, 0.0)[: predicted.shape[2]], scale=(20.0, 0.5)[: predicted.shape[2]])
    runs, n, several = predicted.shape
    population = Population.of(
        ids=np.array([f"{split}/{i}" for i, split in enumerate(SPLITS)]),
        split=np.array(SPLITS),
        labels=targets,
        inputs=np.zeros((n, 0), np.float32),
    )
    layout = Layout.of(objective)
    where.mkdir(parents=True)
    write_population(where, population)
    names = tuple(f"t{i}" for i in range(several))
    body = {"task": {"name": "small", "classes": names, "model": "m"}, "recipe": {}, "key": "", "blocks": [runs]}
    head = {"steps": {"unit": "epoch", "last": 1}, "objective": str(objective), "inputs": []}
    write_manifest(where, {**body, **head, **layout.values()})
    for run in range(runs):
        member = (np.arange(n) + run) % 2 == 0
        member[np.array(SPLITS) == "test"] = False
        error = objective.from_predictions(predicted[run]) - objective.from_predictions(targets)
        loss = (error**2).mean(axis=1)
        columns = {"loss": loss, "r2": 1 - loss, "residual": np.sqrt((error**2).sum(axis=1))}
        columns |= {"prediction" if several == 1 else f"prediction_{i}": predicted[run, :, i] for i in range(several)}
        observed = Observed(np.arange(n), {name: values.astype(np.float32) for name, values in columns.items()})
        write_run(run_path(where, run), [Step(1, observed, None)], member, population.ids, run_settings(run), layout)
    return Record(where)


@pytest.fixture
def one(tmp_path: Path) -> Record:
    rng = np.random.default_rng(0)
    targets = np.array([90, 100, 110, 95, 105, 180.5, 100], np.float32)
    predicted = 100 + rng.integers(-8, 9, (8, 7, 1)).astype(np.float64)
    return regression_record(tmp_path / "one", targets, predicted)


def out_predictions(record: Record, position: int, column: str = "prediction") -> NDArray[np.float64]:
    out = [run for run in record.runs if not record.member(run)[position]]
    return np.array([record.at_step(run, column, 1)[position] for run in out], np.float64)


def test_out_targets_equal_a_slow_loop(one: Record) -> None:
    table = read_out_targets(one)
    targets = one.population.labels.astype(np.float64)
    away = np.array([abs(targets[i] - out_predictions(one, i).mean()) / 20 for i in range(7)])
    for i in range(7):
        out, found = out_predictions(one, i), table.at(i)
        low, high = stats.t.interval(0.9, len(out) - 1, out.mean(), out.std(ddof=1) / np.sqrt(len(out)))
        assert found.models == len(out) == (8 if i == 6 else 4)
        (mean,), (spread,) = found.means, found.spreads
        assert (mean.value, mean.low, mean.high) == pytest.approx((out.mean(), low, high))
        assert (mean.n, mean.unit, spread) == (len(out), "run", pytest.approx(out.std(ddof=1)))
        assert found.distance == pytest.approx(away[i])
        assert found.disagreement == pytest.approx(out.std(ddof=1) / 20)
        assert found.distance_rank == (away[:6] < away[i] - 1e-9).sum() / 6  # among real training examples


def test_several_targets_are_averaged_in_standard_units(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    targets = rng.normal((100, 0), (20, 0.5), (7, 2)).astype(np.float32)
    predicted = rng.normal((100, 0), (5, 0.1), (6, 7, 2)).astype(np.float32).astype(np.float64)
    record = regression_record(tmp_path / "two", targets, predicted)
    found = read_out_targets(record).at(2)
    means = [out_predictions(record, 2, f"prediction_{i}").mean() for i in range(2)]
    off = (targets[2].astype(np.float64) - means) / (20, 0.5)
    assert [each.value for each in found.means] == pytest.approx(means)
    assert found.distance == pytest.approx(np.sqrt((off**2).mean()))
    row = suggestion_rows(record, suggestions(record, np.array([2])))[0]
    assert row["given_target_1"] == pytest.approx(float(targets[2, 1]))
    assert row["predicted_target_1"] == pytest.approx(means[1])
    assert row["predicted_low_0"] < row["predicted_target_0"] < row["predicted_high_0"]


def test_the_target_far_from_what_models_agree_on_is_suspect_and_its_proposal_is_their_mean(one: Record) -> None:
    found = explain(one, np.arange(6))
    assert [each.cause for each in found] == ["unclear"] * 5 + ["target suspect"]
    assert found[5].label == (180.5,)
    assert found[5].alternative == pytest.approx((out_predictions(one, 5).mean(),))
    first, *rest = suggestions(one)
    assert (first.id, first.given_target, first.is_target_issue) == ("train/5", (180.5,), (True,))
    assert not any(any(each.is_target_issue) for each in rest)
    distances = [each.distance[0] for each in (first, *rest)]
    assert distances == sorted(distances, reverse=True)
    assert len(distances) == 6


def predictions(distance: float, disagreement: float = 0.1, models: int = 8, rank: float = 0.5) -> OutTargets:
    mean = Estimate(100.0, 98.0, 102.0, models, "run", 0.9)
    spread = 20 * disagreement
    return OutTargets((mean,), (spread,), models, (distance,), (disagreement,), distance, disagreement, rank, 0.97)


NEAR = Neighbour(3, "train/3", 0, 0.2)


@pytest.mark.parametrize(
    ("found", "duplicates", "remoteness", "outlying", "cause"),
    [
        (predictions(2.1), (), 0.5, 0.7, "target suspect"),
        (predictions(2.1), (), NAN, NAN, "target suspect"),  # no inputs were kept
        (predictions(2.0), (), 0.5, 0.7, "unclear"),  # not beyond the fence
        (predictions(2.1, 0.75), (), 0.5, 0.7, "ambiguous"),  # the models do not agree with each other
        (predictions(2.1, 0.7), (), 0.5, 0.7, "target suspect"),
        (predictions(2.1, rank=0.9), (), 0.99, 1.01, "atypical"),  # its input is an outlier
        (predictions(2.1, models=2), (), 0.5, 0.7, "unclear"),
        (predictions(2.1, models=2), ((NEAR, False),), 0.5, 0.7, "near-duplicate"),
        (predictions(2.1), ((NEAR, False),), 0.5, 0.7, "target suspect"),
        (predictions(0.1), ((NEAR, False),), 0.95, 0.7, "near-duplicate"),
        (predictions(2.1), ((NEAR, False), (NEAR, True)), 0.5, 0.7, "near-duplicate"),
        (predictions(0.5, rank=0.5), (), 0.9, 0.7, "atypical"),
        (predictions(0.5, rank=0.49), (), 0.9, 0.7, "unclear"),
        (predictions(0.5, rank=0.5), (), 0.89, 0.7, "unclear"),
        (predictions(0.5, 0.8), (), 0.5, 0.7, "ambiguous"),
    ],
)
def test_the_first_rule_that_applies_names_the_cause(
    found: OutTargets,
    duplicates: tuple[tuple[Neighbour, bool], ...],
    remoteness: float,
    outlying: float,
    cause: str,
) -> None:
    objective = Regression(mean=(100.0,), scale=(20.0,))
    target = np.float32(100 + 20 * found.distance)
    given = find_target_cause(
        target,
        found,
        Fences((2.0,), 0.72),
        duplicates,
        remoteness,
        outlying=outlying,
        objective=objective,
        names=("t",),
    )
    assert given[0] == cause
    assert cause in CAUSES_OF["regression"]


def test_the_evidence_is_in_the_units_of_the_target_with_interval_and_models() -> None:
    objective = Regression(mean=(100.0,), scale=(20.0,))
    text = describe_targets(np.array(142), predictions(2.1, rank=0.98), objective, ("t",))
    for part in ("target is 142.0", "8 models", "100.0 on average [98.0, 102.0]", "of 2.0 between", "2.10", "98 %"):
        assert part in text, part
    assert (
        describe_targets(np.array(142), predictions(NAN, models=0), objective, ()) == "Every model was trained on it."
    )


def test_numbers_show_a_hundredth_of_a_standard_deviation() -> None:
    assert [in_units(12.34567, scale) for scale in (500.0, 99.0, 1.0, 0.02)] == ["12", "12.3", "12.35", "12.3457"]


def test_the_fence_is_tukeys() -> None:
    assert fence(np.array([0.0, 1, 2, 3, 4])) == 3 + 1.5 * 2
    assert fence(np.array([1.0])) == np.inf


def test_applying_then_undoing_gives_the_targets_back(one: Record, tmp_path: Path) -> None:
    path = tmp_path / "targets.csv"
    path.write_text(as_csv(suggestion_rows(one, suggestions(one))))
    ids = [str(i) for i in range(6)]
    targets = np.array([90, 100, 110, 95, 105, 180.5])
    changed = apply_labels(targets, ids, path)
    assert changed[5] == pytest.approx(out_predictions(one, 5).mean())
    np.testing.assert_array_equal(changed[:5], targets[:5])
    np.testing.assert_array_equal(undo_labels(changed, ids, path), targets)
    for call, given in ((apply_labels, changed), (undo_labels, targets)):
        with pytest.raises(InvalidData, match=r"expects target .* applied \(or undone\) already"):
            call(given, ids, path)
    with pytest.raises(InvalidData, match="1 targets for each example, and there are 2"):
        apply_labels(np.stack([targets, targets], axis=1), ids, path)
    rounded = path.read_text().replace("180.5", "180")
    path.write_text(rounded)
    with pytest.raises(InvalidData, match=r"expects target 180 of '5', but it is 180.5. The file has fewer digits"):
        apply_labels(targets, ids, path)
    path.write_text(rounded.replace(",180,", ',"180,5",'))
    with pytest.raises(InvalidData, match=r"'180,5' and .* finite numbers with a point, not a comma"):
        apply_labels(targets, ids, path)
    lines = rounded.replace(",180,", ",nan,")
    path.write_text(lines)
    with pytest.raises(InvalidData, match="finite numbers"):
        apply_labels(targets, ids, path)


@pytest.fixture
def two(tmp_path: Path) -> Record:
    """Two targets of which one is wrong, in one example."""
    rng = np.random.default_rng(0)
    targets = np.array([90, 100, 110, 95, 105, 101, 100], np.float32)
    others = np.array([-0.2, 0.1, 0, 0.3, -0.1, 4.123456789, 0.2], np.float32)
    predicted = np.stack([100 + rng.integers(-8, 9, (8, 7)), rng.integers(-8, 9, (8, 7)) / 40], axis=2).astype(float)
    return regression_record(tmp_path / "two", np.stack([targets, others], axis=1), predicted)


def test_of_several_targets_only_the_suspect_one_is_replaced(two: Record, tmp_path: Path) -> None:
    first, *rest = suggestions(two)
    assert (first.id, first.is_target_issue) == ("train/5", (False, True))
    assert not any(any(each.is_target_issue) for each in rest)
    mean = out_predictions(two, 5, "prediction_1").mean()
    assert first.distance[1] == pytest.approx((4.123456789 - mean) / 0.5)
    path = tmp_path / "targets.csv"
    path.write_text(as_csv(suggestion_rows(two, suggestions(two))))
    ids = [str(i) for i in range(6)]
    targets = two.population.labels[:6].astype(np.float64)
    targets[5, 0] += 1e-9  # more digits than the record keeps: a right target comes back as it is
    changed = apply_labels(targets, ids, path)
    expected = targets.copy()
    expected[5, 1] = mean
    np.testing.assert_array_equal(changed[:, 0], targets[:, 0])
    np.testing.assert_allclose(changed, expected, rtol=1e-12)
    np.testing.assert_allclose(undo_labels(changed, ids, path), targets, rtol=1e-7)
    with pytest.raises(InvalidData, match=r"applied \(or undone\) already"):
        apply_labels(changed, ids, path)
    reviewed = path.read_text().splitlines()
    at = reviewed[0].split(",").index("is_target_issue_1")
    cells = reviewed[1].split(",")
    cells[at] = "False"
    path.write_text("\n".join([reviewed[0], ",".join(cells), *reviewed[2:]]))
    np.testing.assert_array_equal(apply_labels(targets, ids, path), targets)
    path.write_text("\n".join([*reviewed[:1], reviewed[1].replace("True", "perhaps"), *reviewed[2:]]))
    with pytest.raises(InvalidData, match=r"line 2, has 'perhaps' as is_target_issue_1. Write True or False"):
        apply_labels(targets, ids, path)
    path.write_text("example,is_target_issue_0,given_target_0,given_target_1,predicted_target_0\n")
    with pytest.raises(InvalidData, match="1 is_target_issue, 2 given_target and 1 predicted_target"):
        apply_labels(targets, ids, path)


def test_the_evidence_and_the_terminal_name_the_suspect_target(two: Record) -> None:
    (found,) = explain(two, np.array([5]))
    assert found.cause == "target suspect"
    assert found.evidence.startswith("Its t1 is 4.12")
    result = CliRunner().invoke(app, ["relabel", str(two.directory)])
    assert result.exit_code == 0, result.output
    head, row = result.stdout.splitlines()
    assert head.split()[:3] == ["example", "target", "given_target"]
    assert row.split()[:2] == ["train/5", "t1"]
    assert "1 of 12 targets that could be judged contradict" in result.stderr


def test_whole_numbers_become_numbers_with_decimals(one: Record, tmp_path: Path) -> None:
    path = tmp_path / "targets.csv"
    head = "example,is_target_issue,given_target,predicted_target\n"
    path.write_text(f"{head}train/a,True,3,2.5\n")
    assert apply_labels([3, 4], ["a", "b"], path).tolist() == [2.5, 4.0]
    with pytest.raises(InvalidData, match="was applied"):  # 2.5 is no 3 with fewer digits: it is what the file proposes
        apply_labels([2.5, 4], ["a", "b"], path)


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Train on a target that the inputs almost determine, with canaries of each kind; their number is in thousands."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(320, 5)).astype(np.float32)
    targets = (5000 + 1000 * (inputs @ rng.normal(size=5) + rng.normal(0, 0.1, 320))).astype(np.float32)
    task = Task(
        functools.partial(network),
        Examples(inputs[:280], targets[:280]),
        Examples(inputs[280:], targets[280:]),
        Recipe(epochs=40, batch_size=16, learning_rate=0.01),
        ("price",),
        "planted targets",
        objective="regression",
    )
    directory = tmp_path_factory.mktemp("targets") / "record"
    return collect(task, directory, runs=10, canaries=Canaries.of_each(18), compute=Compute(workers=1))


def test_planted_wrong_targets_are_found_and_the_proposals_are_nearer_to_the_true_ones(trained: Record) -> None:
    """11 of 18 were found, and no ordinary canary accused; wrong targets are those of others, and some are near."""
    known = check_issues(trained)
    assert (known.wrong, known.right) == (18, 18)
    assert known.found >= 0.5 * known.wrong
    assert known.accused <= 0.1 * known.right
    population = trained.population
    wrong = suggestions(trained, np.flatnonzero(population.canary == "mislabeled"))
    nearer = [
        abs(each.predicted_target[0].value - population.true_label[each.position])
        < abs(each.given_target[0] - population.true_label[each.position])
        for each in wrong
        if each.is_target_issue[0]
    ]
    assert known.proposed == sum(nearer) >= 0.9 * known.found
    suspects = explain(trained, np.flatnonzero(population.canary == "mislabeled"))
    assert sum(each.cause == "target suspect" for each in suspects) == known.found
    assert len(suggestions(trained)) == trained.population.where("train").sum() == 244


def test_the_command_lists_suspicious_targets_with_the_interval_of_the_mean(trained: Record, tmp_path: Path) -> None:
    path = tmp_path / "targets.csv"
    result = CliRunner().invoke(app, ["relabel", str(trained.directory), "--csv", str(path)])
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert len(rows) == 244
    issues = [row for row in rows if row["is_target_issue"] == "True"]
    assert f"{len(issues)} of 244 targets that could be judged contradict" in result.stderr
    assert "of 18 planted wrong targets" in result.stderr
    for row in issues:
        assert float(row["predicted_low"]) < float(row["predicted_target"]) < float(row["predicted_high"])


def test_the_causes_of_a_regression_are_those_of_the_table_of_rules() -> None:
    from byrote.findings.cause_check import RuleCheck, copy_rule

    causes = CAUSES_OF["regression"]
    checks = [RuleCheck("mislabeled", 10, (7, 0, 1, 0, 2), 7), RuleCheck("ordinary", 10, (1, 0, 0, 0, 9), 0)]
    table = rule_table(checks, copy_rule([]), causes)
    assert [row.cause for row in table] == ["target suspect", "near-duplicate", "atypical", "ambiguous"]
    assert (table[0].found, table[0].planted, table[0].wrongly, table[0].others) == (7, 10, 1, 10)
