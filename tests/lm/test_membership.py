"""Membership scores: signs by a generator with a known answer, short texts, and the definitions by hand."""

import zlib

import numpy as np
import pytest
from scipy import special

from byrote.errors import InvalidData, Unsupported
from byrote.lm.membership import (
    loss_score,
    lowercase_score,
    min_k_plus_plus_score,
    min_k_score,
    per_document,
    recall_score,
    reference_score,
    shadow_scores,
    zlib_score,
)
from byrote.summaries import auroc

NAN = np.nan


def population(seed: int, gain: float = 0.25) -> dict[str, np.ndarray]:
    """600 texts of 10 to 30 tokens, half of them members, each with a difficulty of its own that a reference model shares."""
    rng = np.random.default_rng(seed)
    member = np.arange(600) < 300
    length = rng.integers(10, 31, 600)
    behind_end = np.arange(30) >= length[:, None]
    hard = rng.normal(3, 0.3, 600)[:, None] + rng.normal(0, 0.5, (600, 30))
    noise = [rng.normal(0, 0.3, (600, 30)) for _ in range(4)]
    known = -(hard - gain * member[:, None]) + noise[0]
    columns = {
        "log_probability": known,
        "reference": -hard + noise[1],
        "lowercase": -hard - 0.5 + noise[2],
        "behind_others": known - gain * member[:, None] + noise[3],
        "mean": -hard,
        "deviation": np.full((600, 30), 0.5),
    }
    return {name: np.where(behind_end, NAN, column) for name, column in columns.items()} | {"member": member}


def test_a_high_score_says_member_in_each() -> None:
    given = population(0)
    log_probability, member = given["log_probability"], given["member"]
    texts = ["".join(map(chr, np.random.default_rng(i).integers(97, 123, 40))) for i in range(600)]
    scores = {
        "loss": loss_score(log_probability),
        "zlib": zlib_score(log_probability, texts),
        "lowercase": lowercase_score(log_probability, given["lowercase"]),
        "min_k": min_k_score(log_probability),
        "min_k_plus_plus": min_k_plus_plus_score(log_probability, given["mean"], given["deviation"]),
        "recall": recall_score(log_probability, given["behind_others"]),
        "reference": reference_score(log_probability, given["reference"]),
    }
    areas = {name: auroc(score, member, level=0.99) for name, score in scores.items()}
    weak = {"zlib"}  # one length of text, many of tokens: only the sign of the loss is left to see
    for name, area in areas.items():
        assert area.low > 0.5 or name in weak, (name, area)
    assert areas["reference"].value > areas["loss"].value
    equal = np.where(np.isnan(log_probability[:, :10]), NAN, log_probability[:, :10])
    assert auroc(zlib_score(equal, texts), member, level=0.99).low > 0.5


def test_the_closed_form_generator_gives_the_area_that_it_should() -> None:
    """Scores of members ~ N(d, 1), of others ~ N(0, 1): the area is Phi(d / sqrt 2)."""
    rng = np.random.default_rng(1)
    member = np.arange(4000) < 2000
    score = rng.normal(size=4000) + 1.0 * member
    area = auroc(loss_score(score[:, None] - 10), member, level=0.99)
    assert area.low < special.ndtr(1 / np.sqrt(2)) < area.high


def test_short_texts_have_a_score_and_empty_ones_have_none() -> None:
    log_probability = np.array([[-1.0, NAN, NAN], [NAN, NAN, NAN], [-1.0, -2.0, -6.0]])
    assert loss_score(log_probability) == pytest.approx([-1, NAN, -3], nan_ok=True)
    assert min_k_score(log_probability) == pytest.approx([-1, NAN, -6], nan_ok=True)
    assert min_k_score(log_probability, share=0.6) == pytest.approx([-1, NAN, -4], nan_ok=True)
    mean, deviation = np.full((3, 3), -2.0), np.full((3, 3), 2.0)
    plus = min_k_plus_plus_score(log_probability, mean, deviation)
    assert plus == pytest.approx([0.5, NAN, -2], nan_ok=True)
    bits = [8 * len(zlib.compress(text.encode())) for text in ("a", "", "abc")]
    expected = [-1 / np.log(2) / bits[0], NAN, -9 / np.log(2) / bits[2]]
    assert zlib_score(log_probability, ["a", "", "abc"]) == pytest.approx(expected, nan_ok=True)
    assert reference_score(log_probability, log_probability[:, :2]) == pytest.approx([0, NAN, -2], nan_ok=True)
    assert lowercase_score(log_probability, 2 * log_probability) == pytest.approx([2, NAN, 2], nan_ok=True)
    assert recall_score(log_probability, 3 * log_probability) == pytest.approx([3, NAN, 3], nan_ok=True)


def test_a_model_that_is_certain_has_finite_scores() -> None:
    certain = np.zeros((2, 4))
    assert min_k_plus_plus_score(certain, certain, certain) == pytest.approx([0, 0])
    assert np.isfinite(min_k_plus_plus_score(certain - 5, certain, certain)).all()
    assert lowercase_score(certain, certain) == pytest.approx([1, 1])
    assert np.isfinite(recall_score(certain, certain - 1)).all()


def test_shadow_models_find_members() -> None:
    rng = np.random.default_rng(2)
    member = np.stack([rng.permutation(60) < 30 for _ in range(16)])
    log_probability = -3 + rng.normal(0, 0.5, 60) + 0.3 * member + rng.normal(0, 0.2, (16, 60))
    found = shadow_scores(log_probability, member)
    plain = auroc(log_probability.ravel(), member.ravel()).value
    for name in ("lira", "rmia"):
        assert auroc(found[name].ravel(), member.ravel()).value > plain + 0.05


def test_documents_are_means_of_their_passages() -> None:
    score, document = np.array([1.0, 3.0, NAN, 5.0, 7.0, 9.0]), np.array([0, 0, 0, 2, 2, 2])
    assert per_document(score, document, 4) == pytest.approx([2, NAN, 7, NAN], nan_ok=True)
    assert per_document(score, document, 3, top=0.5) == pytest.approx([3, NAN, 8], nan_ok=True)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidData, match="1 texts for 2 passages"):
        zlib_score(np.zeros((2, 3)), ["a"])
    with pytest.raises(Unsupported, match="share=0"):
        min_k_score(np.zeros((2, 3)), share=0)
    with pytest.raises(Unsupported, match="top=2"):
        per_document(np.zeros(2), np.array([0, 1]), 2, top=2)
