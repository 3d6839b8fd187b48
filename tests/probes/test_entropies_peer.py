"""Entropy and modified entropy against TensorFlow Privacy, where that is installed: see tests/peers.py."""

import pytest
import torch
from torch import nn

from byrote.probes import entropy
from byrote.probes import modified_entropy as surprise
from peers import tensorflow_privacy_attack_data

peer = tensorflow_privacy_attack_data()
pytestmark = pytest.mark.skipif(peer is None, reason="tensorflow-privacy 0.8.12 is not installed")


def test_they_are_the_same() -> None:
    assert peer is not None
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(200, 6, generator=generator, dtype=torch.float64)
    labels = torch.randint(6, (200,), generator=generator)
    theirs = peer.AttackInputData._get_entropy
    plain, modified = (probe(nn.Identity(), logits, labels).numpy() for probe in (entropy, surprise))
    assert plain == pytest.approx(theirs(logits.numpy(), None), rel=1e-9)
    assert modified == pytest.approx(theirs(logits.numpy(), labels.numpy()), rel=1e-9)


def test_theirs_ends_where_probabilities_round_to_0() -> None:
    """Sure and wrong by 80 and by 800: theirs cannot tell them apart, since it cuts probabilities off at 1e-30."""
    assert peer is not None
    logits, labels = torch.tensor([[80.0, 0.0], [800.0, 0.0]], dtype=torch.float64), torch.tensor([1, 1])
    theirs = peer.AttackInputData._get_entropy(logits.numpy(), labels.numpy())
    assert theirs[0] == theirs[1] < 140
    assert surprise(nn.Identity(), logits, labels).tolist() == pytest.approx([160, 1600])
