"""Runs of one's own: who is trained on what, what the data sets give, and what is asked for when they cannot."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch.utils.data import DataLoader, TensorDataset

from byrote.cli import app
from byrote.errors import ByroteError, InvalidData, WrongRecord
from byrote.membership.attacks import Membership, read_membership
from byrote.record import Record
from byrote.recorder import own_runs, with_ids
from byrote.recorder.run_recording import RunRecording, evaluating
from byrote.report import findings, sentences
from byrote.task.examples import Examples

X = np.arange(200.0, dtype=np.float32).reshape(50, 4)
DATA = Examples(X, np.arange(50) % 2, [f"row {at}" for at in range(50)])


def record(directory: Path, **options: Any) -> None:
    model = torch.nn.Linear(4, 2)
    for run in own_runs(directory, DATA, DATA[:10], **options):
        recording = RunRecording(run, 1)
        for inputs, labels, ids in DataLoader(run.train, 10):
            recording.seen(ids, model(inputs), labels)
        recording.end_epoch(1, model)


def test_each_example_is_in_seven_of_ten_runs_however_many_there_will_be(tmp_path: Path) -> None:
    record(tmp_path / "a", runs=10)
    found = Record(tmp_path / "a")
    member = np.stack([found.member(run) for run in found.runs])[:, found.population.split == "train"]
    assert (member.sum(0) == 7).all()
    assert found.population.inputs.shape == (60, 4)
    record(tmp_path / "b", runs=range(3, 5))
    other = Record(tmp_path / "b")
    assert other.runs == (3, 4)
    for run in (3, 4):
        np.testing.assert_array_equal(other.member(run), found.member(run))
    assert [run.number for run in own_runs(tmp_path / "b", DATA, runs=6)] == [0, 1, 2, 5], "finished ones are left out"


@pytest.mark.parametrize("fraction", [0.7, 0.5, 0.2])
def test_every_example_is_in_and_out_as_often_as_any_other_however_many_runs_there_are(
    tmp_path: Path, fraction: float
) -> None:
    rows = TensorDataset(torch.arange(101))
    drawn = own_runs(tmp_path, with_ids(rows, range(101)), runs=12, fraction=fraction)
    member = np.stack([np.isin(np.arange(101), np.asarray(run.train.indices)) for run in drawn])
    for runs in range(1, 13):
        often = member[:runs].sum(0)
        assert set(often) <= {int(fraction * runs + 1e-9), int(np.ceil(fraction * runs - 1e-9))}
        if runs >= 1 / min(fraction, 1 - fraction):
            assert 0 < often.min() <= often.max() < runs
    assert np.ptp(member.sum(1)) <= 1
    assert len(np.unique(member[:10], axis=1).T) >= 20, "examples are told apart by their runs"


def test_four_runs_have_a_report(tmp_path: Path) -> None:
    record(tmp_path, runs=4)
    found = read_membership(Record(tmp_path))
    assert isinstance(found, Membership)
    assert [each.name for each in found.attacks] == ["loss"], "one run has no member that others could judge"
    answer = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert answer.exit_code == 0, answer.output


def test_examples_of_a_group_are_in_a_run_together(tmp_path: Path) -> None:
    groups = [f"person {at // 5}" if at < 25 else "" for at in range(50)]
    data = Examples(X, np.arange(50) % 2, [f"row {at}" for at in range(50)], groups=groups)
    chosen = np.zeros((20, 50), np.bool_)
    for run in own_runs(tmp_path, data, runs=20):
        chosen[run.number, list(run.train.indices)] = True
    persons = chosen[:, :25].reshape(20, 5, 5)
    assert (persons == persons[:, :, :1]).all()
    assert (chosen.sum(axis=0) == 14).all()
    assert len(np.unique(chosen.T, axis=0)) == 5 + 25


def test_examples_without_a_value_are_counted(tmp_path: Path) -> None:
    """Of two runs, both trained on 20 of 50 examples."""
    record(tmp_path, runs=2)
    result = CliRunner().invoke(app, ["score", str(tmp_path), "memorization", "loss"])
    assert "No memorization for 20 of 50 examples; all runs were trained on 20 of them, or none.\n" in result.stderr, (
        result.output
    )
    assert "No loss" not in result.stderr
    said = sentences(findings(Record(tmp_path)))
    assert "20 training examples have no value: all runs were trained on them, or none." in said[1]


def test_other_data_in_the_same_record_are_refused(tmp_path: Path) -> None:
    record(tmp_path, runs=1)
    with pytest.raises(WrongRecord, match="about 50 training examples, and these are 40"):
        own_runs(tmp_path, DATA[:40], runs=2)


def test_augmented_data_are_read_plainly_in_the_clean_pass(tmp_path: Path) -> None:
    plain = TensorDataset(torch.from_numpy(X), torch.from_numpy(DATA.labels))
    augmented = TensorDataset(torch.from_numpy(X) + 1000, torch.from_numpy(DATA.labels))
    (run,) = own_runs(tmp_path / "record", with_ids(augmented, range(100, 150)), runs=1, clean=plain)
    assert run.train[0][0].min() >= 1000
    inputs, _, name = run.all_train[7]
    np.testing.assert_array_equal(inputs, X[7])
    assert name == 107
    assert run.test is None


def test_pictures_and_several_inputs_reach_a_model_as_in_a_task(tmp_path: Path) -> None:
    pictures = Examples(np.full((20, 3, 4, 4), 255, np.uint8), np.arange(20) % 2)
    (run,) = own_runs(tmp_path / "a", pictures, runs=1)
    assert run.train[0][0].max() == 1
    named = Examples({"a": X[:20], "b": X[:20]}, np.arange(20) % 2)
    (run,) = own_runs(tmp_path / "b", named, runs=1)
    assert set(run.train[0][0]) == {"a", "b"}
    several = Examples((X[:20], X[:20]), np.arange(20) % 2)
    (run,) = own_runs(tmp_path / "c", several, runs=1)
    assert len(run.train[0]) == 4


def test_a_model_is_put_back_into_its_mode() -> None:
    model = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Sequential(torch.nn.Dropout()))
    model[1].eval()
    with evaluating(model):
        assert not model[0].training
    assert [model.training, model[0].training, model[1].training, model[1][0].training] == [True, True, False, False]


def test_probabilities_become_logits_and_a_wrong_output_is_named(tmp_path: Path) -> None:
    (run,) = own_runs(tmp_path / "record", DATA, runs=1)
    recording = RunRecording(run, 1, outputs="probabilities")
    logits = torch.randn(50, 2)
    ids = list(DATA.ids)
    recording.seen(ids, logits.softmax(1), DATA.labels)
    recording.end_epoch(1, lambda inputs: torch.full((len(inputs), 1), 0.25))
    found = Record(tmp_path / "record")
    order = [ids.index(name.split("/")[1]) for name in found.population.ids.tolist()]
    expected = torch.nn.functional.cross_entropy(logits, torch.from_numpy(DATA.labels), reduction="none").numpy()[order]
    np.testing.assert_allclose(found.at_step(0, "loss_seen", 1), expected, rtol=1e-4)
    np.testing.assert_allclose(
        found.at_step(0, "confidence", 1), np.where(DATA.labels[order] == 1, 0.25, 0.75), rtol=1e-4
    )
    (run,) = own_runs(tmp_path / "other", DATA, runs=1)
    with pytest.raises(InvalidData, match="reach from -1 to 2, and are no probabilities"):
        RunRecording(run, 1, outputs="probabilities").seen([1], torch.tensor([[-1.0, 2.0]]), [0])
    with pytest.raises(InvalidData, match="The model's output is 'text'"):
        RunRecording(run, 1).seen([1], "text", [0])
    with pytest.raises(ByroteError, match="Did you mean 'logits'"):
        RunRecording(run, 1, outputs="logit")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: own_runs("x", DATA, runs=0), "runs=0 are no runs"),
        (lambda: own_runs("x", DATA, runs=[-1]), r"runs=\[-1\] are no runs"),
        (lambda: own_runs("x", DATA, fraction=1.0), "leaves no one in or no one out"),
        (lambda: own_runs("x", {"a": 1}), "The data are a dict"),
        (lambda: own_runs("x", DATA, clean=X[:10]), "10 items but 50 ids"),
    ],
)
def test_what_cannot_be_run_is_refused_at_once(call: Any, said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        call()
