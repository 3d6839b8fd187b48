"""A memory as an associative one: weights of stored patterns, and when a query is not known."""

import math

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.recall import Memory, recollection
from byrote.recall.associative import modern_update, modern_weights
from byrote.recall.recollection import recollect, weight_at


def filled(count: int = 40, width: int = 16, metric: str = "cosine") -> tuple[Memory, np.ndarray]:
    keys = np.random.default_rng(0).normal(size=(count, width))
    memory = Memory(width, metric=metric)  # type: ignore[arg-type]
    memory.add(keys, [f"v{at}" for at in range(count)], [f"k{at}" for at in range(count)])
    return memory, keys


@pytest.mark.parametrize("block", [1 << 22, 100])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_weights_and_states_are_those_of_the_update_rule(
    metric: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recollection, "BLOCK", block)
    memory, keys = filled(metric=metric)
    queries = keys[:7] + np.random.default_rng(1).normal(0, 0.3, (7, 16))
    if metric == "cosine":
        keys, queries = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (keys, queries))
    found = recollect(memory, queries, 4.0, updates=2, k=3)
    once = modern_update(queries, keys, 4.0)
    weights = modern_weights(once, keys, 4.0)
    order = np.argsort(-weights, axis=1)[:, :3]
    assert found.ids.tolist() == [[f"k{at}" for at in row] for row in order]
    assert found.values.tolist() == [[f"v{at}" for at in row] for row in order]
    np.testing.assert_allclose(found.weights, np.take_along_axis(weights, order, 1), rtol=1e-4)
    np.testing.assert_allclose(found.states, modern_update(once, keys, 4.0), rtol=1e-4, atol=1e-5)


def test_the_heaviest_pattern_of_a_damaged_key_is_that_key_and_below_a_weight_nothing_is_known() -> None:
    memory, keys = filled(width=32)
    damaged = keys * (np.random.default_rng(2).random(keys.shape) > 0.3)
    sharp = recollect(memory, damaged, 20.0)
    assert sharp.ids[:, 0].tolist() == list(memory.ids)
    assert sharp.answer[0] == "v0"
    assert sharp.known.mean() > 0.9
    flat = recollect(memory, damaged, 1e-3)
    assert not flat.known.any()
    assert flat.answer.tolist() == [None] * 40
    np.testing.assert_allclose(flat.weights[:, 0], 1 / 40, rtol=0.01)


def test_a_copy_halves_the_weight() -> None:
    memory, keys = filled()
    before = recollect(memory, keys[:1], 50.0).weights[0, 0]
    memory.add(keys[:1], ["again"], ["copy"])
    after = recollect(memory, keys[:1], 50.0, k=2)
    assert after.ids.tolist() == [["k0", "copy"]]
    assert before > 0.99
    np.testing.assert_allclose(after.weights, before / (1 + before), rtol=1e-3)


def test_the_weight_keeps_its_false_accept_rate() -> None:
    rng = np.random.default_rng(3)
    rates = []
    for _ in range(150):
        memory = Memory(8)
        memory.add(rng.normal(size=(30, 8)), range(30))
        threshold = weight_at(memory, rng.normal(size=(59, 8)), 5.0, 0.1)
        least = math.exp(-threshold.distance)
        rates.append(recollect(memory, rng.normal(size=(100, 8)), 5.0, least=least).known.mean())
    assert abs(np.mean(rates) - 0.1) < 0.015  # 6 of 60, and a standard error of about .004


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"updates": 0}, "updates=0"),
        ({"k": 0}, "k=0"),
        ({"least": 1.1}, "A weight of 1.1"),
        ({"sharpness": 0}, "A sharpness of"),
    ],
)
def test_what_cannot_be_recollected_is_refused(options: dict[str, float], message: str) -> None:
    memory, keys = filled()
    with pytest.raises(InvalidData, match=message):
        recollect(memory, keys, **{"sharpness": 1.0, **options})  # type: ignore[arg-type]
    with pytest.raises(InvalidData, match="An empty memory recollects nothing"):
        recollect(Memory(16), keys, 1.0)
    with pytest.raises(InvalidData, match="shape"):
        recollect(memory, keys[:, :3], 1.0)
