"""Entropy and modified entropy against their formulas in plain Python, and where probabilities round to 0 and 1."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from byrote.probes import entropy, modified_entropy
from byrote.probes._log_odds import log_odds
from probes.networks import ARCHITECTURES, build, examples

both = pytest.mark.parametrize("architecture", ARCHITECTURES)


def asked(logits: list[list[float]], labels: list[int], dtype: torch.dtype) -> tuple[list[float], list[float]]:
    inputs, told = torch.tensor(logits, dtype=dtype), torch.tensor(labels)
    return entropy(nn.Identity(), inputs, told).tolist(), modified_entropy(nn.Identity(), inputs, told).tolist()


@both
def test_they_equal_a_loop(architecture: Callable[[], nn.Module]) -> None:
    model, (inputs, labels) = build(architecture), examples(20)
    plain, modified = [], []
    for one, label in zip(inputs, labels.tolist(), strict=True):
        weights = [math.exp(z) for z in model(one[None])[0].tolist()]
        p = [w / sum(weights) for w in weights]
        plain.append(-sum(q * math.log(q) for q in p))
        others = sum(q * math.log(1 - q) for j, q in enumerate(p) if j != label)
        modified.append(-(1 - p[label]) * math.log(p[label]) - others)
    torch.testing.assert_close(entropy(model, inputs, labels), torch.tensor(plain, dtype=torch.float64))
    torch.testing.assert_close(modified_entropy(model, inputs, labels), torch.tensor(modified, dtype=torch.float64))


@pytest.mark.parametrize(
    ("gap", "dtype"),
    [(10.0, torch.float32), (30.0, torch.float32), *((gap, torch.float64) for gap in (10.0, 30.0, 50.0, 300.0))],
)
def test_a_model_that_is_sure_is_told_apart_from_one_that_is_surer(gap: float, dtype: torch.dtype) -> None:
    """Two classes at odds e^-gap =: o. The probability of the top is 1 in floating point from gap 17 or 37 on."""
    o = math.exp(-gap)
    plain, modified = asked([[0.0, -gap], [0.0, -gap]], [0, 1], dtype)
    assert plain == pytest.approx([math.log1p(o) + gap * o / (1 + o)] * 2, rel=1e-5, abs=0)
    right = 2 * o / (1 + o) * math.log1p(o)
    wrong = 2 * (gap + math.log1p(o)) / (1 + o)
    assert modified == pytest.approx([right, wrong], rel=1e-5, abs=0)


def test_undecided_is_the_log_of_the_number_of_classes() -> None:
    plain, modified = asked([[5.0] * 8], [3], torch.float64)
    assert plain == pytest.approx([math.log(8)])
    assert modified == pytest.approx([7 / 8 * math.log(8) - 7 / 8 * math.log(7 / 8)])


def test_extremes() -> None:
    """Sure beyond all numbers, a class that is ruled out, a single logit, and half precision."""
    plain, modified = asked([[0.0, 1e30], [0.0, 1e30]], [1, 0], torch.float32)
    assert plain == [0, 0]
    assert modified[0] == 0
    assert modified[1] > 1e29
    plain, modified = asked([[1.0, 1.0, -math.inf]], [0], torch.float64)
    assert plain == pytest.approx([math.log(2)])
    assert modified == pytest.approx([math.log(2)])
    single, pair = asked([[4.0]], [0], torch.float64), asked([[0.0, 4.0]], [0], torch.float64)
    assert single == pair  # one logit is that of the second of two classes
    plain, _ = asked([[0.0, -6.0]], [0], torch.float16)
    assert plain == pytest.approx([entropy(nn.Identity(), torch.tensor([[0.0, -6.0]]), torch.tensor([0])).item()])


def test_modified_entropy_is_low_for_right_and_high_for_wrong_where_entropy_sees_no_difference() -> None:
    plain, modified = asked([[6.0, 0.0], [6.0, 0.0]], [0, 1], torch.float64)
    assert plain[0] == plain[1]
    assert modified[0] < 0.02 < 5 < modified[1]


def test_log_odds_of_ties_and_of_many_classes() -> None:
    z = torch.randn(50, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 4
    p = z.softmax(1)
    torch.testing.assert_close(log_odds(z), torch.log(p / (1 - p)))
    torch.testing.assert_close(log_odds(torch.zeros(1, 4)), torch.full((1, 4), -math.log(3)))
