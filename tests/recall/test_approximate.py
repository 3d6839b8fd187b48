"""Approximate: what is found against a comparison with every key, through additions and deletions, and what is left of a key."""

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.recall import Approximate, Exact, Memory, approximate, recall_at_k
from byrote.stats.estimate import Estimate


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approximate, "FEW", 500)


def clustered(count: int, seed: int, width: int = 16) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(60, width))
    return (centres[rng.integers(60, size=count)] + 0.3 * rng.normal(size=(count, width))).astype(np.float32)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_most_of_the_nearest_are_found_and_distances_are_exact(metric: str) -> None:
    near, all_ = Memory(16, metric=metric, index=Approximate(16, metric, visits=2)), Memory(16, metric=metric)
    for memory in (near, all_):
        memory.add(clustered(3000, 1), np.arange(3000))
        memory.delete([str(i) for i in range(0, 2000, 3)])
        memory.add(clustered(500, 2), np.arange(500))
    queries = clustered(200, 3)
    found, true = near.look_up(queries, 10), all_.look_up(queries, 10)
    same = np.array([[id_ in row for id_ in mine] for mine, row in zip(found.ids, true.ids, strict=True)])
    recall = recall_at_k(near, queries, 10)
    assert recall.value == pytest.approx(same.mean(), abs=1e-3)
    assert 0.8 < recall.value < 1
    at = found.ids == true.ids
    np.testing.assert_allclose(found.distances[at], true.distances[at], atol=1e-6)
    assert (np.diff(found.distances, axis=1) >= 0).all()
    assert (near.look_up(near.keys()[:300]).nearest == 0).all(), "a stored key is in the list of its centre"
    assert near.fingerprint == all_.fingerprint
    assert recall_at_k(all_, queries, 10).value == 1


def test_it_grows_and_shrinks() -> None:
    index = Approximate(16, "euclidean", visits=8)
    memory, trained = Memory(16, metric="euclidean", index=index), []
    for turn in range(12):
        memory.add(clustered(300, turn), np.arange(300))
        trained.append(index._trained)
    assert sorted(set(trained)) == [0, 600, 2400], "centres are computed anew when there are four times as many"
    assert recall_at_k(memory, clustered(100, 99)).value > 0.9
    memory.delete(memory.ids[: 12 * 300 - 100])
    assert index._trained == 0
    assert recall_at_k(memory, clustered(100, 99)).value == 1
    memory.delete(memory.ids)
    assert (memory.look_up(clustered(2, 0), k=3).ids == "").all()
    memory.add(clustered(700, 5), np.arange(700))
    assert index._trained == 700


def test_a_deleted_key_is_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    index = Approximate(16, "euclidean")
    keys = clustered(600, 1)
    keys[7] = 50  # far from all: a list of its own, whose centre is the key
    index.add(keys)

    def held() -> bytes:
        sizes = [index._lists.invlists.list_size(at) for at in range(index._lists.nlist)]
        past = [index._list(at, size + gone.count(at)).tobytes() for at, size in enumerate(sizes)]
        return b"".join(past) + index._lists.quantizer.reconstruct_n(0, index._lists.nlist).tobytes()

    gone: list[int] = []
    rows = np.array([7, 100, 101, 102, 599])
    assert all(keys[row].tobytes() in held() for row in rows)
    gone += [int(index._lists.direct_map.get(int(row))) >> 32 for row in rows]
    index.forget(rows)
    assert not any(keys[row].tobytes() in held() for row in rows)
    assert all(keys[row].tobytes() in held() for row in range(600) if row not in rows)
    found = index.search(keys[rows], 600)[1]
    assert not np.isin(rows, found).any()
    assert len(np.unique(found)) == 595 + 1, "all others, and -1"


def test_equal_keys_are_in_the_order_of_adding() -> None:
    memory = Memory(16, index=Approximate(16))
    memory.add(np.concatenate([clustered(400, 1)] * 2), np.arange(800))
    found = memory.look_up(clustered(400, 1), k=2)
    assert found.values.tolist() == [[i, i + 400] for i in range(400)]
    assert (found.distances == 0).all()


def test_the_interval_of_the_recall_holds_its_share() -> None:
    index = Approximate(16, "euclidean", visits=2)
    index.add(clustered(3000, 1))
    memory = Memory(16, metric="euclidean", index=Approximate(16, "euclidean", visits=2))
    memory.add(clustered(3000, 1), np.arange(3000))
    true = recall_at_k(memory, clustered(3000, 2)).value
    estimates: list[Estimate] = [recall_at_k(memory, clustered(40, seed)) for seed in range(100, 200)]
    inside = np.mean([each.low <= true <= each.high for each in estimates])
    assert inside >= 0.9
    assert {each.n for each in estimates} == {40}


def test_exact_search_is_exact_where_rounding_and_ties_abound() -> None:
    rng = np.random.default_rng(0)
    cases = {
        "equal": np.repeat(rng.normal(size=(3, 16)), 700, 0),
        "few values": rng.integers(0, 2, size=(3000, 16)),
        "far away": 1e4 + rng.normal(size=(3000, 16)),
        "one is long": np.concatenate([rng.normal(size=(2000, 16)), [[1e9] * 16], rng.normal(size=(999, 16))]),
        "on a far line": 100 + rng.permutation(3000)[:, None] * 1e-3 * np.ones(16),
        "on a line": np.arange(3000)[:, None] * 1e-3 * np.ones(16),
    }
    for name, keys in cases.items():
        keys = keys.astype(np.float32)
        index = Exact(16, "euclidean")
        index.add(keys)
        gone = rng.choice(len(keys), 500, replace=False)
        index.forget(gone)
        queries = keys[rng.choice(len(keys), 40)] + (rng.random((40, 16)) < 0.05) * np.float32(0.01)
        distances, rows = index.search(queries, 7)
        far = queries[:, None] - keys
        true = np.sqrt(np.einsum("qkw,qkw->qk", far, far))
        true[:, gone] = np.inf
        expected = np.argsort(true, axis=1, kind="stable")[:, :7]
        assert (rows == expected).all(), name
        assert (distances == np.take_along_axis(true, expected, 1)).all(), name


def test_refusals() -> None:
    with pytest.raises(InvalidData, match="visits=0 lists find nothing"):
        Approximate(5, visits=0)
    with pytest.raises(InvalidData, match="Recall needs a stored key, a query and k of 1 or more"):
        recall_at_k(Memory(5), np.ones((1, 5)))
