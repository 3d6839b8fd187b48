"""Probes asked while models train: their answers are columns of the record, and asking changes nothing else."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from byrote.errors import ByroteError, InvalidData, MissingEvidence, WrongRecord
from byrote.evidence.catalogue import find_score, score_of_probe
from byrote.evidence.evaluate import evaluate, guess
from byrote.probes import NO_QUESTIONS, Questions, ask
from byrote.record import Record
from byrote.signature import Probe, probe
from byrote.task.fit import Fit
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.dispatch import take_one
from small import small_task


@probe(high="easy")
def sureness(model: nn.Module, inputs: torch.Tensor, labels: torch.Tensor, *, power: int = 1) -> torch.Tensor:
    """Say how sure the model is of the label, to a power."""
    with torch.no_grad():
        return model(inputs).softmax(1).gather(1, labels[:, None])[:, 0] ** power


@probe(high="hard")
def noisy(model: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Draw from the global random state and leave gradients behind, as no probe should."""
    model(inputs).sum().backward()
    return torch.rand(len(inputs))


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    where = tmp_path_factory.mktemp("probed")
    return collect(
        small_task(),
        where,
        runs=3,
        probes=[sureness, sureness.bind(power=2)],
        probe_every=2,
        compute=Compute(workers=1),
    )


def test_answers_are_what_the_models_say_of_everyone(record: Record) -> None:
    assert record.probes == ("sureness", "sureness(power=2)")
    for run in record.runs:
        confidence = record.at_step(run, "confidence", 3)
        np.testing.assert_allclose(record.at_step(run, "sureness", 3), confidence, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(record.at_step(run, "sureness(power=2)", 3), confidence**2, rtol=1e-4, atol=1e-6)


def test_they_are_asked_when_they_are_due(record: Record) -> None:
    over = record.over_steps(0, "sureness")
    assert np.isnan(over[0]).all()
    assert not np.isnan(over[1:]).any()


def test_models_of_a_pack_answer_for_themselves(tmp_path: Path) -> None:
    packed = collect(small_task(epochs=1), tmp_path, runs=32, probes=[sureness], compute=Compute(workers=1))
    assert packed.run_settings(0)["pack"] != [0]
    for run in packed.runs[:4]:
        confidence = packed.at_step(run, "confidence", 1)
        np.testing.assert_allclose(packed.at_step(run, "sureness", 1), confidence, rtol=1e-4, atol=1e-6)


def test_asking_changes_nothing_else(record: Record, tmp_path: Path) -> None:
    silent = collect(small_task(), tmp_path / "silent", runs=3, compute=Compute(workers=1))
    rude = collect(small_task(), tmp_path / "rude", runs=3, probes=[noisy], compute=Compute(workers=1))
    for run in silent.runs:
        for column in ("loss", "margin", "loss_seen"):
            expected = silent.over_steps(run, column)[:1]
            np.testing.assert_array_equal(record.over_steps(run, column)[:1], expected)
            np.testing.assert_array_equal(record.at_step(run, "loss", 3), silent.at_step(run, "loss", 3))
            np.testing.assert_array_equal(rude.at_step(run, "loss", 3), silent.at_step(run, "loss", 3))


def test_an_answer_is_a_score(record: Record) -> None:
    values = evaluate(score_of_probe(sureness), record)
    assert values.score.high == "easy"
    member = np.stack([record.member(run) for run in record.runs])
    said = np.stack([record.at_step(run, "sureness", 3) for run in record.runs])
    expected = np.where(member, said, np.nan)
    some = member.any(axis=0)
    np.testing.assert_allclose(values.value[some], np.nanmean(expected[:, some], axis=0), rtol=1e-6)
    step = evaluate(score_of_probe(sureness).bind(step=2), record)
    assert not np.allclose(step.value[some], values.value[some])
    assert guess(score_of_probe(sureness), record).value.shape[0] == 3


def test_a_score_of_something_not_asked_says_what_to_do(record: Record) -> None:
    with pytest.raises(MissingEvidence, match="computed while models train") as refused:
        evaluate(
            score_of_probe(Probe(name="loudness", high="hard", defaults={}, source="", summary="", function=len)),
            record,
        )
    assert refused.value.remedy is not None
    assert (refused.value.remedy.name, refused.value.remedy.value) == ("probe", "loudness")


def test_other_probes_are_another_record(record: Record) -> None:
    with pytest.raises(WrongRecord, match="probes"):
        collect(small_task(), record.directory, runs=3, probes=[sureness], compute=Compute(workers=1))


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    task = small_task()
    with pytest.raises(ByroteError, match="no probe named 'curvatur'"):
        collect(task, tmp_path, runs=1, probes=["curvatur"])
    with pytest.raises(InvalidData, match="every -1 epochs"):
        collect(task, tmp_path, runs=1, probes=[sureness], probe_every=-1)
    own = Task(Fit(_fit), task.train, task.test, Recipe(), task.classes)
    with pytest.raises(InvalidData, match="Probes are computed on a torch model"):
        collect(own, tmp_path, runs=1, probes=[sureness])


def _fit(train: object, seed: int) -> object:
    raise AssertionError


def test_weight_norms_are_those_of_the_models(tmp_path: Path) -> None:
    from dataclasses import replace

    task = small_task()
    still = replace(task, recipe=replace(task.recipe, learning_rate=0.0))
    record = collect(still, tmp_path, runs=1, compute=Compute(workers=1))
    torch.manual_seed(record.run_settings(0)["seed"])
    norm = np.sqrt(sum(float(weight.detach().double().square().sum()) for weight in task.model().parameters()))
    np.testing.assert_allclose(record.scalar(0, "weight_norm"), [norm] * 3, rtol=1e-5)


def test_ask_leaves_the_mode_of_every_module() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.Linear(4, 2))
    model[1].eval()
    inputs, labels = torch.randn(7, 4), torch.zeros(7, dtype=torch.long)
    value = ask(sureness, model, inputs, labels, batch_size=3)
    assert (model.training, model[0].training, model[1].training) == (True, True, False)
    np.testing.assert_allclose(value, model.eval()(inputs).softmax(1)[:, 0].detach(), rtol=1e-6)
    assert len(ask(sureness, model, inputs[:0], labels[:0])) == 0
    with pytest.raises(InvalidData, match=r"`labels` has 6 .* `inputs` has 7"):
        ask(sureness, model, inputs, labels[:6])


def test_questions_know_when() -> None:
    questions = Questions((sureness,), every=3)
    assert [bool(questions.at(step, 7)) for step in range(1, 8)] == [False, False, True, False, False, True, True]
    assert NO_QUESTIONS.at(7, 7) == ()


def test_probes_are_found_by_their_text() -> None:
    score = find_score("curvature(vectors=3)")
    assert str(score) == "curvature(vectors=3)"
    assert score.needs[0].column == "curvature(vectors=3)"


@pytest.mark.cluster
def test_a_worker_takes_a_gpu_of_its_own(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = f"from pathlib import Path; from byrote.training.dispatch import take_one; print(take_one(3, Path({str(tmp_path)!r})), flush=True); input()"
    workers = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    try:
        taken = []
        for worker in workers:
            assert worker.stdout
            taken.append(int(worker.stdout.readline()))
        assert sorted(taken) == [0, 1, 2]
        assert 0 <= take_one(3, tmp_path) < 3
    finally:
        for worker in workers:
            worker.communicate("\n")
