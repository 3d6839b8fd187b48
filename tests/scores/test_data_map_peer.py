"""Data maps against Data-IQ, where that is installed: pip install --no-deps data-iq==0.0.1."""

import numpy as np
import pytest
import torch
from torch import nn

from byrote.objectives.classification import observe
from byrote.scores import confidence, correctness, variability
from peers import data_iq

peer = data_iq()
pytestmark = pytest.mark.skipif(peer is None, reason="data-iq 0.0.1 is not installed")
STEPS, EXAMPLES, CLASSES = 5, 30, 4


class Told(nn.Module):
    """Returns the probabilities of the example whose number it is given."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.probabilities = logits.softmax(1)

    def forward(self, number: torch.Tensor) -> torch.Tensor:
        return self.probabilities[int(number[0])]


def test_confidence_and_variability_are_the_same_and_correctness_is_not() -> None:
    """Theirs counts an example as correct when its label has a probability above .5, which with more than two classes
    misses those that are right with less. Swayamdipta et al. count what the model labels correctly, as we do."""
    assert peer is not None
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(CLASSES, (EXAMPLES,), generator=generator)
    theirs, said = peer(np.arange(EXAMPLES)[:, None], labels.numpy()), []
    for _ in range(STEPS):
        logits = torch.randn(EXAMPLES, CLASSES, generator=generator)
        theirs.on_epoch_end(Told(logits))
        said.append(observe(logits, labels))
    p, right = (np.stack([each[name] for each in said]) for name in ("confidence", "correct"))
    np.testing.assert_allclose(theirs.confidence, confidence(p), rtol=1e-6)
    np.testing.assert_allclose(theirs.variability, variability(p), rtol=1e-5, atol=1e-7)
    unsure = right & (p <= 0.5)
    np.testing.assert_allclose(
        theirs.correctness, correctness(right.astype(np.float32)) - unsure.mean(axis=0), atol=1e-12
    )
    assert unsure.any(axis=0).sum() >= 10
