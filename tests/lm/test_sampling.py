"""Log-probabilities under a scheme, against a loop over sorted tokens and against transformers' own."""

import numpy as np
import pytest
import torch

from byrote.errors import InvalidData
from byrote.lm import sampling
from byrote.lm.sampling import Sampling, log_probabilities, log_probability_of

SCHEMES = [
    Sampling(),
    Sampling(0.5),
    Sampling(top_k=1),
    Sampling(top_k=3),
    Sampling(top_p=0.6),
    Sampling(2.0, top_k=40, top_p=0.9),
    Sampling(1.0, top_k=10_000, top_p=1.0),
    Sampling(0.7, top_p=1e-9),
]


def looped(logits: np.ndarray, scheme: Sampling) -> np.ndarray:
    """The most probable first, until there are enough of them."""
    scaled = logits.astype(np.float64) / scheme.temperature
    order = np.argsort(-scaled)[: scheme.top_k]
    p = np.exp(scaled[order] - scaled.max())
    p /= p.sum()
    if scheme.top_p is not None:
        count = 1
        while p[:count].sum() < scheme.top_p and count < len(p):
            count += 1
        order, p = order[:count], p[:count]
    found = np.full(len(logits), -np.inf)
    found[order] = np.log(p / p.sum())
    return found


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@pytest.mark.parametrize("size", [5, 700])
def test_equals_a_loop_over_the_sorted_tokens(scheme: Sampling, size: int) -> None:
    logits = torch.randn(12, size, generator=torch.Generator().manual_seed(0)) * 2
    found = log_probabilities(logits, scheme)
    expected = np.stack([looped(row, scheme) for row in logits.numpy()])
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)
    tokens = torch.arange(12) % size
    assert torch.equal(log_probability_of(logits, tokens, scheme), found[torch.arange(12), tokens])


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_equals_what_transformers_draws_from(scheme: Sampling) -> None:
    from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    logits = torch.randn(12, 700, generator=torch.Generator().manual_seed(1)) * 2
    steps = LogitsProcessorList([TemperatureLogitsWarper(scheme.temperature)])
    if scheme.top_k is not None:
        steps.append(TopKLogitsWarper(scheme.top_k))
    if scheme.top_p is not None:
        steps.append(TopPLogitsWarper(scheme.top_p))
    theirs = torch.log_softmax(steps(torch.zeros(12, 1, dtype=torch.long), logits.clone()), -1)
    np.testing.assert_allclose(log_probabilities(logits, scheme).numpy(), theirs.numpy(), atol=1e-5)


def test_a_nucleus_that_is_larger_than_the_first_look_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = torch.randn(4, 700, generator=torch.Generator().manual_seed(2)) * 0.1
    whole = log_probabilities(logits, Sampling(top_p=0.9))
    monkeypatch.setattr(sampling, "FIRST_LOOK", 3)
    assert torch.equal(log_probabilities(logits, Sampling(top_p=0.9)), whole)
    assert torch.isfinite(whole).sum() > 4 * 500


def test_settings_outside_their_range_are_refused() -> None:
    for options in ({"temperature": 0.0}, {"temperature": float("nan")}, {"top_k": 0}, {"top_p": 0.0}, {"top_p": 1.5}):
        with pytest.raises(InvalidData, match=next(iter(options))):
            Sampling(**options)  # type: ignore[arg-type]
    assert str(Sampling(0.8, 40, 0.9)) == "temperature=0.8, top_k=40, top_p=0.9"
    assert Sampling().plain
    assert not Sampling(top_k=5).plain
