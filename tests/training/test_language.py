"""Language tasks in training: canaries that are texts, records, packs, controls, the report."""

import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import byrote
from byrote.controls import CONTROLS, apply, parse_control, thermostat
from byrote.errors import ByroteError
from byrote.evidence.evaluate import evaluate
from byrote.evidence.targets import target_text
from byrote.explain import explain
from byrote.explain.out_texts import read_out_texts
from byrote.record import Record
from byrote.scores import memorization
from byrote.task.canaries import Canaries, plant
from byrote.task.designs import Together, halves, parse_design
from byrote.training.adapter import learner
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.engine import Engine
from byrote.training.loop import train
from byrote.training.models import read_model
from controls.cases import CASES
from controls.tasks import language_task

ONE = Compute(workers=1)
CANARIES = Canaries(4, 4, 4)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    where = tmp_path_factory.mktemp("language")
    return collect(language_task(), where, runs=6, design=halves(), canaries=CANARIES, compute=ONE, keep_models=True)


def outcomes(record: Record, column: str) -> np.ndarray:
    return np.stack([record.at_step(run, column, record.last_step) for run in record.runs])


def test_canaries_are_texts_whose_targets_are_their_own_tokens() -> None:
    task = language_task()
    population = plant(task, CANARIES, 0)
    there = population.labels[:, :-1] >= 0
    np.testing.assert_array_equal(population.inputs[:, 1:][there], population.labels[:, :-1][there])
    ids = {f"train/{name}": at for at, name in enumerate(task.train.ids)}
    for at in np.flatnonzero(population.canary == "mislabeled"):
        own, original = population.labels[at], task.train.labels[ids[str(population.source[at])]]
        assert sorted(own) == sorted(original)
        np.testing.assert_array_equal(population.true_label[at], original)
    wrong = population.canary == "mislabeled"
    assert (population.labels[wrong] != population.true_label[wrong]).any(1).all()
    noise = population.labels[population.canary == "noise"]
    assert len(noise) == 4
    assert not (noise[:, None] == task.train.labels[None]).all(2).any()


def test_a_record_holds_what_its_models_say(record: Record) -> None:
    task, population = language_task(), plant(language_task(), CANARIES, 0)
    np.testing.assert_array_equal(record.population.labels, population.labels)
    assert record.population.labels.dtype == np.int32
    targets = task.learned.to_tensor(population.labels)
    with torch.no_grad():
        outputs = read_model(task, record.directory, 2)(torch.from_numpy(population.inputs).long())
    expected = task.learned.observe(outputs, targets)
    for name, values in expected.items():
        np.testing.assert_allclose(record.at_step(2, name, record.last_step), values, rtol=1e-4, atol=1e-5)


def test_memorization_is_counterfactual_memorization_of_the_token_accuracy(record: Record) -> None:
    right, member = outcomes(record, "token_accuracy"), np.stack([record.member(run) for run in record.runs])
    found = evaluate(memorization, record)
    for at in np.flatnonzero(record.population.where("train"))[::9]:
        gap = right[member[:, at], at].mean() - right[~member[:, at], at].mean()
        assert found.value[at] == pytest.approx(gap, abs=1e-6)
    assert np.isfinite(found.low[record.population.where("train")]).all()


def test_a_run_does_not_depend_on_its_pack() -> None:
    task = language_task()
    population = plant(task, CANARIES, 0)
    member = np.repeat((population.split != "test")[None], 3, axis=0)

    def losses(runs: int) -> Any:
        engine = Engine(pack=runs)
        steps = list(
            train(
                learner(task), population, member[:runs], task.recipe, [5, 6, 7][:runs], engine, objective=task.learned
            )
        )
        return [(step[0].clean.values["loss"], step[0].seen.values["loss"]) for step in steps]

    for one, other in zip(losses(3), losses(1), strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4)


def test_many_outputs_are_reduced_at_once_to_the_same_columns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import byrote.training.pack as pack

    plain = collect(language_task(), tmp_path / "kept", runs=2, canaries=CANARIES, compute=ONE)
    monkeypatch.setattr(pack, "FEW_OUTPUTS", 0)
    monkeypatch.setattr(pack, "NUMBERS_AT_ONCE", 1000)
    reduced = collect(language_task(), tmp_path / "reduced", runs=2, canaries=CANARIES, compute=ONE)
    for name in ("loss", "token_accuracy", "loss_seen", "correct_seen"):
        np.testing.assert_allclose(outcomes(reduced, name), outcomes(plain, name), rtol=1e-5, atol=1e-6)


def test_explanations_and_the_report_speak_of_texts(record: Record) -> None:
    found = explain(record, top=3)
    assert {each.cause for each in found} <= {"near-duplicate", "atypical", "unclear"}
    at = found[0].position
    said = read_out_texts(record, np.array([at]))[0]
    out = ~np.stack([record.member(run) for run in record.runs])[:, at]
    assert said.models == out.sum()
    assert said.token_accuracy == pytest.approx(outcomes(record, "token_accuracy")[out, at].mean())
    assert said.loss == pytest.approx(outcomes(record, "loss")[out, at].mean())
    assert target_text(record, at) in ("12 tokens", "8 tokens")
    html = Path(byrote.write_report(record)).read_text()
    text = re.sub(r"<[^>]+>", " ", re.sub(r"<(script|style).*?</\1>", " ", html, flags=re.DOTALL))
    assert "Token accuracy" in text
    assert "shuffled text" in text
    assert not re.search(r"\blabels?\b", text)


def test_copies_are_together_in_a_design_that_says_so() -> None:
    groups = np.array(["a", "", "b", "a", "", "b", "a"])
    member = parse_design("together(fraction=0.5)").membership([8], groups, 0)
    assert Together(0.5) == parse_design(str(Together(0.5)))
    for group in ("a", "b"):
        own = member[:, groups == group]
        assert (own == own[:, :1]).all()
    assert (member.sum(0) == 4).all()


@pytest.mark.parametrize("name", sorted(CONTROLS))
def test_every_control_acts_on_texts_or_is_refused_in_a_sentence(name: str) -> None:
    """The strong control of each case, of which those about ids and kinds of data are refused."""
    task = language_task()
    try:
        changed = CASES[name].strong(task)
    except ByroteError as error:
        assert str(error)  # noqa: PT017
        return
    population = plant(changed, Canaries.of_each(4), 0)
    half = np.zeros(len(population), np.bool_)
    for kind, verifies in product(("mislabeled", "ordinary", "noise"), (False, True)):
        half[np.flatnonzero((population.canary == kind) & (population.verification == verifies))[::2]] = True
    member = ((population.split == "train") | ((population.split == "canary") & half))[None]
    if changed.excluded:
        member &= ~np.isin(population.ids, [f"train/{each}" for each in changed.excluded])
    recipe = changed.recipe
    steps = train(learner(changed), population, member, recipe, [0], Engine(), objective=changed.learned)
    (last,) = list(steps)[-1]
    assert last.clean is not None
    assert np.isfinite(last.clean.values["loss"]).all()


def test_exact_copies_of_a_text_are_left_out() -> None:
    task = language_task()
    texts = np.concatenate([task.train.inputs, task.train.inputs[:3]])
    labels = np.concatenate([task.train.labels, task.train.labels[:3]])
    doubled = byrote.Task(task.model, byrote.Examples(texts, labels), recipe=task.recipe, objective=task.learned)
    changed = apply([parse_control("deduplicate(0)")], doubled)
    assert changed.excluded == {"64", "65", "66"}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"objective": "tokens(vocabulary=30)"}, r"must give \(2, 12, 30\)"),
        ({"classes": ("a", "b")}, "tokens have no names"),
    ],
)
def test_a_language_task_that_cannot_be_is_refused(change: dict[str, Any], match: str, tmp_path: Path) -> None:
    task = language_task()
    parts: dict[str, Any] = {"recipe": task.recipe, "objective": task.learned, **change}
    with pytest.raises(byrote.ByroteError, match=match):
        collect(byrote.Task(task.model, task.train, **parts), tmp_path, runs=1, compute=ONE)


def test_a_recorder_records_texts(tmp_path: Path) -> None:
    task = language_task()
    inputs, targets = (torch.from_numpy(part).long() for part in (task.train.inputs, task.train.labels))
    torch.manual_seed(0)
    model: Any = task.model
    network = model()
    recorder = byrote.Recorder(tmp_path, steps=2, objective="tokens")
    for step in (1, 2):
        for part in torch.arange(40).split(16):
            recorder.seen(part, network(inputs[part]), targets[part])
        with torch.no_grad():
            recorder.clean(torch.arange(64), network(inputs), targets)
        recorder.end_step(step)
    record = Record(tmp_path)
    assert str(record.objective) == "tokens(vocabulary=20)"
    with torch.no_grad():
        expected = task.learned.observe(network(inputs), targets)
    np.testing.assert_allclose(record.at_step(0, "loss", 2), expected["loss"], rtol=1e-5)
    order = [int(name.removeprefix("train/")) for name in record.population.ids]
    np.testing.assert_array_equal(record.population.labels, task.train.labels[order])
    other = byrote.Recorder(tmp_path / "b", steps=1, objective="tokens(vocabulary=20)")
    with pytest.raises(byrote.ByroteError, match="vocabulary of 20"):
        other.seen([0], torch.zeros(1, 12, 19), targets[:1])


@pytest.mark.slow
def test_remedies_are_compared_and_memorization_is_held_on_texts(tmp_path: Path) -> None:
    task = language_task()
    found = byrote.compare(task, ["goldfish(3)"], tmp_path / "compared", runs=6, canaries=CANARIES, compute=ONE)
    html = Path(byrote.write_comparison(found)).read_text()
    text = re.sub(r"<[^>]+>", " ", re.sub(r"<(script|style).*?</\1>", " ", html, flags=re.DOTALL))
    assert "oken accuracy" in text
    assert not re.search(r"\blabels?\b", text)
    many = byrote.Examples(np.concatenate([task.train.inputs] * 4), np.concatenate([task.train.labels] * 4))
    held = byrote.train(
        replace(task, train=many), tmp_path / "held", thermostat(0.2), canaries=Canaries(mislabeled=44), compute=ONE
    )
    assert np.isfinite(held.courses[0].verified).all()
