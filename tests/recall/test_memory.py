"""Memory: every answer against a brute force over all stored keys, whatever was added, updated and deleted before."""

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.recall import Memory, threshold_at
from recall.by_hand import brute, keys


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_nearest_keys_are_those_of_brute_force_through_a_life(metric: str) -> None:
    rng = np.random.default_rng(1)
    memory, held = Memory(5, metric=metric), {}
    for turn in range(30):
        new = keys(7, seed=turn)
        names = [f"{turn}-{i}" for i in range(7)]
        memory.add(new, [f"v{n}" for n in names], names)
        held.update(zip(names, new, strict=True))
        gone = rng.choice(list(held), 3, replace=False).tolist()
        memory.delete(gone)
        for name in gone:
            del held[name]
        queries = keys(4, seed=100 + turn)
        expected = brute(queries, np.array(list(held.values())), metric)
        found = memory.look_up(queries, k=3)
        order = np.argsort(expected, axis=1, kind="stable")[:, :3]
        assert found.ids.tolist() == [[list(held)[i] for i in row] for row in order]
        np.testing.assert_allclose(found.distances, np.take_along_axis(expected, order, 1), atol=2e-6)
        assert found.values.tolist() == [[f"v{list(held)[i]}" for i in row] for row in order]
    assert memory.ids == tuple(held)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_a_stored_key_is_at_distance_0_and_the_first_of_equals_answers(metric: str) -> None:
    memory, stored = Memory(64, metric=metric), 30 * keys(200, 64)
    memory.add(np.concatenate([stored, stored]), np.arange(400))
    found = memory.look_up(stored, k=2)
    assert (found.distances == 0).all()
    assert found.values.tolist() == [[i, i + 200] for i in range(200)]


def test_deleting_leaves_what_never_held_it() -> None:
    never, memory = Memory(5), Memory(5)
    never.add(keys(20)[:15], list(range(15)), [f"a{i}" for i in range(15)])
    memory.add(keys(20)[::-1], list(range(20))[::-1], [f"a{i}" for i in range(20)][::-1])
    assert memory.fingerprint != never.fingerprint
    proof = memory.delete_and_prove([f"a{i}" for i in range(15, 20)])
    assert proof.never_held
    assert proof.fingerprint == memory.fingerprint == never.fingerprint
    assert not proof.copies_left
    assert not set(proof.answers.ids.ravel()) & set(proof.ids)
    assert (proof.answers.nearest > 0).all()


def test_a_copy_under_another_id_is_counted() -> None:
    memory = Memory(5)
    memory.add(np.repeat(keys(1), 2, 0), [1, 1], ["one", "other"])
    assert memory.delete_and_prove(["one"]).copies_left == 1


def test_values_keep_their_types_and_can_change() -> None:
    memory = Memory(5)
    memory.add(keys(3), np.array([3, 4, 5], np.uint8), ["a", "b", "c"])
    assert memory.values.dtype == np.int64
    memory.update(["b"], ["text"])
    memory.add(keys(1, seed=3), [True])
    assert memory.values.tolist() == [3, "text", 5, True]
    assert memory.look_up(keys(3)).answer.tolist() == [3, "text", 5]


def test_a_full_memory_evicts() -> None:
    oldest, used, full = (Memory(5, most=3, evict=e) for e in ("oldest", "least_recently_used", "refuse"))
    for memory in (oldest, used, full):
        memory.add(keys(3), [0, 1, 2], ["a", "b", "c"])
        memory.look_up(keys(1))  # a is used
    assert oldest.add(keys(1, seed=9), [9]) == ("a",)
    assert used.add(keys(2, seed=9), [9, 9]) == ("b", "c")
    with pytest.raises(InvalidData, match="1 entries do not fit into a memory of at most 3 that holds 3"):
        full.add(keys(1, seed=9), [9])
    assert full.ids == ("a", "b", "c")


def test_merge() -> None:
    one, other = Memory(5), Memory(5)
    one.add(keys(3), [0, 1, 2], ["a", "b", "c"])
    other.add(keys(4)[1:], [1, 5, 3], ["b", "c", "d"])
    with pytest.raises(InvalidData, match="1 ids have other keys or values in the two memories, for example 'c'"):
        one.merge(other)
    assert len(one) == 3
    one.merge(other, conflict="keep")
    assert (one.keys(["d"]) == other.keys(["d"])).all()
    assert (one.ids, one.values.tolist()) == (("a", "b", "c", "d"), [0, 1, 2, 3])
    one.merge(other, conflict="replace")
    assert dict(zip(one.ids, one.values.tolist(), strict=True)) == {"a": 0, "b": 1, "c": 5, "d": 3}


def test_false_accepts_are_as_rare_as_requested() -> None:
    rates, rng = [], np.random.default_rng(0)
    for _ in range(300):
        memory = Memory(4)
        memory.add(rng.normal(size=(30, 4)), np.arange(30))
        stated = memory.calibrate(rng.normal(size=(99, 4)), 0.1)
        assert stated.false_accept.value == 0.1
        rate = memory.look_up(rng.normal(size=(400, 4))).known.mean()
        rates.append((rate, stated.false_accept.low <= rate <= stated.false_accept.high))
    assert abs(np.mean([rate for rate, _ in rates]) - 0.1) < 0.006
    assert np.mean([inside for _, inside in rates]) > 0.8


def test_the_threshold_follows_what_is_stored() -> None:
    rng = np.random.default_rng(0)
    impostors, memory = rng.normal(size=(200, 4)), Memory(4)
    memory.add(rng.normal(size=(20, 4)), np.arange(20))
    memory.calibrate(impostors, 0.05)
    for turn in range(5):
        memory.add(rng.normal(size=(10, 4)), np.arange(10))
        memory.delete(memory.ids[turn : turn + 4])
        fresh = np.sort(memory.look_up(impostors).nearest)
        assert memory.threshold == threshold_at(fresh, 0.05)
        assert (memory.look_up(impostors).known.sum()) == 9
    memory.delete(memory.ids)
    assert memory.threshold is None
    assert not memory.look_up(impostors).known.any()
    memory.add(rng.normal(size=(10, 4)), np.arange(10))
    assert memory.threshold == threshold_at(memory.look_up(impostors).nearest, 0.05)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda m: m.add(keys(2, 4), [1, 2]), r"have the shape \[row, 5\], and these have \[2, 4\]"),
        (lambda m: m.add(keys(2), [1, 2], ["a", "x"]), "1 ids are in this memory already, for example 'a'"),
        (lambda m: m.add(keys(2), [1, 2], ["x", "x"]), "The id 'x' is given twice"),
        (lambda m: m.add(keys(2), [1]), "There are 2 keys, 1 values and 2 ids"),
        (lambda m: m.add(keys(1) * np.nan, [1]), "1 keys are not finite"),
        (lambda m: m.add(keys(1) * 0, [1]), "1 keys are all 0"),
        (lambda m: m.add(keys(1), [[1]]), "there is a list. Give json.dumps"),
        (lambda m: m.delete(["a", "x"]), "1 ids are not in this memory of 3, for example 'x'"),
        (lambda m: m.delete(["a", "a"]), "1 ids are given twice"),
        (lambda m: m.update(["a"], [1, 2]), "There are 1 ids and 2 values"),
        (lambda m: m.look_up(keys(1), k=0), "k=0 keys cannot be looked up"),
        (
            lambda m: m.calibrate(keys(20), 0.01),
            "20 impostors cannot show a false-accept rate of 0.01. Give at least 99",
        ),
        (lambda m: m.merge(Memory(4)), "cannot be merged into one of 5"),
    ],
)
def test_refusals_change_nothing(wrong: object, message: str) -> None:
    memory = Memory(5)
    memory.add(keys(3), [0, 1, 2], ["a", "b", "c"])
    before = memory.fingerprint
    with pytest.raises(InvalidData, match=message):
        wrong(memory)  # type: ignore[operator]
    assert (memory.fingerprint, memory.ids, memory.threshold) == (before, ("a", "b", "c"), None)


@pytest.mark.parametrize("texts", [False, True])
def test_bytes_are_those_that_are_allocated(texts: bool) -> None:
    import gc
    import tracemalloc

    stored, count = keys(20_000, 32), 20_000
    gc.collect()
    tracemalloc.start()
    memory = Memory(32)
    for start in range(0, count, 4000):
        some = range(start, start + 4000)
        memory.add(
            stored[start : start + 4000], [f"a value of some length {i}" for i in some] if texts else np.arange(4000)
        )
    memory.delete(memory.ids[:1000])
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert memory.bytes == pytest.approx(taken, rel=0.1)


def test_deleting_overwrites_and_drops_now_and_then() -> None:
    memory = Memory(5)
    memory.add(keys(100), [f"v{i}" for i in range(100)])
    memory.delete(["3"])
    held = memory.index._keys.values  # type: ignore[attr-defined]
    assert len(held) == 100
    assert (held[3] == 0).all()
    assert "v3" not in memory._entries.held.values.tolist()
    memory.delete([str(i) for i in range(50, 75)])
    assert len(memory.index) == len(memory) == 74, "more than a quarter was forgotten"
    assert memory.look_up(keys(100)[[10, 80]]).answer.tolist() == ["v10", "v80"]


def test_evicting_one_by_one_follows_use() -> None:
    rng = np.random.default_rng(0)
    memory, used = Memory(5, most=20, evict="least_recently_used"), dict[str, int]()
    for turn in range(200):
        known = list(memory.ids)
        if known:
            looked = rng.choice(known)
            memory.look_up(memory.keys([looked]))
            used[str(looked)] = 2 * turn
        gone = memory.add(keys(1, seed=turn), [turn])
        if gone:
            assert gone == (min(known, key=lambda id_: used[id_]),)
        used[str(turn)] = 2 * turn + 1


def test_impostors_that_are_stored_are_counted_or_refused() -> None:
    memory, stored = Memory(5), keys(60)
    memory.add(stored, np.arange(60), [str(i) for i in range(60)])
    with pytest.raises(InvalidData, match="50 of 150 impostors are equal to stored keys, so nothing would be known"):
        memory.calibrate(np.concatenate([stored[:50], keys(100, seed=1)]), 0.1)
    assert memory.threshold is None
    memory.calibrate(np.concatenate([stored[:2], keys(98, seed=1)]), 0.1)
    assert memory.delete_and_prove(["0"]).copies_left == 1
    assert memory.delete_and_prove(["5"]).copies_left == 0


def test_one_text_is_no_list_of_ids() -> None:
    memory = Memory(5)
    memory.add(keys(20), np.arange(20))
    for wrong in (
        lambda: memory.delete("17"),
        lambda: memory.update("17", [1, 2]),
        lambda: memory.add(keys(3), [1, 2, 3], "abc"),
    ):
        with pytest.raises(InvalidData, match="Ids are a list, and this is the text"):
            wrong()
    assert len(memory) == 20


def test_an_impostor_that_would_be_stored_is_refused_where_nothing_would_be_known_then() -> None:
    memory, impostors = Memory(5), keys(99, seed=2)
    memory.add(keys(20), np.arange(20))
    memory.calibrate(impostors, 0.01)
    with pytest.raises(InvalidData, match="1 of the 99 impostors by which this memory is calibrated would be stored"):
        memory.add(impostors[:1], [99])
    assert len(memory) == 20
    assert memory.look_up(memory.keys()).known.all()


def test_outgrown_arrays_are_overwritten() -> None:
    memory = Memory(4, metric="euclidean")
    memory.add([[1, 2, 3, 4]], [7], ["s"])
    outgrown = memory.index._keys._room  # type: ignore[attr-defined]
    memory.add(np.ones((40, 4)), [0] * 40)
    assert not outgrown.any()
