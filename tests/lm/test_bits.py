"""Bits against closed forms: a model that knows random strings by rote, one that guesses, and the plateau in between."""

import lzma
import math

import numpy as np
import pytest
import torch
from torch import nn

from byrote.errors import Unsupported
from byrote.lm import (
    Texts,
    compressed_bits,
    forecast_capacity,
    memorized_bits,
    random_string_bits,
    trainable_parameters,
    unintended_bits,
)
from byrote.lm.bits import bits_per_parameter_slope, capacity


def test_bits_of_random_strings_in_closed_form() -> None:
    guessed = np.full((10, 6), -math.log(8))
    assert random_string_bits(guessed, symbols=8).value == pytest.approx(0, abs=1e-9)
    assert random_string_bits(np.zeros((10, 6)), symbols=8).value == pytest.approx(10 * 6 * 3)
    half = np.concatenate([np.zeros((5, 6)), guessed[:5]])
    assert random_string_bits(half, symbols=8).value == pytest.approx(5 * 6 * 3)
    assert random_string_bits(guessed - 1, symbols=8).value == pytest.approx(-60 / math.log(2)), "not clipped"
    with pytest.raises(Unsupported, match="1 log-probabilities that are NaN"):
        random_string_bits(np.array([[np.nan]]), symbols=8)


def test_what_a_model_saves_over_a_reference() -> None:
    model, reference = np.array([-10.0, -20.0, -30.0]), np.array([-20.0, -20.0, -20.0])
    assert unintended_bits(model, reference) == pytest.approx(np.array([10, 0, -10]) / math.log(2))
    assert unintended_bits(model, reference, clip=True) == pytest.approx(np.array([10, 0, 0]) / math.log(2))


def test_memorized_bits_are_those_beyond_control_documents_and_the_interval_holds_them() -> None:
    """400 draws: .9 with a standard error of .015."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(400):
        found = memorized_bits(rng.normal(5, 4, 40), rng.normal(2, 1, 30))
        held += found.low <= 120 <= found.high
    assert held / 400 == pytest.approx(0.9, abs=0.045)
    assert memorized_bits(np.array([3.0, 5.0]), np.array([1.0, 1.0])).value == 6
    assert np.isnan(memorized_bits(np.array([3.0]), np.array([1.0, 1.0])).value)


def test_the_plateau_is_the_capacity() -> None:
    data = np.array([500.0, 1000.0, 2000.0, 4000.0, 8000.0])
    rng = np.random.default_rng(1)
    memorized = np.minimum(data, 1500)[:, None] + rng.normal(0, 10, (5, 3))
    found = capacity(data, memorized, 500)
    assert found.reached
    assert found.bits.value == pytest.approx(1500, abs=15)
    assert found.per_parameter.value == pytest.approx(3, abs=0.03)
    assert found.bits.low < 1500 < found.bits.high
    rising = capacity(data[:2], data[:2, None] * np.array([[0.99, 0.98]]), 500)
    assert not rising.reached
    assert rising.bits.value == rising.bits.low == pytest.approx(985)
    assert rising.bits.high == math.inf
    falling = capacity(data, np.minimum(data, 1500)[:, None] * np.array([[1], [1], [1], [0.8], [0.5]]), 500)
    assert not falling.reached, "an under-trained model is no plateau"


def test_the_slope_over_models() -> None:
    sizes = np.array([1000, 2000, 4000, 8000])
    found = bits_per_parameter_slope(sizes, 500 + 3.6 * sizes)
    assert found.value == pytest.approx(3.6)
    assert (found.low, found.high) == pytest.approx((3.6, 3.6))
    assert np.isnan(bits_per_parameter_slope(sizes[:2], np.array([1.0, 2.0])).low)
    with pytest.raises(Unsupported, match="Give several sizes"):
        bits_per_parameter_slope(np.array([5, 5]), np.array([1.0, 2.0]))


def test_the_forecast_is_in_words() -> None:
    found = forecast_capacity(7560.0, 1000, per_parameter=1.8)
    assert (found.published, found.measured) == pytest.approx((2.1, 4.2))
    assert "2.1 times the bits that 1,000 trained parameters can hold" in found.sentence
    assert "cannot all be memorized" in found.sentence
    assert "it is 4.2 times" in found.sentence
    assert "all of it can be memorized" in forecast_capacity(100.0, 1000).sentence
    with pytest.raises(Unsupported, match="give no forecast"):
        forecast_capacity(0.0, 1000)


def test_a_corpus_has_as_many_bits_as_its_compressed_text() -> None:
    texts = [f"text {i} of a corpus" for i in range(50)]
    whole = "".join(f"{text}\n" for text in texts).encode()
    assert compressed_bits(Texts.of(texts)) == 8 * len(lzma.compress(whole))


def test_of_an_adapter_only_what_is_trained_counts() -> None:
    base, adapter = nn.Linear(10, 10), nn.Linear(10, 2, bias=False)
    base.requires_grad_(False)
    shared = nn.Sequential(base, adapter)
    assert trainable_parameters(shared) == 20
    tied = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3)])
    tied[1].weight = tied[0].weight
    assert trainable_parameters(tied) == 9 + 3 + 3
    assert trainable_parameters(nn.ParameterList([torch.zeros(4)])) == 4
