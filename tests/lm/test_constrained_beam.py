"""Bounds of near-verbatim recitation against the enumeration of all texts."""

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.lm.constrained_beam import near_verbatim
from byrote.lm.sampling import Sampling
from byrote.lm.teacher_forcing import teacher_forced
from small_lm import Remembering, drawn, enumerated, extracting, some, tiny

ROUNDING = 1e-5


def hamming(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def edit(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """Levenshtein's distance, by its definition."""
    if not one or not other:
        return len(one) + len(other)
    if one[0] == other[0]:
        return edit(one[1:], other[1:])
    return 1 + min(edit(one[1:], other), edit(one, other[1:]), edit(one[1:], other[1:]))


@pytest.fixture(scope="module")
def world() -> tuple[np.ndarray, list[dict[tuple[int, ...], float]]]:
    """Recited and other texts of 6 + 4 tokens, and the probability of every suffix."""
    model, tokens = tiny(), np.concatenate([extracting(tiny(), 4, 6, 4), drawn(3, 10, seed=5)])
    return tokens, [enumerated(model, row[:6], 4, temperature=1.5) for row in tokens]


@pytest.mark.parametrize("distance", ["hamming", "edit"])
@pytest.mark.parametrize("within", [0, 1, 2, 4])
def test_the_probability_lies_between_the_bounds(world: tuple, distance: str, within: int) -> None:
    tokens, everything = world
    measure = {"hamming": hamming, "edit": edit}[distance]
    exact = np.array([
        sum(p for text, p in every.items() if measure(text, tuple(row[6:].tolist())) <= within)
        for row, every in zip(tokens, everything, strict=True)
    ])  # fmt: skip
    before = np.zeros(len(tokens))
    for beams in (1, 4, 16, 625):
        found = near_verbatim(tiny(), some(tokens, 6), within=within, distance=distance, beams=beams, sampling=Sampling(1.5))  # type: ignore[arg-type]  # fmt: skip
        assert (found.low <= exact + ROUNDING).all()
        assert (found.high >= exact - ROUNDING).all()
        assert (found.low >= before - ROUNDING).all(), "here more beams find more"
        before = found.low
    np.testing.assert_allclose(before, exact, atol=ROUNDING)
    np.testing.assert_allclose(found.high, exact, atol=ROUNDING)


def test_at_distance_0_it_is_p_z_and_a_cache_changes_nothing() -> None:
    model, passages, scheme = tiny(), some(extracting(tiny(), 6, 5, 5), 5), Sampling(top_k=3)
    p_z = np.exp(teacher_forced(model, passages, sampling=scheme).sampled.astype(float).sum(1))
    found = near_verbatim(model, passages, within=0, beams=2, sampling=scheme)
    np.testing.assert_allclose(found.low, p_z, atol=1e-6)
    np.testing.assert_allclose(found.high, p_z, atol=1e-6)
    one = near_verbatim(model, passages, within=2, sampling=scheme)
    for other in (
        near_verbatim(Remembering.of(model), passages, within=2, sampling=scheme),
        near_verbatim(model, passages, within=2, sampling=scheme, memory=1),
    ):
        np.testing.assert_allclose(one.low, other.low, atol=1e-6)
        np.testing.assert_allclose(one.high, other.high, atol=1e-6)


def test_settings_outside_their_range_and_long_passages_are_refused() -> None:
    passages = some(drawn(1, 8), 4)
    for options in ({"within": -1}, {"beams": 0}, {"distance": "cosine"}):
        with pytest.raises(InvalidData, match=next(iter(options))):
            near_verbatim(tiny(), passages, **options)  # type: ignore[arg-type]
    with pytest.raises(InvalidData, match="reads 12 tokens"):
        near_verbatim(tiny(), some(drawn(1, 14), 4))
    assert near_verbatim(tiny(), some(drawn(1, 8)[:0], 4)).low.shape == (0,)
