"""Directories as LiRA's code leaves them become the columns that scores read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from attackers import balanced, to_loss
from byrote.errors import InvalidData, MissingEvidence
from byrote.integrations.shadow_models import read_shadow_models
from byrote.scores import bavaria, calibrated_loss, csl, lira, memorization, rmia

RUNS, EXAMPLES, VIEWS, CLASSES = 12, 30, 3, 4
LABELS = np.random.default_rng(9).integers(CLASSES, size=EXAMPLES)


def logits(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """[run example view class], higher at the label for members."""
    rng = np.random.default_rng(seed)
    member = balanced(rng, RUNS, EXAMPLES, 6)
    z = rng.normal(size=(RUNS, EXAMPLES, VIEWS, CLASSES))
    z[:, np.arange(EXAMPLES), :, LABELS] += 1.5 * member.T[:, :, None]
    return z, member


def scaled(z: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    own = p[:, np.arange(EXAMPLES), :, LABELS].transpose(1, 0, 2)
    return np.log(own / (1 - own))


def write(root: Path, kind: str, values: NDArray[Any], member: NDArray[np.bool_]) -> None:
    """As LiRA's code does: the epoch is in the name of the file, runs are not padded."""
    for run, (one, keep) in enumerate(zip(values, member, strict=True)):
        where = root / f"experiment-{run}_{RUNS}"
        (where / kind).mkdir(parents=True, exist_ok=True)
        np.save(where / "keep.npy", keep)
        np.save(where / kind / "0000000010.npy", np.zeros_like(one))
        np.save(where / kind / "0000000100.npy", one)


def test_scores_of_several_views(tmp_path: Path) -> None:
    z, member = logits()
    write(tmp_path, "scores", scaled(z), member)
    read = read_shadow_models(tmp_path)
    np.testing.assert_array_equal(read.column["member"], member)
    assert read.column["loss"].shape == (RUNS, VIEWS, EXAMPLES)
    loss = to_loss(scaled(z)).transpose(0, 2, 1).astype(np.float32)
    np.testing.assert_allclose(read.column["loss"], loss, rtol=1e-6)
    for attack in (lira, rmia.bind(online=False), bavaria, calibrated_loss):
        each = [attack(read.column["loss"][:, view], member) for view in range(VIEWS)]
        np.testing.assert_array_equal(read.apply(attack), np.mean(each, axis=0))


def test_logits_say_more(tmp_path: Path) -> None:
    z, member = logits(1)
    write(tmp_path, "logits", z[:, :, None].astype(np.float32), member)  # [example 1 view class], as in that code
    np.save(tmp_path / "y_train.npy", LABELS[:, None])
    read = read_shadow_models(tmp_path)
    assert set(read.column) == {"member", "loss", "confidence", "margin", "correct"}
    np.testing.assert_allclose(read.column["loss"], to_loss(scaled(z)).transpose(0, 2, 1), rtol=1e-4)
    right = (z.argmax(axis=-1) == LABELS[:, None]).transpose(0, 2, 1)
    np.testing.assert_array_equal(read.column["correct"], right)
    ordered = np.sort(z, axis=-1)
    margin = np.where(right, (ordered[..., -1] - ordered[..., -2]).transpose(0, 2, 1), read.column["margin"])
    np.testing.assert_allclose(read.column["margin"], margin, rtol=1e-4, atol=1e-5)
    expected = np.mean([memorization(right[:, view], member) for view in range(VIEWS)], axis=0)
    np.testing.assert_allclose(read.apply(memorization), expected)


def test_one_view_has_no_axis_of_views_and_a_sure_model_keeps_its_loss(tmp_path: Path) -> None:
    z, member = logits(2)
    scores = scaled(z)
    z[0, 3] = 80 * np.eye(CLASSES)[LABELS[3]]
    np.save(tmp_path / "keep.npy", member.astype(np.int8))
    np.save(tmp_path / "logits.npy", z[:, :, 0].astype(np.float16))
    read = read_shadow_models(tmp_path, labels=LABELS)
    assert read.column["loss"].shape == (RUNS, EXAMPLES)
    assert read.column["loss"][0, 3] == pytest.approx(3 * np.exp(-80), rel=1e-3, abs=0)
    np.testing.assert_array_equal(read.apply(lira), lira(read.column["loss"], member))
    np.save(tmp_path / "scores.npy", scores[:, :, 0])
    alone = read_shadow_models(tmp_path)
    assert set(alone.column) == {"member", "loss", "confidence"}
    np.testing.assert_allclose(alone.column["loss"][1:], read.column["loss"][1:], rtol=0.05, atol=0.01)


def test_what_is_not_finite_becomes_what_scores_know(tmp_path: Path) -> None:
    z, member = logits(3)
    s = scaled(z)[:, :, 0]
    s[0, 0], s[1, 1], s[2, 2] = np.nan, np.inf, -np.inf
    np.save(tmp_path / "keep.npy", member)
    np.save(tmp_path / "scores.npy", s)
    loss = read_shadow_models(tmp_path).column["loss"]
    assert np.isnan(loss[0, 0])
    assert (loss[1, 1], loss[2, 2]) == (0, np.inf)
    z[0, 0, 0] = np.nan
    np.save(tmp_path / "logits.npy", z)
    read = read_shadow_models(tmp_path, labels=LABELS)
    with pytest.raises(MissingEvidence, match=r"correct.* 1 values are missing.*another score"):
        read.apply(memorization)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    z, member = logits()
    np.save(tmp_path / "keep.npy", member)
    np.save(tmp_path / "scores.npy", scaled(z))
    read = read_shadow_models(tmp_path)
    with pytest.raises(
        MissingEvidence,
        match=r"memorization reads correct\[run example\], and there is only member, loss, confidence\.",
    ):
        read.apply(memorization)
    with pytest.raises(MissingEvidence, match=r"csl reads loss_seen\[step example\]"):
        read.apply(csl)


class Malicious:
    def __reduce__(self) -> tuple[Any, ...]:
        raise AssertionError


BAD = {
    "is no directory": lambda root: root.rmdir(),
    "has no keep.npy, and no directory in it has one": lambda root: None,
    r"keep.npy, but no scores.npy, logits.npy, scores/ or logits/": lambda root: np.save(
        root / "keep.npy", np.ones((2, 3))
    ),
    r"keep.npy is int64\(3,\), not a flag for each of \[run example\]": lambda root: np.save(
        root / "keep.npy", np.arange(3)
    ),
    "not a flag for each of": lambda root: np.save(root / "keep.npy", np.full((2, 3), 2)),
    r"scores.npy is \(2, 4\), and keep.npy is \(2, 3\)": lambda root: (
        np.save(root / "keep.npy", np.ones((2, 3))),
        np.save(root / "scores.npy", np.ones((2, 4))),
    ),
    "holds logits, which need labels": lambda root: (
        np.save(root / "keep.npy", np.ones((2, 3))),
        np.save(root / "logits.npy", np.ones((2, 3, 4))),
    ),
    "has 4 classes, and the labels are int64 from 0 to 7": lambda root: (
        np.save(root / "keep.npy", np.ones((2, 3))),
        np.save(root / "logits.npy", np.ones((2, 3, 4))),
        np.save(root / "y_train.npy", np.array([0, 7, 1])),
    ),
    "and there are 5 labels": lambda root: (
        np.save(root / "keep.npy", np.ones((2, 3))),
        np.save(root / "logits.npy", np.ones((2, 3, 4))),
        np.save(root / "y_train.npy", np.zeros(5, np.int64)),
    ),
    "is not an array of plain numbers": lambda root: np.save(root / "keep.npy", np.array([None, 1]), allow_pickle=True),
}


@pytest.mark.parametrize("told", BAD)
def test_what_cannot_be_read_is_refused(told: str, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    root.mkdir()
    BAD[told](root)
    with pytest.raises(InvalidData, match=told):
        read_shadow_models(root)


def test_runs_that_differ_are_refused(tmp_path: Path) -> None:
    z, member = logits()
    write(tmp_path, "scores", scaled(z), member)
    np.save(tmp_path / f"experiment-3_{RUNS}/scores/0000000100.npy", scaled(z)[3, :, :1])
    with pytest.raises(InvalidData, match="differ in examples, views or files"):
        read_shadow_models(tmp_path)
