"""Data for the callbacks of training libraries, and what a record must say of a model that did not change."""

import numpy as np

from byrote.record import Record
from byrote.task.examples import Examples

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(50, 5)).astype(np.float32), RNG.integers(0, 3, 50)
TRAIN = Examples(X[:40], Y[:40], [f"row {at}" for at in range(40)])
TEST = Examples(X[40:], Y[40:])


def check_frozen(record: Record, run: int, step: int, losses: np.ndarray) -> None:
    """Of a model that was trained at a rate of 0: what it said in training is what it says now, example by example.

    `losses` are those of TRAIN and then TEST, computed apart.
    """
    order = {name: at for at, name in enumerate([*(f"train/{each}" for each in TRAIN.ids), *(f"test/{at}" for at in range(10))])}  # fmt: skip
    expected = losses[[order[name] for name in record.population.ids.tolist()]]
    assert len(expected) == len(order)
    np.testing.assert_allclose(record.at_step(run, "loss", step), expected, rtol=1e-4)
    check_seen(record, run, step, expected)


def check_seen(record: Record, run: int, step: int, expected: np.ndarray) -> None:
    seen, member = record.at_step(run, "loss_seen", step), record.member(run)
    assert member.sum() == 28, "70 % of 40"
    np.testing.assert_allclose(seen[member], expected[member], rtol=1e-4)
    assert np.isnan(seen[~member]).all()


def cross_entropy(logits: np.ndarray) -> np.ndarray:
    """The losses of TRAIN and TEST, the slow way."""
    z = np.asarray(logits, np.float64)
    return np.log(np.exp(z).sum(1)) - z[np.arange(50), Y]
