from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from byrote.errors import ByroteError, InvalidData
from byrote.record import Population
from byrote.task.canaries import USUAL, Canaries, flips, parse_canaries, plant
from byrote.task.designs import DESIGNS, Subsets
from byrote.task.examples import Examples
from byrote.task.task import Task

COUNTS = Canaries(mislabeled=6, ordinary=5, noise=4)


def task(n: int = 100, *, classes: int = 3, dtype: type = np.float32, shape: tuple[int, ...] = (4,)) -> Task:
    rng = np.random.default_rng(0)
    scale = 255 if dtype is np.uint8 else 1
    inputs = (rng.random((n + 10, *shape)) * scale).astype(dtype)
    labels = np.arange(n + 10) % classes
    train = Examples(inputs[:n], labels[:n], [f"image {i}" for i in range(n)])
    return Task(lambda: nn.Linear(4, classes), train, Examples(inputs[n:], labels[n:]))


def kind(population: Population, name: str) -> np.ndarray:
    return np.flatnonzero(population.canary == name)


OTHER = ("read_inputs", "read_texts", "display")
"""What is not one entry for each example."""


def test_as_many_as_asked_for_after_train_and_test() -> None:
    population = plant(task(), COUNTS, 0)
    assert population.split.tolist() == ["train"] * 89 + ["test"] * 10 + ["canary"] * 15
    assert population.canary.tolist() == [""] * 99 + ["mislabeled"] * 6 + ["ordinary"] * 5 + ["noise"] * 4
    lengths = {len(getattr(population, name)) for name in ("inputs", *vars(population)) if name not in OTHER}
    assert lengths == {114}


def test_train_and_test_keep_their_order_and_everything_that_belongs_to_them() -> None:
    given = task()
    population = plant(given, COUNTS, 0)
    train = population.where("train")
    kept = np.isin(np.char.add("train/", given.train.ids), population.ids)
    assert population.ids[train].tolist() == [f"train/{i}" for i in given.train.ids[kept]]
    np.testing.assert_array_equal(population.inputs[train], given.train.inputs[kept])
    np.testing.assert_array_equal(population.labels[train], given.train.labels[kept])
    test = population.where("test")
    assert population.ids[test].tolist() == [f"test/{i}" for i in range(10)]
    np.testing.assert_array_equal(population.inputs[test], given.test.inputs)
    np.testing.assert_array_equal(population.labels[test], given.test.labels)
    assert (population.true_label[~population.where("canary")] == -1).all()
    assert not population.verification[~population.where("canary")].any()


def test_canaries_made_from_real_examples_are_no_longer_among_them() -> None:
    given = task()
    population = plant(given, COUNTS, 0)
    place = {f"train/{name}": i for i, name in enumerate(given.train.ids)}
    real = np.concatenate([kind(population, "mislabeled"), kind(population, "ordinary")])
    for i in real:
        source = str(population.source[i])
        assert population.ids[i] == f"canary/{population.canary[i]}/{source}"
        assert source not in population.ids
        np.testing.assert_array_equal(population.inputs[i], given.train.inputs[place[source]])
        truth = given.train.labels[place[source]]
        if population.canary[i] == "mislabeled":
            assert population.true_label[i] == truth
            assert population.labels[i] != truth
        else:
            assert population.true_label[i] == -1
            assert population.labels[i] == truth
    assert len(np.unique(population.source[real])) == 11
    assert population.ids[kind(population, "noise")].tolist() == [f"canary/noise/{i}" for i in range(4)]
    assert (population.source[kind(population, "noise")] == "").all()


@pytest.mark.parametrize("classes", [2, 3])
def test_a_false_label_is_every_other_class_and_never_the_true_one(classes: int) -> None:
    """Each of the other classes has the same chance: a binomial count of 1,000 within 4 standard errors (1 in 16,000)."""
    given = task(300, classes=classes)
    shifts = np.concatenate(
        [
            (p.labels[who] - p.true_label[who]) % classes
            for p in (plant(given, Canaries(mislabeled=50), seed) for seed in range(20))
            for who in [kind(p, "mislabeled")]
        ]
    )
    assert len(shifts) == 1_000
    assert set(shifts.tolist()) == set(range(1, classes))
    share = 1 / (classes - 1)
    assert np.mean(shifts == 1) == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 1_000) + 1e-9)


def test_noise_has_the_mean_and_variance_of_each_feature() -> None:
    """400 draws: the mean within 4.5 standard errors, the spread within 4.5 of its own (1 in 100,000 each)."""
    rng = np.random.default_rng(1)
    inputs = rng.normal([0, 5, -3], [1, 0.1, 10], (4_000, 3)).astype(np.float32)
    examples = Examples(inputs, np.arange(4_000) % 2)
    population = plant(Task(lambda: nn.Linear(3, 2), examples, examples), Canaries(noise=400), 0)
    noise = population.inputs[kind(population, "noise")]
    assert noise.dtype == np.float32
    mean, spread = inputs.mean(0), inputs.std(0)
    assert (np.abs(noise.mean(0) - mean) < 4.5 * spread / 20).all()
    assert (np.abs(noise.std(0) / spread - 1) < 4.5 / np.sqrt(800)).all()
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < 4.5 / 20


def test_noise_of_bytes_stays_bytes() -> None:
    population = plant(task(dtype=np.uint8), Canaries(noise=20), 0)
    assert population.inputs.dtype == np.uint8
    assert len(np.unique(population.inputs[kind(population, "noise")])) > 40


def test_labels_of_noise_are_of_every_class() -> None:
    population = plant(task(300), Canaries(noise=60), 0)
    assert np.bincount(population.labels[kind(population, "noise")], minlength=3).min() > 5


@pytest.mark.parametrize("seed", range(3))
def test_half_of_each_kind_is_for_verification(seed: int) -> None:
    population = plant(task(), COUNTS, seed)
    assert [int(population.verification[kind(population, name)].sum()) for name in USUAL] == [3, 2, 2]


def test_who_verifies_is_drawn() -> None:
    chosen = {plant(task(), COUNTS, seed).verification[-4:].tobytes() for seed in range(20)}
    assert len(chosen) > 3


@pytest.mark.parametrize("blocks", [[20], [7], [7, 4, 1]])
def test_each_canary_is_in_half_of_the_runs(blocks: list[int]) -> None:
    member = flips(plant(task(), COUNTS, 0), blocks, 0)
    assert member.shape == (sum(blocks), 15)
    assert set(member.sum(0).tolist()) <= {sum(blocks) // 2, -(-sum(blocks) // 2)}


@pytest.mark.parametrize("design", [Subsets(0.5), Subsets(0.7), *(kind() for kind in DESIGNS.values())], ids=str)
def test_flips_do_not_follow_the_design(design: Subsets) -> None:
    """Correlation of 15 canaries with 89 examples over 40 runs: mean 0 within .02, and none that says the same."""
    population = plant(task(), COUNTS, 0)
    flipped = flips(population, [40], 0)
    member = design.membership([40], population.ids[population.where("train")], 0)
    a, b = flipped - flipped.mean(0), member - member.mean(0)
    correlation = (a.T @ b) / np.sqrt((a**2).sum(0)[:, None] * (b**2).sum(0)[None] + 1e-9)
    assert abs(correlation.mean()) < 0.02
    assert np.abs(correlation).max() < 0.8


@pytest.mark.parametrize("blocks", [[20], [1], [4, 3, 2]])
def test_within_a_run_every_canary_flips_its_own_coin(blocks: list[int]) -> None:
    """As many are in as of fair coins: mean n / 2 and variance n / 4, where exact halves would have none."""
    population = plant(task(300), Canaries(20, 20, 20), 0)
    inside = np.stack([flips(population, blocks, seed).sum(axis=1) for seed in range(400)]).astype(float)
    n = 60
    assert np.abs(inside.mean(axis=0) - n / 2).max() < 4 * np.sqrt(n / 4 / 400)
    assert np.abs(inside.var(axis=0) / (n / 4) - 1).max() < 4 * np.sqrt(2 / 400)


def test_none_are_planted_unless_asked_for() -> None:
    population = plant(task(), Canaries(), 0)
    assert not population.where("canary").any()
    assert len(population) == 110
    assert flips(population, [5], 0).shape == (5, 0)


def test_more_than_a_fifth_is_refused() -> None:
    plant(task(), Canaries(10, 5, 5), 0)
    with pytest.raises(InvalidData, match="21 canaries are more than a fifth of 100 training examples"):
        plant(task(), Canaries(10, 5, 6), 0)
    with pytest.raises(InvalidData, match="-1 noise canaries cannot be planted"):
        Canaries(noise=-1)


def test_a_users_id_never_makes_a_canary() -> None:
    given = task()
    names = ["canary/noise/0", "canary/mislabeled/train/image 3", *given.train.ids[2:]]
    given = replace(given, train=Examples(given.train.inputs, given.train.labels, names))
    population = plant(given, COUNTS, 0)
    planted = np.char.startswith(population.ids, "canary/")
    np.testing.assert_array_equal(planted, population.where("canary"))
    np.testing.assert_array_equal(planted, population.canary != "")
    assert len(np.unique(population.ids)) == len(population)


def test_the_seed_is_all_the_randomness() -> None:
    first, again, other = (plant(task(), COUNTS, seed) for seed in (3, 3, 4))
    for name in ("inputs", *vars(first)):
        if name not in OTHER:
            np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert set(first.ids) != set(other.ids)
    np.testing.assert_array_equal(flips(first, [9], 3), flips(again, [9], 3))
    assert (flips(first, [9], 3) != flips(first, [9], 4)).any()


def test_counts_are_spelled() -> None:
    assert Canaries.of_each(3) == Canaries(3, 3, 3)
    assert str(COUNTS) == "canaries(mislabeled=6, ordinary=5, noise=4)"


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_ambiguous_ones_lie_halfway_between_two_classes(dtype: type) -> None:
    given = task(60, dtype=dtype, shape=(2, 2) if dtype is np.uint8 else (4,))
    population = plant(given, Canaries(ambiguous=9), 0)
    place = {f"train/{name}": at for at, name in enumerate(given.train.ids)}
    inputs, labels = given.train.inputs.astype(np.float64), given.train.labels
    blends = kind(population, "ambiguous")
    assert len(set(population.source[blends])) == len(blends) == 9
    for at in blends:
        first = place[str(population.source[at])]
        assert population.labels[at] == labels[first]
        other = 2 * population.inputs[at].astype(np.float64) - inputs[first]
        near = np.abs(inputs - other).reshape(len(inputs), -1).max(axis=1)
        assert near.min() <= (1 if dtype is np.uint8 else 1e-6)
        assert labels[near.argmin()] != labels[first]
    assert population.where("train").sum() == 60


def test_ambiguous_ones_change_nothing_else() -> None:
    without, beside = plant(task(), COUNTS, 3), plant(task(), replace(COUNTS, ambiguous=3), 3)
    for name in ("ids", "labels", "inputs", "true_label", "source"):
        np.testing.assert_array_equal(getattr(beside, name)[:-3], getattr(without, name))
    assert str(COUNTS) == "canaries(mislabeled=6, ordinary=5, noise=4)"
    assert str(replace(COUNTS, ambiguous=3)) == "canaries(mislabeled=6, ordinary=5, noise=4, ambiguous=3)"


def test_canaries_are_read_from_their_text() -> None:
    assert parse_canaries("12") == Canaries.of_each(12) == Canaries(12, 12, 12, 0)
    assert parse_canaries("ambiguous=3, noise=1") == Canaries(noise=1, ambiguous=3)
    assert parse_canaries("0") == Canaries()
    with pytest.raises(ByroteError, match=r"no kind of canary named 'ambigous'.*Did you mean 'ambiguous'"):
        parse_canaries("ambigous=3")
    for wrong in ("noise=-1", "noise=1.5", "noise", "noise=1,noise=2"):
        with pytest.raises(InvalidData, match=r"says no number of canaries\. Write 50"):
            parse_canaries(wrong)


def test_a_wrong_label_is_one_that_examples_have() -> None:
    """Labels 0, 5 and 9 of ten: a label that nobody has would be found for being odd, not for being wrong."""
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 5, 9], 1100)
    inputs = rng.normal(size=(1100, 8)) + labels[:, None]
    train, test = Examples(inputs[:1000], labels[:1000]), Examples(inputs[1000:], labels[1000:])
    population = plant(Task(lambda: nn.Linear(8, 10), train, test), Canaries(mislabeled=60, noise=60), 0)
    for name in ("mislabeled", "noise"):
        assert set(population.labels[kind(population, name)].tolist()) == {0, 5, 9}
    wrong = kind(population, "mislabeled")
    assert (population.labels[wrong] != population.true_label[wrong]).all()


@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_noise_among_token_ids_is_made_of_token_ids(dtype: type) -> None:
    tokens = np.random.default_rng(0).choice([3, 17, 40], (60, 5)).astype(dtype)
    examples = Examples(tokens, np.arange(60) % 2)
    population = plant(Task(lambda: nn.Linear(5, 2), examples, examples), Canaries(noise=8), 0)
    assert np.isin(population.inputs[kind(population, "noise")], (3, 17, 40)).all()
