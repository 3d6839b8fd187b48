"""A model that is trained under a thermostat: held, verified by canaries that the controller never read, kept and read back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import byrote
from byrote.controls import thermostat
from byrote.errors import InvalidData, MissingEvidence
from byrote.experiments.held import Held, difference, held, sensor_canaries, train
from byrote.findings.held import draw_held, held_rows, held_sentences
from byrote.record import Record
from byrote.task.canaries import Canaries
from byrote.task.designs import Everything
from byrote.training.compute import Compute
from byrote.training.matching import as_recorded
from byrote.training.replay import replay
from small import small_task

TASK = replace(
    small_task(n=600, epochs=30),
    model=lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 4)),
    recipe=replace(small_task().recipe, epochs=30, learning_rate=0.1),
)
CANARIES = Canaries(mislabeled=110, ordinary=8)
ONE = Compute(workers=1)


@pytest.fixture(scope="module")
def control() -> thermostat:
    return thermostat(0.05)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, control: thermostat) -> Held:
    return train(TASK, tmp_path_factory.mktemp("held") / "out", control, canaries=CANARIES, compute=ONE)


def test_the_knob_moves_and_everything_is_recorded(found: Held) -> None:
    (course,) = found.courses
    assert course.knob.max() > 0.1
    assert len(course.verified) == len(course.sensed) == TASK.recipe.epochs
    assert not np.isnan(course.verified).any()
    assert found.record.manifest["controls"] == [
        "thermostat(target=0.05, knob='dropout', kind='mislabeled', mode='hold', start=0.0)"
    ]


def test_all_examples_are_trained_on_and_half_of_the_canaries(found: Held) -> None:
    population, member = found.record.population, found.record.member(0)
    assert member[population.where("train")].all()
    assert not member[population.where("test")].any()
    assert 0.4 < member[population.canary == "mislabeled"].mean() < 0.6


def test_what_is_verified_is_read_from_the_other_half(found: Held) -> None:
    population, member = found.record.population, found.record.member(0)
    confidence = found.record.at_step(0, "confidence", TASK.recipe.epochs)
    mine = (population.canary == "mislabeled") & population.verification
    expected = confidence[mine & member].mean() - confidence[mine & ~member].mean()
    (course,) = found.courses
    assert course.final.value == pytest.approx(expected, abs=1e-6)
    assert course.final.low < expected < course.final.high
    assert course.final.n == mine.sum()
    assert course.verified[-1] == pytest.approx(expected, abs=1e-6)


def test_a_plain_run_memorizes_more(found: Held, tmp_path: Path, control: thermostat) -> None:
    plain = byrote.collect(TASK, tmp_path / "plain", runs=1, canaries=CANARIES, compute=ONE, design=Everything())
    population, member = plain.population, plain.member(0)
    last = plain.at_step(0, "confidence", TASK.recipe.epochs)
    without = difference(last, (population.canary == "mislabeled") & population.verification, member)
    assert without.value > found.courses[0].final.value + 0.05


def test_the_same_run_again_is_the_same_to_the_bit(found: Held, tmp_path: Path, control: thermostat) -> None:
    again = train(TASK, tmp_path / "again", control, canaries=CANARIES, compute=ONE)
    for name in ("confidence", "loss"):
        np.testing.assert_array_equal(again.record.over_steps(0, name), found.record.over_steps(0, name))
    np.testing.assert_array_equal(again.courses[0].knob, found.courses[0].knob)


def test_the_weights_are_those_of_the_record(found: Held) -> None:
    directory = Path(str(found.record.directory))
    state = torch.load(directory / "models" / "0000.pt", weights_only=True)
    assert not any(name.endswith("_knob") for name in state)
    plain = TASK.model()
    plain.load_state_dict(state)
    model = byrote.read_model(TASK, directory)
    inputs = torch.from_numpy(TASK.test.inputs).float().div(255)  # pyright: ignore[reportOptionalMemberAccess]
    with torch.no_grad():
        said = model(inputs).argmax(1).numpy()
        np.testing.assert_allclose(plain.eval()(inputs), model(inputs), atol=1e-6)
    population = found.record.population
    np.testing.assert_array_equal(
        said, found.record.at_step(0, "prediction", TASK.recipe.epochs)[population.where("test")]
    )


def test_a_replay_sees_the_controller_do_the_same(found: Held) -> None:
    (checkpoint,) = replay(as_recorded(TASK, found.record), found.record, 0, epochs=[TASK.recipe.epochs])
    kept = byrote.read_model(TASK, Path(str(found.record.directory)))
    for name, value in kept.named_parameters():
        torch.testing.assert_close(dict(checkpoint.model.named_parameters())[name], value)


def test_words_rows_and_picture(found: Held) -> None:
    sentences = held_sentences(found)
    assert sentences[0].startswith(
        "Memorization was to be held at 0.05; mislabeled canaries that the controller never read say "
    )
    assert any("Accuracy on test examples" in each for each in sentences)
    (row,) = held_rows(found)
    assert row["target"] == 0.05
    assert row["verified low"] < row["verified"] < row["verified high"]
    assert "target 0.05" in draw_held(found)


def test_too_few_canaries_are_refused_before_anything_is_trained(tmp_path: Path, control: thermostat) -> None:
    with pytest.raises(
        InvalidData,
        match=r"reads mislabeled canaries, and 5 of those .* Plant 40 or more, as in canaries mislabeled=40",
    ):
        train(TASK, tmp_path / "out", control, canaries=Canaries(mislabeled=10), compute=ONE)
    assert not (tmp_path / "out" / "runs").exists()


def test_a_record_without_canaries_of_the_kind_says_nothing(found: Held) -> None:
    with pytest.raises(MissingEvidence, match="no noise canaries that verify"):
        held(Record(found.record.directory), thermostat(0.2, kind="noise"), thermostat(0.2, kind="noise")(TASK))


def test_the_default_canaries_are_eight_per_cent_or_eighty() -> None:
    assert sensor_canaries(replace(TASK, train=small_task(n=2000).train), "mislabeled") == Canaries(160, 20)
    assert sensor_canaries(TASK, "ordinary") == Canaries(ordinary=80), "80 at least"
    assert sensor_canaries(replace(TASK, train=small_task(n=200).train), "mislabeled") == Canaries(38, 2), (
        "a fifth at most"
    )


def test_a_regression_is_refused(control: thermostat) -> None:
    rng = np.random.default_rng(0)
    examples = byrote.Examples(rng.normal(size=(50, 3)).astype(np.float32), rng.normal(size=50))
    task = byrote.Task(lambda: nn.Linear(3, 1), examples, objective="regression")
    with pytest.raises(InvalidData, match="thermostat is for classification"):
        control(task)


def test_no_weights_are_kept_unless_asked_for(tmp_path: Path) -> None:
    task = replace(TASK, recipe=replace(TASK.recipe, epochs=1))
    byrote.collect(task, tmp_path / "out", runs=1, compute=ONE)
    with pytest.raises(MissingEvidence, match=r"no weights of run 0\. Collect with keep_models=True"):
        byrote.read_model(task, tmp_path / "out")


@pytest.mark.parametrize(
    ("inside", "outside"), [((0.3, 0.7), (0.1, 2.0)), ((2.0, 3.0), (1.0, 9.0)), (0.3, 0.1), (0.05, 0.01), (0.97, 0.03)]
)
def test_the_interval_of_what_is_verified_holds_the_truth(inside: object, outside: object) -> None:
    """Probabilities that are Beta, or 0 and 1, also where nearly all are 0 or 1: 84 % of 800 draws, 30 canaries a side."""
    rng, held_, count = np.random.default_rng(0), 0, 30
    member = np.arange(2 * count) < count

    def draw(of: object) -> tuple[np.ndarray, float]:
        if isinstance(of, tuple):
            return rng.beta(*of, count), of[0] / sum(of)
        return (rng.random(count) < of).astype(float), of  # type: ignore[operator, return-value]

    for _ in range(800):
        (a, mean_in), (b, mean_out) = draw(inside), draw(outside)
        found = difference(np.concatenate([a, b]), np.ones(2 * count, np.bool_), member)
        held_ += found.low <= mean_in - mean_out <= found.high
    assert held_ / 800 > 0.84
