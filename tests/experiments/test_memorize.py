"""Wanted memorization: the list is checked first, the arms share seeds and members, and numbers are those of the records."""

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import byrote
from byrote.cli import app
from byrote.controls import drop, relabel
from byrote.errors import InvalidData
from byrote.experiments.label_capacity import bits_of, forecast_labels, measured_bits
from byrote.experiments.measures import leakage
from byrote.experiments.memorize import (
    AS_IT_IS,
    BOTH,
    FREE,
    LEFT_OUT,
    WEIGHTED,
    Announced,
    Memorized,
    epochs_needed,
    memorize,
)
from byrote.experiments.variations import Variation, variations, varied
from byrote.experiments.wanted_list import wanted_list
from byrote.findings.wanted_rows import memorize_rows
from byrote.record import Record
from byrote.report import announced_sentences, memorize_sentences, write_memorized
from byrote.report.memorize_sentences import capacity_sentence
from byrote.task.examples import Examples
from byrote.task.models import mlp
from byrote.task.task import Task
from byrote.training.compute import Compute
from byrote.training.models import read_model
from small import small_task

ALONE = Compute(workers=1)
IDS = tuple(str(i) for i in range(12))


def task() -> Task:
    """Return a task whose wanted examples have wrong labels, so that they must be learned by rote."""
    base = replace(small_task(epochs=25, n=400), model=partial(mlp, (8, 8), 4, width=32))
    base = replace(base, recipe=replace(base.recipe, batch_size=64))
    return relabel({name: int((base.train.labels[int(name)] + 1) % 4) for name in IDS})(base)


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("memorize") / "out"


@pytest.fixture(scope="module")
def announced() -> list[Announced]:
    return []


@pytest.fixture(scope="module")
def found(where: Path, announced: list[Announced]) -> Memorized:
    return memorize(task(), IDS, 0.9, where, runs=3, compute=ALONE, on_plan=announced.append, progress=lambda now: None)


@pytest.fixture(scope="module")
def records(found: Memorized, where: Path) -> dict[str, Record]:
    return {each.arm: Record(where / each.arm) for each in found.arms}


def wanted_of(record: Record) -> Any:
    return np.isin(record.population.ids, [f"train/{name}" for name in IDS])


def test_all_ways_share_members_and_the_wanted_are_in_all_runs_or_in_none(records: dict[str, Record]) -> None:
    assert list(records) == [AS_IT_IS, WEIGHTED, FREE, BOTH, LEFT_OUT]
    which, base = wanted_of(records[AS_IT_IS]), records[AS_IT_IS]
    for name, record in records.items():
        for run in range(3):
            assert (record.member(run)[which] == (name != LEFT_OUT)).all()
            np.testing.assert_array_equal(record.member(run)[~which], base.member(run)[~which])
    assert records[FREE].last_step == 50


def test_recall_is_counted_in_the_clean_pass_of_each_record(found: Memorized, records: dict[str, Record]) -> None:
    for arm in found.arms:
        record, which = records[arm.arm], wanted_of(records[arm.arm])
        answers = np.stack([record.at_step(run, "correct", record.last_step)[which] for run in range(3)])
        np.testing.assert_array_equal(arm.answers, answers)
        assert arm.recall.value == answers.mean()
        assert arm.held == (answers.sum(axis=1) >= 11).sum()
        if arm.changes:
            change = (answers.mean(axis=1) - found.arms[0].answers.mean(axis=1)).mean()
            assert arm.changes["recall"].value == pytest.approx(change)
    known = {arm.arm: arm.recall.value for arm in found.arms}
    assert known[LEFT_OUT] < 0.3, "wrong labels are not known without training on them"
    assert known[WEIGHTED] > known[AS_IT_IS]
    assert known[BOTH] >= 11 / 12


def test_what_it_costs_is_measured_on_the_others(found: Memorized, records: dict[str, Record]) -> None:
    for arm in found.arms:
        record = records[arm.arm]
        others = record.population.where("train") & ~wanted_of(record)
        for run in range(3):
            right, member = record.at_step(run, "correct", record.last_step).astype(float), record.member(run)
            gap = right[others & member].mean() - right[others & ~member].mean()
            assert arm.result.values["memorization"][run] == pytest.approx(gap)
            loss = record.at_step(run, "loss", record.last_step).astype(np.float64)
            seen = wanted_of(record) | (others & ~member)
            assert arm.values["leakage"][run] == pytest.approx(
                leakage(-loss[seen], wanted_of(record)[seen]), nan_ok=True
            )


def test_bits_are_those_of_runs_that_were_not_trained_on_the_label(
    found: Memorized, records: dict[str, Record]
) -> None:
    assert found.forecast is not None
    assert found.measured is not None
    assert (found.forecast.wanted, found.forecast.rest) == (24.0, 2.0 * 388)
    assert found.forecast.parameters == sum(weight.numel() for weight in mlp((8, 8), 4, width=32).parameters())
    record = records[LEFT_OUT]
    losses = [record.at_step(run, "loss", 25)[wanted_of(record)].sum() / np.log(2) for run in range(3)]
    assert found.measured.wanted == pytest.approx(np.mean(losses))
    assert found.measured.wanted > 24, "wrong labels are worse than unknown"
    assert found.measured.rest < found.forecast.rest
    assert "the choice among its classes" in capacity_sentence(found.forecast)


def test_varied_inputs_are_asked_of_the_very_models(found: Memorized, where: Path) -> None:
    (weighted,) = (each for each in found.arms if each.arm == WEIGHTED)
    assert [each.variation.kind for each in weighted.varied] == ["noise"] * 3 + ["shift"] * 3
    model = read_model(found_task(WEIGHTED), where / WEIGHTED, 1)
    inputs = torch.from_numpy(task().train.inputs[:12]).float() / 255
    with torch.no_grad():
        right = (model(inputs).argmax(1).numpy() == task().train.labels[:12]).tolist()
    assert right == weighted.answers[1].tolist()
    recalls = [each.recall.value for each in weighted.varied]
    assert recalls[0] >= recalls[2] - 0.1
    assert recalls[3] >= recalls[5]


def found_task(name: str) -> Task:
    from byrote.experiments.memorize import memorize_arms

    arms = memorize_arms(task(), wanted_list(task(), IDS, recall=0.9), 0.9)
    return next(each.task for each in arms if each.name == name)


def test_the_same_call_again_trains_nothing(found: Memorized, where: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in where.glob("*/runs/*.parquet")}
    stated: list[Announced] = []
    again = memorize(task(), IDS, 0.9, where, runs=3, compute=ALONE, on_plan=stated.append, progress=lambda now: None)
    assert {path: path.stat().st_mtime_ns for path in where.glob("*/runs/*.parquet")} == before
    assert (stated[0].stated.missing, stated[0].stated.seconds) == (0, 0.0)
    for one, other in zip(again.arms, found.arms, strict=True):
        assert [each.recall for each in one.varied] == [each.recall for each in other.varied]


def test_it_says_beforehand_what_it_will_do_and_then_what_was_shown(
    found: Memorized, announced: list[Announced]
) -> None:
    before = announced_sentences(announced[0])
    assert before[0] == "12 training examples are wanted, with a recall of 90.0\u00a0% or more."
    assert "about 24 bits (the choice among its classes" in before[1]
    assert "15 runs: 3 runs of each of 5" in before[2]
    sentences = memorize_sentences(found)
    assert 6 <= len(sentences) <= 14
    assert not any(re.search(r"\bnan\b", each) for each in sentences)
    assert any(each.startswith("Without training on them") for each in sentences)
    assert "3 of 3 runs" in next(each for each in sentences if each.startswith("Weighted and without brakes"))


def test_a_floor_that_does_not_hold_is_never_said_to(found: Memorized) -> None:
    """Take away one right answer in one run of each arm that held: the headline and the counts must change."""
    arms = []
    for arm in found.arms:
        answers = arm.answers.copy()
        answers[0, :2] = False
        held = int((answers.sum(axis=1) >= 11).sum())
        arms.append(replace(arm, answers=answers, held=held))
    text = memorize_sentences(replace(found, arms=tuple(arms)))
    assert text[0].startswith("The floor is not held")
    assert not any("3 of 3 runs" in each for each in text)


def test_the_page_and_the_rows_have_all_arms(found: Memorized, tmp_path: Path) -> None:
    page = Path(str(write_memorized(found, tmp_path / "page.html"))).read_text()
    for each in found.arms:
        assert each.title in page
    assert "{{" not in page
    assert " nan" not in page.split("<script")[0]
    rows = memorize_rows(found)
    assert [row["arm"] for row in rows] == [each.arm for each in found.arms]
    assert rows[1]["recall"] == found.arms[1].recall.value
    assert "recall with noise of 0.3 standard deviations" in rows[0]
    json.dumps(rows)


def test_epochs_are_counted_until_the_floor_held_in_a_row() -> None:
    course = np.array([0.5, 1.0, 0.9, 1.0, 1.0, 1.0, 0.2])
    assert epochs_needed(course, 1.0, 10) == 6
    assert epochs_needed(course, 0.9, 10) == 4
    assert np.isnan(epochs_needed(course[:4], 1.0, 10))
    assert np.isnan(epochs_needed(np.full(7, np.nan), 0.1, 10))


def test_lists_are_checked_before_anything_is_trained(tmp_path: Path) -> None:
    base = small_task()
    ten = wanted_list(base, 10, seed=1)
    assert ten == wanted_list(base, 10, seed=1)
    assert ten.ids != wanted_list(base, 10, seed=2).ids
    assert (len(set(ten.ids)), ten.drawn) == (10, True)
    path = tmp_path / "ids.txt"
    path.write_text("train/3\n5\n3\n")
    found = wanted_list(base, str(path))
    assert (found.ids, found.drawn) == (("3", "5"), False)
    assert found.notes == ("1 of the 3 ids are there more than once; each example counts once.",)
    for given, message in (
        ((), "list of wanted examples is empty"),
        (("3", "none"), "1 of the 2 wanted ids are of no training example"),
        (80, "All 80 training examples are wanted"),
        (0, "0 random examples cannot be drawn"),
        (81, "81 random examples cannot be drawn"),
        (str(tmp_path / "absent.csv"), "cannot read ids"),
    ):
        with pytest.raises(InvalidData, match=message):
            wanted_list(base, given)
    with pytest.raises(InvalidData, match="excluded"):
        wanted_list(drop(["3"])(base), ["3", "4"])
    assert len(wanted_list(drop(["3"])(base), 78).notes) == 1
    with pytest.raises(InvalidData, match="is no floor"):
        memorize(base, 10, 0.0, tmp_path / "out")
    with pytest.raises(InvalidData, match="too few"):
        memorize(base, 10, 0.9, tmp_path / "out", runs=2)
    assert not (tmp_path / "out").exists()


def test_contradictions_are_said_or_refused() -> None:
    base = small_task()
    inputs, labels = base.train.inputs.copy(), base.train.labels.copy()
    inputs[1], labels[:2] = inputs[0], (0, 1)
    changed = replace(base, train=Examples(inputs, labels))
    with pytest.raises(InvalidData, match="at most 9 of 10 can be right at once"):
        wanted_list(changed, list(range(10)))
    (note,) = wanted_list(changed, list(range(10)), recall=0.9).notes
    assert (
        note == "At most 9 of the 10 wanted examples can be right at once: some have the same input and another target."
    )


@pytest.fixture
def draws() -> np.random.Generator:
    return np.random.default_rng(0)


def test_variations_are_as_large_as_they_say(draws: np.random.Generator) -> None:
    table = torch.from_numpy(draws.normal(0, [1.0, 10.0, 0.0], (500, 3)).astype(np.float32))
    noisy = varied(table, table, Variation("noise", 0.3), 0)
    np.testing.assert_allclose((noisy - table).std(0).numpy(), 0.3 * table.std(0).numpy(), rtol=0.1, atol=1e-9)
    for count in (1, 2):
        other = varied(table, table, Variation("cells", count), 0)
        assert ((other != table).sum(1) <= count).all()
        assert (other != table).any(1).float().mean() > 0.6  # a constant column cannot change
        assert all(torch.isin(other[:, i], table[:, i]).all() for i in range(3))
    assert torch.equal(varied(table, table, Variation("cells", 1), 3), varied(table, table, Variation("cells", 1), 3))
    pictures = torch.rand(20, 16, 16)
    assert not torch.equal(varied(pictures, pictures, Variation("shift", 1.0), 0), pictures)
    kinds = {kind: [each.kind for each in variations(x, kind)] for kind, x in (("table", table), ("picture", pictures))}
    assert kinds == {"table": ["noise"] * 3 + ["cells"] * 2, "picture": ["noise"] * 3 + ["shift"] * 3}
    assert variations({"a": table}, "table") == ()


def test_bits_of_other_objectives() -> None:
    base = small_task()
    several = replace(base, train=Examples(base.train.inputs, np.eye(4)[base.train.labels]), test=None, objective="multilabel")  # fmt: skip
    assert forecast_labels(replace(several, model=lambda: torch.nn.Linear(64, 4)), 10).wanted == 40
    numbers = replace(base, train=Examples(base.train.inputs, np.arange(80.0)), test=None, classes=(), objective="regression")  # fmt: skip
    with pytest.raises(byrote.ByroteError, match="as many bits as one wants digits"):
        forecast_labels(numbers, 10)


def test_measured_bits_leave_out_what_a_run_was_trained_on(records: dict[str, Record]) -> None:
    record = records[AS_IT_IS]
    others = record.population.where("train") & ~wanted_of(record)
    expected = [bits_of(record, run)[others & ~record.member(run)].mean() * others.sum() for run in record.runs]
    assert measured_bits(record, others).value == pytest.approx(np.mean(expected))
    assert np.isnan(measured_bits(record, wanted_of(record)).value)


def test_the_command_prints_sentences_or_data(tmp_path: Path) -> None:
    (tmp_path / "memorized_task.py").write_text(
        f"import sys\nsys.path[:0] = [{str(Path(__file__).parents[1])!r}]\nfrom dataclasses import replace\nfrom functools import partial\n"
        "from byrote.task.models import mlp\nfrom small import small_task\n"
        "task = replace(small_task(epochs=4), model=partial(mlp, (8, 8), 4, width=8))\n"
    )
    base = ["memorize", str(tmp_path / "memorized_task.py"), "--wanted", "8", "--recall", ".5", "--runs", "3"]
    arguments = [*base, "--workers", "1", "--out", str(tmp_path / "out")]
    ran = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert ran.exit_code == 0
    assert "8 random training examples are wanted" in ran.stderr
    assert "15 runs" in ran.stderr
    assert "All of this rests on 3 runs of each" in ran.stdout
    assert (tmp_path / "out" / "memorize.html").exists()
    data = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert [row["arm"] for row in json.loads(data.stdout)] == [AS_IT_IS, WEIGHTED, FREE, BOTH, LEFT_OUT]
