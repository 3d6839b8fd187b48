"""The fence of targets: about 1 % of right targets are beyond it, whatever their number and the tail of the noise."""

import numpy as np
import pytest
from numpy.typing import NDArray

from byrote.errors import Unsupported
from byrote.explain.target_causes import fence
from byrote.explain.usual_distances import usual_distances

Floats = NDArray[np.float64]


def noise(kind: str, seed: int, shape: tuple[int, int]) -> Floats:
    """Return noise in units of its standard deviation."""
    rng = np.random.default_rng(seed)
    if kind == "normal":
        return rng.normal(size=shape)
    if kind == "laplace":
        return rng.laplace(size=shape) / np.sqrt(2)
    return rng.standard_t(3, shape) / np.sqrt(3)


@pytest.mark.parametrize("targets", [1, 5])
@pytest.mark.parametrize(("kind", "least"), [("normal", 0.004), ("laplace", 0.0), ("t3", 0.004)])
def test_about_one_in_a_hundred_right_targets_is_beyond_it(kind: str, least: float, targets: int) -> None:
    """12 tables of 1,000 examples: the standard error is .0015. Tukey's fence accuses .02 to .25."""
    accused, tukey = [], []
    for seed in range(12):
        distances = np.abs(noise(kind, seed, (1000, targets))) * np.arange(1, targets + 1)
        accused.append((distances > usual_distances(distances)).any(axis=1).mean())
        fences = np.array([fence(distances[:, at]) for at in range(targets)])
        tukey.append((distances > fences).any(axis=1).mean())
    assert least <= np.mean(accused) <= 0.016
    assert np.mean(tukey) > 1.3 * np.mean(accused)


def test_wrong_targets_do_not_hide_each_other() -> None:
    """5 % of normal targets are wrong by five standard deviations: .92 are found."""
    found = []
    for seed in range(5):
        distances, wrong = noise("normal", seed, (1000, 1)), np.arange(1000) < 50
        distances[wrong] += 5
        found.append((np.abs(distances) > usual_distances(np.abs(distances)))[wrong].mean())
    assert np.mean(found) > 0.85


def test_units_do_not_matter_and_a_smaller_share_is_farther() -> None:
    distances = np.abs(noise("t3", 0, (500, 2)))
    one, other = usual_distances(distances), usual_distances(distances * [1000, 0.1])
    assert other == pytest.approx(one * [1000, 0.1])
    assert np.all(usual_distances(distances, share=0.001) > one)
    assert np.all(usual_distances(distances[:, :1], share=0.001) > usual_distances(distances[:, :1]))


def test_where_no_tail_can_be_fitted_it_is_tukeys() -> None:
    few = np.abs(noise("normal", 1, (39, 2)))
    assert usual_distances(few) == pytest.approx([fence(few[:, 0]), fence(few[:, 1])])
    half = np.abs(noise("normal", 2, (200, 2)))
    half[:120, 1] = 0
    assert usual_distances(half)[1] == fence(half[:, 1])
    assert usual_distances(half)[0] != fence(half[:, 0])
    assert np.all(np.isinf(usual_distances(few[:1])))
    with pytest.raises(Unsupported, match=r"is 1\.5.*between 0 and 1"):
        usual_distances(few, share=1.5)
