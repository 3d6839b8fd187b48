"""Each file of decisions is taken by the verbs and controls that it is for, with ids and labels as hostile as they come."""

import csv
from pathlib import Path
from shlex import split

import numpy as np
import pytest
from click.testing import CliRunner

from byrote.cli import app
from byrote.controls import drop, relabel, wanted
from byrote.errors import ByroteError, InvalidData
from byrote.experiments.wanted_list import wanted_list
from byrote.objectives import Regression
from byrote.record import Record
from byrote.task.apply_labels import apply_labels
from byrote.task.canaries import Canaries
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.viewer.decisions import Decision
from byrote.viewer.exports import check_choice, write_exports
from small import perceptron, small_task

ODD = ['with, comma and "quotes"', "=1+1", "line\nbreak", "unit\x85separator", "<b>", "train/5"]
"""Ids that a file of ids has to survive."""

TASK = """
import sys
sys.path.insert(0, {tests!r})
from viewer.test_exports import odd_task
task = odd_task()
"""


def odd_task() -> Task:
    own = small_task(epochs=2, n=40)
    train = Examples(own.train.inputs, own.train.labels, [*ODD, *map(str, range(len(ODD), 40))])
    return Task(perceptron, train, own.test, own.recipe, own.classes, "odd")


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    where = tmp_path_factory.mktemp("odd") / "an audit's place"
    return collect(odd_task(), where, runs=3, canaries=Canaries(), compute=Compute(workers=1))


@pytest.fixture(scope="module")
def files(record: Record) -> dict[str, tuple[Path, tuple[str, ...]]]:
    names = [f"train/{name}" for name in ODD]
    label = int(record.population.labels[record.population.ids.tolist().index(names[4])])
    made = [
        *(Decision(name, "drop") for name in names[:4]),
        Decision(names[4], "relabel", (label + 1) % 4, ("a tag",)),
        Decision(names[5], "wanted"),
        Decision("train/7", "keep"),
        Decision("train/of another audit", "drop"),
    ]
    found = write_exports(record, {each.example: each for each in made})
    return {each.path.stem: (each.path, each.taken_by) for each in found}


def test_the_control_drop_takes_them(files: dict[str, tuple[Path, tuple[str, ...]]]) -> None:
    assert drop(files["drop"][0])(odd_task()).excluded == set(ODD[:4])


def test_the_control_relabel_takes_them(files: dict[str, tuple[Path, tuple[str, ...]]]) -> None:
    before, after = odd_task().train.labels, relabel(files["relabel"][0])(odd_task()).train.labels
    assert np.flatnonzero(before != after).tolist() == [4]
    assert after[4] == (before[4] + 1) % 4


def test_the_control_and_the_list_of_wanted_examples_take_them(
    files: dict[str, tuple[Path, tuple[str, ...]]],
) -> None:
    path = files["wanted"][0]
    assert wanted(path)(odd_task()).always == {"train/5"}
    assert wanted_list(odd_task(), path).ids == ("train/5",)


def test_all_decisions_are_in_a_table(files: dict[str, tuple[Path, tuple[str, ...]]]) -> None:
    with files["all"][0].open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["example"]: row["decision"] for row in rows}["train/line\nbreak"] == "drop"
    assert [(row["tags"], row["new label"] != "") for row in rows if row["decision"] == "relabel"] == [("a tag", True)]
    assert len(rows) == 7


@pytest.mark.slow
def test_the_verbs_take_them_as_the_page_spells_them(
    files: dict[str, tuple[Path, tuple[str, ...]]], tmp_path: Path
) -> None:
    task = tmp_path / "my_task.py"
    task.write_text(TASK.format(tests=str(Path(__file__).parents[1])))
    out = {
        "remove": ["--seeds", "2"],
        "compare": ["--runs", "6", "--canaries", "mislabeled=2"],
        "memorize": ["--runs", "3"],
    }
    for _, commands in files.values():
        for at, command in enumerate(commands):
            program, verb, name, *rest = split(command)
            assert (program, name) == ("byrote", "TASK")
            where = str(tmp_path / f"{verb}-{at}-{len(rest)}-{rest[-1][:5].strip('/(')}")
            given = [verb, str(task), *rest, *out[verb], "--out", where, "--workers", "1", "--csv"]
            found = CliRunner().invoke(app, given, catch_exceptions=False)
            assert found.exit_code == 0, found.output
            if verb == "remove":
                assert "chosen" in found.output


def test_a_file_of_a_decision_that_was_taken_back_is_removed(record: Record) -> None:
    name = str(record.population.ids[record.population.where("train")][0])
    write_exports(record, {name: Decision(name, "keep", None, ())})
    folder = Path(str(record.directory)) / "decisions"
    assert [path.name for path in folder.iterdir()] == ["all.csv"]


def test_targets_are_relabelled_with_all_their_digits(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 8, 8)).astype(np.float32), rng.normal(size=(30, 2)).astype(np.float32)

    def model() -> object:
        from torch import nn

        return nn.Sequential(nn.Flatten(), nn.Linear(64, 2))

    task = Task(model, Examples(x, y), None, Recipe(epochs=1), objective=Regression(), name="numbers")  # type: ignore[arg-type]
    record = collect(task, tmp_path / "numbers", runs=2, canaries=Canaries(), compute=Compute(workers=1))
    at = int(np.flatnonzero(record.population.ids == "train/3")[0])
    new = (1.5, float(record.population.labels[at, 1]))
    check_choice(record, at, "relabel", new)
    (found, _) = write_exports(record, {"train/3": Decision("train/3", "relabel", new)})
    changed = apply_labels(y, list(map(str, range(30))), found.path)
    assert changed[3, 0] == 1.5
    assert np.array_equal(np.delete(changed, 3, 0), np.delete(y, 3, 0))


def test_what_cannot_be_carried_out_is_refused_when_it_is_decided(record: Record) -> None:
    population = record.population
    own = int(population.labels[0])
    test = int(np.flatnonzero(population.where("test"))[0])
    refused = [(0, "relabel", 9), (0, "relabel", None), (0, "relabel", own), (0, "relabel", "cat"), (0, "relabel", 1.5), (test, "drop", None), (test, "wanted", None)]  # fmt: skip
    for at, choice, label in refused:
        with pytest.raises(ByroteError):
            check_choice(record, at, choice, label)
    check_choice(record, test, "relabel", (int(population.labels[test]) + 1) % 4)
    edited = Decision(str(population.ids[0]), "relabel", 99)
    with pytest.raises(InvalidData, match="99 is no class"):
        write_exports(record, {edited.example: edited})
