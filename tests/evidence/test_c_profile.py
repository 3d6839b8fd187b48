"""The C-score profile of hand-written records: alignment by id, sizes in order, intervals, and refusals."""

import csv
import io
import re
from pathlib import Path

import numpy as np
import polars
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from byrote.cli import app
from byrote.errors import MissingEvidence, WrongRecord
from byrote.evidence.c_profile import c_profile
from byrote.evidence.evaluate import evaluate
from byrote.record import Record
from byrote.scores import c_score
from written import written

IDS = [f"train/{i}" for i in range(6)]


def _record(where: Path, fraction: float, ids: list[str] = IDS, runs: int = 20, **manifest: object) -> Record:
    """A record in which example i is right with a chance of fraction * i / 5, whoever was trained on it."""
    rng = np.random.default_rng(int(fraction * 100))
    member = rng.random((runs, len(ids))) < fraction
    ease = np.array([int(name.split("/")[1]) for name in ids]) / 5
    correct = rng.random(member.shape) < fraction * ease
    body = {"design": f"subsets(fraction={fraction})", **manifest}
    return written(where, member, {"correct": correct}, ids=ids, labels=np.zeros(len(ids), np.int64), **body)


def test_is_the_c_score_at_each_size_and_their_mean(tmp_path: Path) -> None:
    records = [_record(tmp_path / str(f), f) for f in (0.7, 0.3, 0.5)]
    found = c_profile(records, level=0.8)
    assert found.fractions.tolist() == [0.3, 0.5, 0.7]
    for row, record in enumerate([records[1], records[2], records[0]]):
        alone = evaluate(c_score, record, level=0.8)
        for name in ("value", "low", "high", "runs_out"):
            np.testing.assert_array_equal(getattr(found, name)[row], getattr(alone, name))
    np.testing.assert_allclose(found.mean, (found.value[0] + found.value[1] + found.value[2]) / 3)
    assert (found.mean_low <= found.mean).all()
    assert (found.mean < found.mean_high).all()
    assert found.ids.tolist() == IDS
    assert found.labels.tolist() == [records[0].classes[0]] * len(IDS)


def test_examples_are_aligned_by_id_and_those_of_one_record_left_out(tmp_path: Path) -> None:
    one = _record(tmp_path / "a", 0.5, IDS)
    mixed = [IDS[i] for i in (4, 1, 0, 2)]
    other = _record(tmp_path / "b", 0.8, [*mixed, "train/9"])
    found = c_profile([one, other])
    assert found.ids.tolist() == [IDS[i] for i in (0, 1, 2, 4)]
    alone = evaluate(c_score, other).value
    np.testing.assert_array_equal(found.value[1], alone[[2, 1, 3, 0]])
    again = c_profile([other, one])
    np.testing.assert_array_equal(found.value, again.value)


def test_the_mean_of_an_example_that_was_in_every_run_at_one_size_is_undefined(tmp_path: Path) -> None:
    one = _record(tmp_path / "a", 0.5)
    member = np.ones((20, 6), bool)
    member[3, 1:] = False
    other = written(tmp_path / "b", member, {"correct": member}, ids=IDS, design="subsets(fraction=0.9)")
    found = c_profile([one, other])
    np.testing.assert_array_equal(np.isnan(found.mean), [True] + [False] * 5)
    assert np.isfinite(found.value[0]).all()
    assert np.isnan(found.mean_low[0])


def test_canaries_are_left_out_and_what_some_records_lack_is_counted(tmp_path: Path) -> None:
    """Two seeds plant canaries of one name with other labels."""
    paths: list[str] = []
    for fraction, label, lacking in ((0.3, 0, 0), (0.6, 1, 1)):
        ids = [*IDS[: len(IDS) - lacking], "canary/noise/0"]
        member = np.random.default_rng(label).random((20, len(ids))) < fraction
        labels = np.array([0] * (len(ids) - 1) + [label])
        record = written(
            tmp_path / str(label), member, {"correct": member}, ids=ids, labels=labels,
            design=f"subsets(fraction={fraction})",
        )  # fmt: skip
        paths.append(str(record.directory))
    assert c_profile([Record(each) for each in paths]).ids.tolist() == IDS[:-1]
    result = CliRunner().invoke(app, ["c-profile", *paths])
    assert result.exit_code == 0, result.output
    assert "5 of up to 6 examples are in all records. The others are left out." in result.stderr


def test_the_interval_of_the_mean_covers(tmp_path: Path) -> None:
    """Three sizes with 12 runs out each, every example with chances of its own. 6,000 examples: error .004."""
    rng = np.random.default_rng(0)
    chance, records = rng.random((3, 6000)), []
    ids = [f"train/{i}" for i in range(6000)]
    for size, p in zip((0.25, 0.5, 0.75), chance, strict=True):
        runs = round(12 / (1 - size))
        member = np.arange(runs)[:, None] < np.full(6000, runs - 12)
        correct = rng.random(member.shape) < p
        records.append(
            written(
                tmp_path / str(size),
                member,
                {"correct": correct},
                ids=ids,
                design=f"subsets(fraction={size})",
                seed=runs,
            )
        )
    found, truth = c_profile(records, level=0.9), chance.mean(axis=0)
    assert (found.runs_out == 12).all()
    assert ((found.mean_low <= truth) & (truth <= found.mean_high)).mean() == pytest.approx(0.9, abs=0.02)


def test_records_of_one_seed_are_not_taken_for_independent(tmp_path: Path) -> None:
    """Their subsets contain each other, so that a mean is hardly better known than one of them."""
    records = [_record(tmp_path / str(seed), fraction, seed=seed) for seed, fraction in ((1, 0.3), (2, 0.5))]
    same = [records[0], _record(tmp_path / "same", 0.5, seed=1)]
    apart, together = c_profile(records), c_profile(same)
    np.testing.assert_array_equal(apart.mean, together.mean)
    np.testing.assert_allclose(together.mean_low, together.low.mean(axis=0))
    np.testing.assert_allclose(together.mean_high, together.high.mean(axis=0))
    assert (together.mean_high - together.mean_low > apart.mean_high - apart.mean_low).all()


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"task": {"name": "other", "classes": ["a", "b"], "model": "m"}}, "differ in task: 'small' and 'other'"),
        ({"task": {"name": "small", "classes": ["a", "c"], "model": "m"}}, "differ in classes"),
        ({"task": {"name": "small", "classes": ["a", "b"], "model": "n"}}, "differ in model"),
        ({"recipe": {"epochs": 3}}, "differ in recipe"),
    ],
)
def test_records_of_different_tasks_are_refused(tmp_path: Path, changed: dict[str, object], difference: str) -> None:
    records = [_record(tmp_path / "a", 0.3), _record(tmp_path / "b", 0.5, **changed)]
    with pytest.raises(WrongRecord, match=rf"{difference}.*one task, model and recipe"):
        c_profile(records)


def _labelled(where: Path, ids: list[str], labels: NDArray[np.int64]) -> Record:
    member = np.eye(len(ids), dtype=bool)
    return written(where, member, {"correct": member}, ids=ids, labels=labels, design="subsets(fraction=0.2)")


def test_other_examples_and_other_labels_are_refused(tmp_path: Path) -> None:
    one = _record(tmp_path / "a", 0.3)
    strangers = _labelled(tmp_path / "b", ["train/x", "train/y"], np.zeros(2, np.int64))
    with pytest.raises(WrongRecord, match=r"share no example: one has 'train/.', the other 'train/."):
        c_profile([one, strangers])
    relabelled = _labelled(tmp_path / "c", IDS, np.array([0, 0, 0, 0, 0, 1]))
    with pytest.raises(WrongRecord, match=r"about the label of 'train/5' and 0 others.*one task, model and recipe"):
        c_profile([one, relabelled])


def test_what_is_no_profile_is_refused(tmp_path: Path) -> None:
    one = _record(tmp_path / "a", 0.3)
    with pytest.raises(MissingEvidence, match=r"given 1\..*another Subsets\(fraction="):
        c_profile([one])
    with pytest.raises(MissingEvidence, match=r"\[0\.3, 0\.3\].*more runs instead"):
        c_profile([one, _record(tmp_path / "b", 0.3)])
    for design in ("kfold(folds=5)", "own loop"):
        other = _record(tmp_path / design.replace(" ", ""), 0.5, design=design)
        with pytest.raises(MissingEvidence, match=rf"'{re.escape(design)}'.*Subsets\(fraction="):
            c_profile([one, other])


def test_its_table_is_read_by_a_data_frame_and_names_the_sizes(tmp_path: Path) -> None:
    found = c_profile([_record(tmp_path / "a", 0.5), _record(tmp_path / "b", 0.1)])
    table = polars.DataFrame(found)
    assert table["example"].to_list() == IDS
    np.testing.assert_array_equal(table["mean c_score"].to_numpy(), found.mean)
    np.testing.assert_array_equal(table["c_score at 0.1 low"].to_numpy(), found.low[0])
    np.testing.assert_array_equal(table["runs out at 0.5"].to_numpy(), found.runs_out[1])
    assert found.mean[found.hardest_first].tolist() == sorted(found.mean)


def test_the_verb_prints_the_profile_hardest_first(tmp_path: Path) -> None:
    for fraction in (0.5, 0.1):
        _record(tmp_path / str(fraction), fraction)
    paths = [str(tmp_path / "0.5"), str(tmp_path / "0.1")]
    found = c_profile([Record(path) for path in paths])
    said = CliRunner().invoke(app, ["c-profile", *paths, "--csv"], catch_exceptions=False)
    rows = list(csv.DictReader(io.StringIO(said.stdout)))
    assert [row["example"] for row in rows] == found.ids[found.hardest_first].tolist()
    assert float(rows[0]["mean c_score"]) == pytest.approx(float(np.nanmin(found.mean)))
    table = CliRunner().invoke(app, ["c-profile", *paths, "--top", "2"], catch_exceptions=False)
    assert table.stdout.count("train/") == 2
    assert "0.1, 0.5" in table.stderr
