"""A replayed run is the run of the record."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from byrote.errors import InvalidData, MissingEvidence, WrongRecord
from byrote.locate import Checkpoint, checkpoints, memorized_and_clean, replay
from byrote.objectives import Classification
from byrote.record import Record
from byrote.task.canaries import Canaries
from byrote.task.fit import Fit
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.tensors import to_tensors
from small import small_task

EPOCHS = 3


def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 4))


def task() -> Task:
    """With dropout, whose masks depend on who else is in the pack."""
    return replace(small_task(EPOCHS), model=network)


@pytest.fixture(scope="module", params=[2, 16], ids=["alone", "packed"])
def record(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Record:
    where = tmp_path_factory.mktemp("record")
    return collect(task(), where, runs=request.param, canaries=Canaries.of_each(5), compute=Compute(workers=1))


def losses(checkpoint: Checkpoint, record: Record) -> np.ndarray:
    inputs, labels = to_tensors(record.population, Classification(), "cpu")
    with torch.no_grad():
        return functional.cross_entropy(checkpoint.model(inputs), labels, reduction="none").numpy()


def test_it_says_what_the_record_says(record: Record) -> None:
    packed = len(record.runs) > 2
    for run in record.runs[:3]:
        assert (len(record.run_settings(run)["pack"]) > 1) is packed
        found = list(replay(task(), record, run))
        assert [each.epoch for each in found] == [0, 1, 2, 3]
        asked = ~record.population.where("train")
        for each in found[1:]:
            said = record.at_step(run, "loss", each.epoch)
            which = np.ones(len(said), bool) if each.epoch == EPOCHS else asked
            np.testing.assert_allclose(losses(each, record)[which], said[which], rtol=1e-4, atol=1e-5)
        norm = torch.cat([weight.detach().flatten() for weight in found[-1].model.parameters()]).norm()
        np.testing.assert_allclose(norm, record.scalar(run, "weight_norm")[-1], rtol=1e-6)
        other = losses(found[-1], record) - record.at_step(record.runs[run - 1], "loss", EPOCHS)
        assert np.abs(other).max() > 0.01


def test_checkpoints_of_some_epochs_are_models_of_their_own(record: Record) -> None:
    found = list(replay(task(), record, 0, epochs=(3, 1, 1)))
    every = list(replay(task(), record, 0))
    assert [each.epoch for each in found] == [1, 3]
    for one, other in zip(found, [every[1], every[3]], strict=True):
        np.testing.assert_array_equal(losses(one, record), losses(other, record))
    assert not np.allclose(losses(found[0], record), losses(found[1], record))
    assert not found[0].model.training
    assert [each.learning_rate for each in every] == pytest.approx([0.2, 0.2 * 5 / 6, 0.1, 0.2 / 6])


def test_random_state_and_threads_are_left_alone(record: Record) -> None:
    torch.manual_seed(5)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    for _ in replay(task(), record, 1):
        assert torch.get_rng_state().equal(before)
        assert torch.get_num_threads() == threads


def test_bare_checkpoints_train_a_run_by_itself(record: Record) -> None:
    from byrote.training.engine import Engine
    from byrote.training.loop import train

    mine, member = task(), record.member(0)
    *_, last = train(mine.model, record.population, member[None], mine.recipe, [7], Engine())
    (found,) = checkpoints(mine, record.population, member, 7, epochs=[EPOCHS])
    np.testing.assert_allclose(losses(found, record), last[0].clean.values["loss"], rtol=1e-5, atol=1e-6)


def test_memorized_and_clean(record: Record) -> None:
    population, member = record.population, record.member(0)
    known, clean = memorized_and_clean(population, member)
    mislabeled = member & (population.canary == "mislabeled")
    assert len(known[0]) == mislabeled.sum() > 0
    np.testing.assert_array_equal(known[1].numpy(), population.labels[mislabeled])
    assert (population.labels[mislabeled] != population.true_label[mislabeled]).all()
    assert len(clean[0]) == (member & population.where("train")).sum()
    with pytest.raises(InvalidData, match=r"trained on no mislabeled canary\. Take a record with canaries"):
        memorized_and_clean(population, member & population.where("train"))


def test_a_run_that_byrote_has_not_trained_cannot_be_trained_again(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "run_settings", lambda run: {"run": run, "byrote": "1"})
    with pytest.raises(MissingEvidence, match=r"was not trained by byrote, .* Give checkpoints of your own\."):
        next(replay(task(), record, 0))


def test_a_pack_is_trained_whole_or_not_at_all(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = record.run_settings(0)
    monkeypatch.setattr(record, "run_settings", lambda run: {**settings, "pack": [0, 99]})
    with pytest.raises(MissingEvidence, match=r"Run 0 was trained in a pack with runs \[0, 99\], and not all of these"):
        next(replay(task(), record, 0))


def test_refusals(record: Record) -> None:
    with pytest.raises(MissingEvidence, match=r"no finished run 99\. Name one of its runs"):
        next(replay(task(), record, 99))
    with pytest.raises(InvalidData, match=r"after epochs \[7\], and the recipe has 3\. Name some from 0 to 3\."):
        next(replay(task(), record, 0, epochs=[7]))
    with pytest.raises(WrongRecord, match=r"trained with another recipe than the task 'small' has\. Give the task"):
        next(replay(replace(small_task(EPOCHS + 1), model=network), record, 0))
    with pytest.raises(WrongRecord, match="trained with another examples"):
        next(replay(replace(small_task(EPOCHS, seed=1), model=network), record, 0))
    with pytest.raises(WrongRecord, match="trained with another model"):
        next(replay(small_task(EPOCHS), record, 0))
    own = Task(Fit(lambda *_: None), task().train, task().test)
    with pytest.raises(InvalidData, match=r"A byrote\.Fit trains in its own way"):
        next(replay(own, record, 0))
