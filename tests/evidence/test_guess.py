"""From a record to guesses of membership, each run the target once."""

import numpy as np
import pytest

import small
from attackers import draws, others
from byrote.errors import MissingEvidence
from byrote.evidence.evaluate import evaluate, guess
from byrote.record import Record
from byrote.scores import (
    bavaria,
    calibrated_loss,
    confidence,
    csl,
    el2n,
    forgetting,
    influence,
    lira,
    loss,
    memorization,
    rmia,
)
from byrote.signature import Score
from byrote.task.canaries import Canaries
from byrote.training.collect import collect
from byrote.training.compute import Compute

RUNS, EPOCHS = 8, 4


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Eight small perceptrons, each on 70 % of 72 real examples and with twelve canaries."""
    where = tmp_path_factory.mktemp("audit")
    return collect(
        small.small_task(EPOCHS), where, runs=RUNS, canaries=Canaries(4, 4, 4), seed=5, compute=Compute(workers=1)
    )


@pytest.mark.parametrize("attack", [lira, rmia.bind(online=False), bavaria, calibrated_loss], ids=str)
def test_it_is_the_score_of_the_stacked_columns(record: Record, attack: Score) -> None:
    real = np.flatnonzero(record.population.where("train"))
    member = np.stack([record.member(run)[real] for run in record.runs])
    losses = np.stack([record.at_step(run, "loss", EPOCHS)[real] for run in record.runs])
    found = guess(attack, record)
    np.testing.assert_allclose(found.value, attack(losses, member), rtol=1e-9)
    np.testing.assert_array_equal(found.member, member)
    np.testing.assert_array_equal(found.positions, real)
    assert found.runs == tuple(record.runs)
    assert found.score is attack
    assert np.isfinite(found.value).all()
    assert (record.population.canary[found.positions] == "").all()


def test_a_low_loss_says_member(record: Record) -> None:
    found = guess(loss, record)
    for row, run in zip(found.value, record.runs, strict=True):
        np.testing.assert_array_equal(row, -record.at_step(run, "loss", EPOCHS)[found.positions].astype(np.float64))


def test_some_runs_and_some_examples(record: Record) -> None:
    some, runs = np.array([30, 2, 17]), [6, 1, 4, 3, 0]
    found = guess(calibrated_loss, record, positions=some, runs=runs)
    losses = np.stack([record.at_step(run, "loss", EPOCHS)[some] for run in runs])
    member = np.stack([record.member(run)[some] for run in runs])
    np.testing.assert_allclose(found.value, calibrated_loss(losses, member), rtol=1e-9)
    assert found.runs == (6, 1, 4, 3, 0)
    assert found.positions.tolist() == [30, 2, 17]


@pytest.mark.parametrize("score", [memorization, csl, el2n, forgetting, confidence, influence], ids=str)
def test_what_is_no_attack_is_refused(record: Record, score: Score) -> None:
    with pytest.raises(MissingEvidence, match=rf"{score.name} is no membership attack.*`loss`"):
        guess(score, record)


def test_an_attack_has_no_one_value_per_example(record: Record) -> None:
    with pytest.raises(MissingEvidence, match=r"run and example.*byrote\.guess"):
        evaluate(lira, record)
    with pytest.raises(MissingEvidence, match=r"lira needs 2 runs.*only 1 of the 8 finished"):
        guess(lira, record, runs=[0])


def test_single_values_by_hand_through_the_public_name(record: Record) -> None:
    import byrote

    found = byrote.guess(calibrated_loss, record)
    real = record.population.where("train")
    losses = np.stack([record.at_step(run, "loss", EPOCHS)[real] for run in record.runs]).astype(np.float64)
    for run, example in ((0, 0), (3, 17), (7, 40)):
        _, out = others(losses, found.member, draws(losses), run, example)
        assert found.value[run, example] == pytest.approx(np.mean(out) - losses[run, example])
