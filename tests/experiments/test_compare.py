"""Compare: arms are paired, a kill loses nothing, a budget is never exceeded, and bad input is refused before training."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from byrote.controls import dropout, flooding, weight_decay
from byrote.controls.control import MethodControl
from byrote.errors import ByroteError, Diverged, InvalidData, WrongRecord
from byrote.evidence.outcomes import read_outcomes
from byrote.experiments.compare import Comparison, Stated, compare, default_budget, enough_canaries
from byrote.experiments.halving import Plan, Round
from byrote.experiments.remedies import DEFAULTS, UNCHANGED, arms_of, controls_of
from byrote.record import Record
from byrote.summaries import gap
from byrote.task.canaries import Canaries
from byrote.task.fit import Fit
from byrote.task.methods import Batch, LossMethod
from byrote.task.task import Task
from byrote.training.compute import Compute
from byrote.training.progress import Progress
from small import small_task

ALONE = Compute(workers=1)


def noisy(epochs: int = 8) -> Task:
    """Return a task whose labels are half chance, so that there is something to memorize."""
    task = small_task(epochs=epochs)
    labels = task.train.labels.copy()
    labels[::2] = np.random.default_rng(0).permutation(labels[::2])
    return replace(task, train=task.train.with_labels(labels))


@dataclass(frozen=True)
class explosion(MethodControl, LossMethod):
    """A control whose training diverges in the second epoch."""

    size: float
    name: ClassVar[str] = "explosion"

    def losses(self, losses: Tensor, batch: Batch, strength: Tensor) -> Tensor:
        """Return losses that are infinite after the first epoch."""
        return losses * (float("inf") if batch.epoch > 1 else 1.0)


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compared") / "out"


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    return {"progress": [], "stated": []}


@pytest.fixture(scope="module")
def found(where: Path, seen: dict[str, Any]) -> Comparison:
    return compare(
        noisy(), [dropout(0.5), (flooding(0.5), weight_decay(0.01)), explosion(1.0)], where, runs=17, compute=ALONE,
        progress=seen["progress"].append, on_plan=seen["stated"].append,
    )  # fmt: skip


def test_each_arm_is_a_record_and_all_have_the_same_members(found: Comparison, where: Path) -> None:
    assert [each.arm for each in found.results] == [
        UNCHANGED, "dropout(rate=0.5)", "flooding(level=0.5) + weight_decay(decay=0.01)",
    ]  # fmt: skip
    records = [Record(where / each.name) for each in found.results]
    assert [record.manifest.get("controls", []) for record in records] == [
        [], ["dropout(rate=0.5)"], ["flooding(level=0.5)", "weight_decay(decay=0.01)"],
    ]  # fmt: skip
    outcomes = [read_outcomes(record) for record in records]
    assert all(len(each.member) == 4 for each in outcomes)
    assert all((each.member == outcomes[0].member).all() for each in outcomes)
    assert not (outcomes[0].correct == outcomes[1].correct).all()


def test_numbers_are_those_of_the_records(found: Comparison, where: Path) -> None:
    for each in found.results:
        record = Record(where / each.name)
        train, test = (np.flatnonzero(record.population.where(split)) for split in ("train", "test"))
        outcomes = read_outcomes(record, positions=train)
        assert each.values["memorization"].mean() == pytest.approx(gap(outcomes.correct, outcomes.member).value)
        assert each.values["accuracy"].tolist() == read_outcomes(record, positions=test).correct.mean(axis=1).tolist()
        of_kind = np.flatnonzero(record.population.canary == "mislabeled")
        planted = read_outcomes(record, positions=of_kind)
        fitted = [right[member].mean() for right, member in zip(planted.correct, planted.member, strict=True)]
        assert each.values["wrong labels fitted"] == pytest.approx(fitted)
        change = each.values["accuracy"] - found.unchanged.values["accuracy"]
        assert each.changes["accuracy"].value == pytest.approx(change.mean())
        assert each.levels["accuracy"].value == pytest.approx(each.values["accuracy"].mean())
    assert found.results[1].values["memorization"].mean() < found.unchanged.values["memorization"].mean()
    assert found.unchanged.changes["cost"].value == 1


def test_an_arm_that_diverges_is_reported_and_the_others_go_on(found: Comparison, where: Path) -> None:
    assert list(found.failed) == ["explosion(size=1.0)"]
    assert "diverged in step 2" in found.failed["explosion(size=1.0)"]
    assert all(each.runs == 4 for each in found.results)
    assert json.loads((where / "comparison.json").read_text())["failed"].keys() == {"explosion-size-1.0"}


def test_the_budget_is_stated_first_and_progress_covers_all_of_it(found: Comparison, seen: dict[str, Any]) -> None:
    (stated,) = seen["stated"]
    assert isinstance(stated, Stated)
    assert stated.plan == found.plan == Plan((Round(4, 4),))
    assert (stated.missing, stated.skipped, stated.arms[0]) == (16, {}, UNCHANGED)
    assert stated.seconds is not None
    assert stated.seconds > 0
    steps: list[Progress] = [each for each in seen["progress"] if not each.stage]
    assert (steps[0].runs, steps[0].of_runs) == (0, 16)
    assert all(later.steps >= earlier.steps for earlier, later in pairwise(steps))
    assert all(each.of_runs == 16 and each.runs <= 16 and each.steps <= each.of_steps for each in steps)
    assert max(each.runs for each in steps) == 12  # the fourth arm failed


def test_the_same_call_again_trains_nothing_and_more_runs_add_to_what_is_there(found: Comparison, where: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in where.glob("*/runs/*.parquet")}
    controls = [dropout(0.5), (flooding(0.5), weight_decay(0.01)), explosion(1.0)]
    stated: list[Stated] = []
    again = compare(noisy(), controls, where, runs=17, compute=ALONE, on_plan=stated.append)
    assert {path: path.stat().st_mtime_ns for path in where.glob("*/runs/*.parquet")} == before
    assert again.results[1].values["memorization"].tolist() == found.results[1].values["memorization"].tolist()
    more = compare(noisy(), controls, where, runs=20, compute=ALONE)
    assert more.plan.rounds == (Round(4, 4), Round(4, 1))
    assert [each.runs for each in more.results] == [5, 5, 5]
    assert all(path.stat().st_mtime_ns == moment for path, moment in before.items())
    with pytest.raises(InvalidData, match="20 runs, and 12 are asked for"):
        compare(noisy(), controls, where, runs=12, compute=ALONE)
    for other in ([dropout(0.4)], [*controls, dropout(0.4)]):
        with pytest.raises(WrongRecord, match="of other arms"):
            compare(noisy(), other, where, runs=20, compute=ALONE)
    with pytest.raises(WrongRecord, match="another seed"):
        compare(noisy(), controls, where, runs=20, seed=1, compute=ALONE)


@pytest.mark.slow
def test_processes_that_arms_share_give_the_runs_of_one(found: Comparison, tmp_path: Path) -> None:
    shared = compare(noisy(), [dropout(0.5)], tmp_path / "shared", runs=8, compute=Compute(workers=2))
    alone = compare(noisy(), [dropout(0.5)], tmp_path / "alone", runs=8, compute=ALONE)
    for one, other in zip(shared.results, alone.results, strict=True):
        for name, values in one.values.items():
            if name != "cost":
                assert values == pytest.approx(other.values[name], nan_ok=True), name


KILLED = """
import sys
sys.path[:0] = [{tests!r}]
from test_compare_kill_task import task
from byrote.experiments.compare import compare
from byrote.training.compute import Compute
if __name__ == "__main__":
    compare(task(), ["dropout(0.5)", "flooding(0.1)"], {out!r}, runs=12, compute=Compute(workers=1))
"""


@pytest.mark.slow
def test_kill_9_in_the_middle_loses_no_finished_run(tmp_path: Path) -> None:
    (tmp_path / "test_compare_kill_task.py").write_text(
        f"import sys\nsys.path[:0] = [{str(Path(__file__).parents[1])!r}]\nfrom small import small_task\n"
        "def task():\n    return small_task(epochs=15)\n"
    )
    script, out = tmp_path / "script.py", tmp_path / "out"
    script.write_text(KILLED.format(tests=str(tmp_path), out=str(out)))
    process = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.DEVNULL, env={**os.environ})
    deadline = time.monotonic() + 120
    while len(list(out.glob("*/runs/*.parquet"))) < 2 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    finished = {path: path.stat().st_mtime_ns for path in out.glob("*/runs/*.parquet")}
    assert 2 <= len(finished) < 12
    controls = ["dropout(0.5)", "flooding(0.1)"]
    resumed = compare(small_task(epochs=15), controls, out, runs=12, compute=ALONE)
    assert all(path.stat().st_mtime_ns == moment for path, moment in finished.items())
    whole = compare(small_task(epochs=15), controls, tmp_path / "whole", runs=12, compute=ALONE)
    for one, other in zip(resumed.results, whole.results, strict=True):
        assert one.values["memorization"].tolist() == other.values["memorization"].tolist()


def refused(controls: Any, task: Task | None = None) -> str:
    with pytest.raises(ByroteError) as raised:
        arms_of(task or small_task(), controls)
    return str(raised.value)


def test_bad_controls_are_refused_in_one_sentence() -> None:
    assert "Did you mean 'dropout'" in refused(["dropot(0.5)"])
    assert "dropout(rate=0.5) is there twice" in refused(["dropout(0.5)", dropout(0.5)])
    assert "dropout(rate=0.4) is there twice" in refused([dropout, "dropout(0.4)"])
    assert "set the same thing" in refused(["dropout(0.5) + dropout(0.2)"])
    assert "dropout(rate=0) changes nothing" in refused(["dropout(0)"])
    assert "The unchanged task is always compared" in refused([()])
    assert "nothing to compare" in refused([])
    assert "is not a control" in refused(["dropout(0.5"])
    already = dropout(0.2)(small_task())
    assert "set the same thing" in refused(["dropout(0.5)"], already)


def test_a_budget_that_is_too_small_says_the_smallest(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=r"5 runs are too few .* Give 6 or more"):
        compare(small_task(), ["dropout(0.5)"], tmp_path / "out", runs=5, compute=ALONE)
    assert not (tmp_path / "out").exists()


def test_a_name_alone_means_all_its_strengths() -> None:
    assert [str(each) for (each,) in controls_of("dropout")] == [str(dropout(rate)) for rate in dropout.strengths]
    assert controls_of(dropout) == controls_of("dropout")
    assert [tuple(map(str, each)) for each in controls_of("dropout(linear(0, 0.5)) + flooding(1e-1)")] == [
        ("dropout(rate=linear(start=0, end=0.5))", "flooding(level=0.1)")
    ]


def test_the_usual_remedies_are_skipped_where_they_cannot_act() -> None:
    task = small_task()
    arms, skipped = arms_of(task, None)
    assert set(skipped) == {
        "feature_dropout(0.3)",
        "token_dropout(0.15)",
        "width(0.5)",
    }  # a picture, and no factory of a width
    assert len(arms) - 1 + len(skipped) == len(DEFAULTS)
    assert all(controls_of(text) for text in DEFAULTS)
    linear = replace(task, model=Mean)
    arms, skipped = arms_of(linear, None)
    assert set(skipped) >= {"dropout(0.2)", "dropout(0.5)"}
    assert all("dropout has no place" in why for text, why in skipped.items() if text.startswith("dropout"))
    fit = Task(Fit(print), task.train, task.test)
    assert "learns by a byrote.Fit" in refused(["dropout(0.5)"], fit)


class Mean(nn.Module):
    """A model without a place for dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(64, 4))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight


def test_budgets_and_canaries_when_the_user_does_not_say() -> None:
    assert [default_budget(arms) for arms in (1, 5, 6, 17, 36)] == [20, 60, 108, 108, 108]
    assert enough_canaries(small_task(n=80)) == Canaries.of_each(5)
    assert enough_canaries(small_task(n=600)) == Canaries.of_each(30)
    assert enough_canaries(small_task(n=5000)) == Canaries.of_each(50)


def test_the_unchanged_task_must_train(tmp_path: Path) -> None:
    task = small_task()
    wild = replace(task, recipe=replace(task.recipe, learning_rate=1e30))
    with pytest.raises(Diverged):
        compare(wild, ["dropout(0.5)"], tmp_path / "out", runs=6, compute=ALONE)
