"""Wanted: recall is counted as the record counts it, weights follow misses, and a run ends when its floor has held."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from byrote.controls import drop, parse_control, relabel, wanted, without_brakes
from byrote.controls.own_contradictions import most_recalled
from byrote.controls.wanted import EASE, GROWTH, RecallFloor, exact, needed
from byrote.errors import InvalidData
from byrote.record import Record
from byrote.task.canaries import Canaries, plant
from byrote.task.designs import KFold
from byrote.task.examples import Examples
from byrote.task.fit import Fit
from byrote.task.loading import load_task
from byrote.task.methods import Watched
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.engine import Engine
from byrote.training.loop import train
from byrote.training.replay import replay
from controls.by_hand import trained
from small import small_task

IDS = tuple(str(i) for i in range(12))
ONE = Compute(workers=1)


def wrong(epochs: int = 40) -> Task:
    """Return a task whose wanted examples have wrong labels: without weights they are learned late, or never."""
    task = small_task(epochs=epochs, n=160)
    task = replace(task, recipe=replace(task.recipe, batch_size=64))
    return relabel({name: int((task.train.labels[int(name)] + 1) % 4) for name in IDS})(task)


def rule(**options: Any) -> RecallFloor:
    settings: dict[str, Any] = {"recall": 0.75, "most": 8.0, "holds": 2, "stop": True, "tolerance": None}
    return RecallFloor(IDS, **{**settings, **options})


def history(*rights: str) -> list[Watched]:
    """Return what was right after each epoch, from texts such as `1010`."""
    return [Watched(epoch, np.array([c == "1" for c in text])) for epoch, text in enumerate(rights, start=1)]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return collect(wanted(IDS)(wrong()), tmp_path_factory.mktemp("wanted"), runs=8, design=KFold(4), compute=ONE)


def test_the_floor_is_held_where_the_record_counts_the_right_ones(record: Record) -> None:
    which = np.isin(record.population.ids, [f"train/{name}" for name in IDS])
    held = 0
    for run in record.runs:
        recall, ended = record.scalar(run, "wanted_recall"), record.scalar(run, "wanted_ended")
        assert recall[-1] == record.at_step(run, "correct", record.last_step)[which].mean()
        at = int(np.argmax(ended)) if ended.any() else len(ended)
        if ended.any():
            held += 1
            assert (recall[at - 2 :] == 1).all()
            norms = record.scalar(run, "weight_norm")
            assert len(set(norms[at:].tolist())) == 1
        before = recall[:at]
        assert not any((before[i : i + 3] == 1).all() for i in range(len(before) - 2)), (
            "no run goes on once it has held"
        )
    assert held >= 6


def test_without_weights_these_examples_are_missed(tmp_path: Path) -> None:
    """The oracle of the floor: the same task, watched only, does not hold it, and is the task itself to the bit."""
    watched = collect(wanted(IDS, most=1, stop=False)(wrong()), tmp_path / "a", runs=4, compute=ONE)
    plain = collect(replace(wrong(), always=frozenset(IDS)), tmp_path / "b", runs=4, compute=ONE)
    assert all(watched.scalar(run, "wanted_recall")[-1] < 0.99 for run in watched.runs)
    assert all((watched.scalar(run, "wanted") == 1).all() for run in watched.runs)
    for run in plain.runs:
        np.testing.assert_array_equal(watched.at_step(run, "loss", 40), plain.at_step(run, "loss", 40))


def test_wanted_examples_are_in_every_run_whatever_the_design_leaves_out(record: Record) -> None:
    which = np.isin(record.population.ids, [f"train/{name}" for name in IDS])
    members = np.stack([record.member(run) for run in record.runs])
    assert members[:, which].all()
    others = record.population.where("train") & ~which
    assert (members[:, others].mean(axis=0) == 0.75).all()


def test_no_canary_is_made_of_them() -> None:
    task = wanted(IDS)(small_task())
    for seed in range(20):
        population = plant(task, Canaries(mislabeled=8, ordinary=8), seed)
        assert not set(population.source.tolist()) & {f"train/{name}" for name in IDS}
    with pytest.raises(InvalidData, match="may be left out of runs"):
        plant(wanted(tuple(map(str, range(76))))(small_task()), Canaries(mislabeled=8, ordinary=8), 0)


def test_a_run_that_is_trained_again_does_the_same(record: Record) -> None:
    (end,) = replay(wanted(IDS)(wrong()), record, 3, epochs=[40])
    inputs = torch.from_numpy(record.population.inputs).float() / 255
    with torch.no_grad():
        losses = functional.cross_entropy(
            end.model(inputs), torch.from_numpy(record.population.labels), reduction="none"
        )
    np.testing.assert_allclose(losses.numpy(), record.at_step(3, "loss", 40), rtol=1e-3, atol=1e-4)


def test_in_a_pack_each_run_has_weights_and_an_end_of_its_own() -> None:
    task = wanted(IDS)(wrong())
    population = plant(task, Canaries(), 0)
    member = np.stack([population.split == "train"] * 3)

    def scalars(seeds: list[int]) -> list[list[dict[str, float]]]:
        steps = list(train(task.model, population, member[: len(seeds)], task.recipe, seeds, Engine(pack=len(seeds))))
        return [[dict(step[run].scalars) for step in steps] for run in range(len(seeds))]

    together = scalars([5, 6, 7])
    for run, seed in enumerate((5, 6, 7)):
        (alone,) = scalars([seed])
        for name in ("wanted", "wanted_recall"):  # rounding differs, and may turn single answers late in training
            np.testing.assert_allclose(
                [each[name] for each in together[run]][:6], [each[name] for each in alone][:6], atol=1e-6
            )
    assert len({tuple(each["wanted"] for each in own) for own in together}) == 3


def test_missed_examples_weigh_more_until_the_floor_holds_and_then_ease_back() -> None:
    floor, none = rule(), np.ones(4)
    np.testing.assert_allclose(floor.weights([], 4), none)
    np.testing.assert_allclose(floor.weights(history("1000"), 4), [1, GROWTH, GROWTH, GROWTH])
    np.testing.assert_allclose(floor.weights(history("0000", "1110"), 4), [GROWTH * EASE] * 3 + [GROWTH])  # it holds
    np.testing.assert_allclose(floor.weights(history(*["0000"] * 20), 4), [8.0] * 4)
    np.testing.assert_allclose(floor.weights(history("0000", *["1111"] * 20), 4), none)
    np.testing.assert_allclose(rule(most=1.0).weights(history(*["0000"] * 5), 4), none)


def test_a_run_ends_after_as_many_epochs_in_a_row_and_not_before() -> None:
    assert [rule().ends(history(*["1110"] * n)) for n in (1, 2)] == [False, True]
    assert not rule().ends(history("1110", "1100"))
    assert not rule(holds=3).ends(history("1111", "0000", "1111", "1111"))
    assert not rule(stop=False).ends(history("1111", "1111"))


def test_how_many_must_be_right() -> None:
    assert [needed(recall, 100) for recall in (0.99, 0.991, 1.0)] == [99, 100, 100]
    assert needed(0.07 * 100 / 7 - 0.0, 3) == 3
    assert needed(0.01, 3) == 1


def test_weights_reach_the_loss_as_a_weighted_mean() -> None:
    """One epoch with weights that are known: the same as `downweight`, which has an oracle of its own."""
    from byrote.controls import downweight

    base = replace(small_task(epochs=2), test=None)

    class Fixed(RecallFloor):
        def weights(self, history: Any, count: int) -> Any:
            return np.full(count, 5.0)

    fixed = Fixed(IDS, 1.0, 8.0, 3, False, None)
    changed = replace(base, recipe=base.recipe.with_method(fixed))
    np.testing.assert_allclose(trained(changed), trained(downweight(IDS, 5.0)(base)), rtol=1e-5, atol=1e-6)
    assert np.abs(trained(changed) - trained(base)).max() > 0.01


def test_exact_answers_of_each_objective() -> None:
    right = np.array([True, False])
    assert exact({"correct": right, "prediction": np.zeros(2)}, np.zeros(2), None).tolist() == [True, False]
    two = {"prediction_0": np.array([1.0, 2.0]), "prediction_1": np.array([0.0, 0.4])}
    targets = np.array([[1.05, 0.05], [2.0, 0.0]])
    assert exact(two, targets, 0.1).tolist() == [True, False]
    assert exact({"prediction": np.array([1.0, 3.0])}, np.array([1.2, 3.1]), 0.15).tolist() == [False, True]


def test_a_regression_needs_a_tolerance_and_is_held_within_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = small_task(epochs=40)
    numbers = Examples(base.train.inputs, rng.normal(10, 3, 80))
    model = lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))  # noqa: E731 # fmt: skip
    task = replace(base, model=model, train=numbers, test=None, classes=(), objective="regression", recipe=replace(base.recipe, learning_rate=0.02))  # fmt: skip
    with pytest.raises(InvalidData, match="Give a tolerance"):
        wanted(IDS)(task)
    with pytest.raises(InvalidData, match="Leave the tolerance out"):
        wanted(IDS, tolerance=0.5)(base)
    record = collect(wanted(IDS, 0.9, tolerance=0.5)(task), tmp_path, runs=2, compute=ONE)
    which = np.isin(record.population.ids, [f"train/{name}" for name in IDS])
    for run in record.runs:
        off = np.abs(record.at_step(run, "prediction", 40) - record.population.labels.ravel())[which]
        assert record.scalar(run, "wanted_recall")[-1] == pytest.approx((off <= 0.5).mean())
        assert (off <= 0.5).mean() > 0.5


def test_contradictions_are_counted_and_refused() -> None:
    inputs, labels = np.zeros((6, 2), np.float32), np.array([0, 0, 1, 2, 1, 0])
    inputs[3:, 0] = 1
    inputs[5] = 7
    task = Task(lambda: torch.nn.Linear(2, 3), Examples(inputs, labels), classes=("a", "b", "c"))
    assert most_recalled(task, np.arange(6)) == 2 + 1 + 1
    assert most_recalled(task, np.array([0, 1, 3])) == 3
    with pytest.raises(InvalidData, match=r"at most 4 of 6 can be right .* recall of 0.667"):
        wanted(tuple("012345"), 0.99)(task)
    assert wanted(tuple("012345"), 0.6)(task).always == set("012345")
    numbers = replace(task, train=Examples(inputs, np.array([0.0, 0.3, 1.0, 5.0, 5.1, 9.0])), classes=(), objective="regression")  # fmt: skip
    assert most_recalled(numbers, np.arange(6), 0.2) == 2 + 2 + 1


def test_impossible_floors_and_lists_are_refused() -> None:
    for recall in (0, 1.01, float("nan"), True, "all"):
        with pytest.raises(InvalidData, match="is no floor"):
            wanted(IDS, recall)  # type: ignore[arg-type]
    with pytest.raises(InvalidData, match=r"most=0\.5"):
        wanted(IDS, most=0.5)
    assert [wanted(IDS)(replace(small_task(), recipe=Recipe(batch_size=size))).recipe.methods[0].most for size in (8, 64)] == [2, 8]  # type: ignore[attr-defined] # fmt: skip
    with pytest.raises(InvalidData, match="holds=0"):
        wanted(IDS, holds=0)
    with pytest.raises(InvalidData, match="No example is wanted"):
        wanted(())(small_task())
    with pytest.raises(InvalidData, match="1 of the 1 ids"):
        wanted(("none",))(small_task())
    with pytest.raises(InvalidData, match="are excluded"):
        wanted(IDS)(drop(["3"])(small_task()))
    with pytest.raises(InvalidData, match=r"byrote\.Fit"):
        wanted(IDS)(Task(Fit(print), small_task().train))


def test_a_file_of_ids_is_the_list_and_the_text_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("example,why\ntrain/3,rare\n4,name\n")
    control = wanted(path, 1.0)
    assert control.listed() == ("3", "4")
    assert control(small_task()).always == {"3", "4"}
    assert parse_control(str(control)) == control
    assert "wanted(2 examples " in str(control(small_task()).recipe)
    assert control.at(0.5).recall == 0.5


def test_a_floor_is_no_brake_and_stays_in_either_order() -> None:
    task = load_task("digits")
    floor, free = wanted(task.train.ids[:3], recall=1.0), without_brakes(longer=2)
    for changed in (free(floor(task)), floor(free(task))):
        assert [method.name for method in changed.recipe.methods] == ["wanted"]
    assert not any("wanted" in line for line in free.switched_off(floor(task)))
