"""LiRA against TensorFlow Privacy, where that is installed: pip install --no-deps tensorflow-privacy==0.8.12."""

import numpy as np
import pytest

from attackers import balanced, draws, others, to_loss
from byrote.scores import lira
from byrote.scores._shadows import logit
from peers import tensorflow_privacy_lira

peer = tensorflow_privacy_lira()
pytestmark = pytest.mark.skipif(peer is None, reason="tensorflow-privacy 0.8.12 is not installed")


@pytest.mark.parametrize("variance", ["pooled", "own"])
def test_it_is_the_same_from_the_same_others(variance: str) -> None:
    """Three differences: it says member with a LOW value, divides squares by n and not n - 1, and leaves the choice of the
    others to its caller. With the deviations stretched accordingly, and our others, it gives our numbers."""
    assert peer is not None
    rng = np.random.default_rng(0)
    member = balanced(rng, 10, 25, 5)
    loss = to_loss(rng.normal(1, 1, 25) + rng.normal(size=member.shape) + member)
    value, drawn, found = logit(loss), draws(logit(loss)), lira(loss, member, variance=variance)
    for run in range(10):
        sides = zip(*(others(value, member, drawn, run, example) for example in range(25)), strict=True)
        inside, outside = ([_stretched(judges) for judges in side] for side in sides)
        said = peer(value[run][:, None], inside, outside, "both", variance == "pooled", "mean")
        np.testing.assert_allclose(-said, found[run], rtol=1e-9, atol=1e-9)


def _stretched(judges: list[float]) -> np.ndarray:
    values = np.array(judges)
    n = len(values)
    return (values.mean() + (values - values.mean()) * np.sqrt(n / (n - 1)))[:, None]
