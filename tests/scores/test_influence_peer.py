"""Influence and memorization against OpenDataVal, where that is installed: pip install --no-deps opendataval==1.3.0."""

from typing import Any

import numpy as np
import pytest

from byrote.scores import influence, memorization
from peers import subsampled_influence

peer = subsampled_influence(lambda target, said: float(said[target]))
pytestmark = pytest.mark.skipif(peer is None, reason="opendataval 1.3.0 is not installed")
EXAMPLES = 12


class Told:
    """Is right about whom `correct` says, one run after the other, and remembers what it was trained on."""

    def __init__(self, correct: np.ndarray) -> None:
        self.said = iter(correct)
        self.members: list[np.ndarray] = []

    def clone(self) -> "Told":
        return self

    def fit(self, inputs: Any, labels: Any) -> None:
        self.members.append(inputs.indices)

    def predict(self, inputs: Any) -> np.ndarray:
        return next(self.said)


def asked(correct: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Return theirs for one target, and who was in which run."""
    assert peer is not None
    theirs, model = peer(num_models=len(correct), random_state=0), Told(correct)
    theirs.pred_model = model
    theirs.input_data(np.arange(EXAMPLES), np.arange(EXAMPLES), None, target).train_data_values()
    member = np.zeros((len(correct), EXAMPLES), np.bool_)
    for row, inside in zip(member, model.members, strict=True):
        row[inside] = True
    return theirs.evaluate_data_values(), member


@pytest.mark.parametrize("runs", [4, 25])
def test_it_is_the_same_where_there_are_runs_of_both_kinds(runs: int) -> None:
    """Where an example was in every run theirs is the accuracy with it, as if all runs without it had been wrong, and
    minus the accuracy where it was in none. Both are undefined, and NaN with us."""
    correct = np.random.default_rng(1).random((runs, EXAMPLES)) < 0.6
    found = [asked(correct, target) for target in range(EXAMPLES)]
    theirs, member = np.stack([value for value, _ in found], axis=1), found[0][1]
    both = member.any(axis=0) & ~member.all(axis=0)
    ours = influence(correct, member)
    np.testing.assert_allclose(ours[both], theirs[both], atol=1e-6)
    np.testing.assert_allclose(memorization(correct, member)[both], np.diag(theirs)[both], atol=1e-12)
    assert np.isnan(ours[~both]).all()
    always = member.all(axis=0)
    assert always.any() == (runs == 4)
    np.testing.assert_allclose(theirs[always], np.broadcast_to(correct.mean(axis=0), theirs.shape)[always])
