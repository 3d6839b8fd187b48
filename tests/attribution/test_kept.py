"""What is kept beside a record is what was found, whole or not at all, and for that record only."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from byrote.attribution import (
    About,
    Attribution,
    agreement,
    attribute,
    read_attribution,
    tracin,
    trak,
    write_attribution,
)
from byrote.attribution.attribute import divided
from byrote.attribution.kept import attribution_path, kept_methods, read_about
from byrote.attribution.tables import agreement_verdict, attribution_rows
from byrote.errors import ByroteError, InvalidData, MissingEvidence, Remedy, WrongRecord
from byrote.evidence.evaluate import pairs
from byrote.locate import replay
from byrote.objectives import Classification
from byrote.record import Record
from byrote.scores import influence
from byrote.stats.estimate import Estimate
from byrote.task.canaries import Canaries
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.tensors import to_tensors
from small import small_task

RUNS, TARGETS = 9, 15


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return collect(
        small_task(),
        tmp_path_factory.mktemp("record"),
        runs=RUNS,
        canaries=Canaries.of_each(2),
        compute=Compute(workers=1),
    )


@pytest.fixture(scope="module")
def found(record: Record) -> Attribution:
    return attribute(small_task(), record, runs=(2,), targets=TARGETS, sketch=64, seed=3)


def members(record: Record, run: int) -> np.ndarray:
    return np.flatnonzero(record.population.where("train") & record.member(run))


def by_hand(record: Record, run: int, targets: np.ndarray, **options: int | None) -> np.ndarray:
    """TracIn over all three epochs, `[example, target]`, of the run's real training examples."""
    models = list(replay(small_task(), record, run, epochs=(1, 2, 3)))
    parts = (
        *to_tensors(record.population, Classification(), "cpu", members(record, run)),
        *to_tensors(record.population, Classification(), "cpu", targets),
    )
    blocks = tracin([each.model for each in models], [each.learning_rate for each in models], *parts, **options)
    return np.concatenate([value for _, value in blocks], axis=1)


def test_it_is_what_tracin_yields(record: Record, found: Attribution) -> None:
    chosen = members(record, 2)
    np.testing.assert_allclose(
        found.value[chosen], by_hand(record, 2, found.targets, sketch=64, seed=3), rtol=1e-5, atol=1e-6
    )
    others = np.setdiff1d(np.arange(len(record.population)), chosen)
    assert np.isnan(found.value[others]).all(), "neither canaries, nor tests, nor those left out"
    assert found.value.dtype == np.float32
    assert found.about == About("tracin", (2,), (1, 2, 3), 64, 3, RUNS - 1, found.about.agreement)
    blocks = [(np.arange(TARGETS), found.value[chosen].astype(np.float64))]
    measured, again = found.about.agreement, agreement(blocks, record, chosen, found.targets, models=(2,), seed=3)
    assert measured is not None
    assert measured.spearman.value == pytest.approx(again.spearman.value, abs=1e-3)
    assert measured.reliability == again.reliability


def test_several_runs_are_averaged_over_those_that_were_trained_on_the_example(record: Record) -> None:
    found = attribute(small_task(), record, runs=(0, 1), targets=4, sketch=0)
    total, count = np.zeros(found.value.shape), np.zeros((len(found.value), 1))
    for run in (0, 1):
        total[members(record, run)] += by_hand(record, run, found.targets)
        count[members(record, run)] += 1
    assert set(count.ravel()) == {0, 1, 2}
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(found.value, total / count, rtol=1e-4, atol=1e-6)
    assert found.about.sketch is None


def test_trak_takes_the_last_models(record: Record) -> None:
    found = attribute(small_task(), record, "trak", runs=(0, 1), targets=4, seed=1)
    chosen = np.union1d(members(record, 0), members(record, 1))
    models = [next(replay(small_task(), record, run, epochs=(3,))).model for run in (0, 1)]
    parts = (
        *to_tensors(record.population, Classification(), "cpu", chosen),
        *to_tensors(record.population, Classification(), "cpu", found.targets),
    )
    ((_, value),) = trak(models, *parts, sketch=len(chosen) // 10, seed=1)
    np.testing.assert_allclose(found.value[chosen], value, rtol=1e-4, atol=1e-7)
    assert found.about.epochs == (3,)
    assert found.about.sketch == len(chosen) // 10


def test_targets_are_those_that_the_runs_disagree_on(record: Record) -> None:
    test = np.flatnonzero(record.population.where("test"))
    right = sum(record.at_step(run, "correct", 3).astype(int) for run in record.runs)
    chosen = divided(record, 10, 0)
    distance = np.abs(right - RUNS / 2)
    assert set(chosen) < set(test)
    assert distance[chosen].max() <= np.sort(distance[test])[9]
    assert distance[chosen].max() < RUNS / 2 - 0.5, "no run is right, or all are: nothing to attribute"
    assert sorted(divided(record, 10**6, 0)) == test.tolist()
    assert divided(record, 30, 1).tolist() != divided(record, 30, 2).tolist()
    assert divided(record, 30, 1).tolist() == divided(record, 30, 1).tolist()


def test_what_is_read_is_what_was_written(record: Record, found: Attribution) -> None:
    path = write_attribution(record, found)
    assert path == record.directory / "attribution" / "tracin.parquet"
    read = read_attribution(record, "tracin")
    assert read.about == found.about == read_about(record, "tracin")
    np.testing.assert_array_equal(read.targets, found.targets)
    np.testing.assert_array_equal(read.value, found.value)
    assert read.value.dtype == np.float32
    assert kept_methods(record) == ("tracin",)
    first = Path(path).read_bytes()
    assert Path(write_attribution(record, found)).read_bytes() == first, "there is no time in it"


def test_the_file_is_as_the_schema_page_says(record: Record, found: Attribution) -> None:
    table = pq.read_table(write_attribution(record, found))
    assert table.column_names == ["target", "value"]
    assert table["target"].to_pylist() == record.population.ids[found.targets].tolist()
    rows = table["value"].to_pylist()
    assert {len(row) for row in rows} == {len(record.population)}
    assert [value is None for value in rows[0]] == np.isnan(found.value[:, 0]).tolist()
    assert table.schema.field("value").type.value_type == pa.float32()
    fields = json.loads(table.schema.metadata[b"byrote.attribution"])
    page = (Path(__file__).parents[2] / "docs/schema.md").read_text()
    section = page.split("## `attribution/METHOD.parquet`")[1].split("\n## ")[0]
    for name in fields:
        assert f"`{name}`" in section, name
    assert fields["key"] == record.manifest["key"]
    assert fields["agreement"]["spearman"]["value"] == found.about.agreement.spearman.value


def test_undefined_numbers_survive(record: Record, found: Attribution) -> None:
    nothing = Estimate(np.nan, np.nan, np.nan, 0, "target")
    measured = replace(found.about.agreement, spearman=nothing)
    write_attribution(record, replace(found, about=replace(found.about, agreement=measured)))
    read = read_about(record, "tracin").agreement
    assert np.isnan([read.spearman.value, read.spearman.low]).all()
    assert read.pearson == measured.pearson
    write_attribution(record, replace(found, about=replace(found.about, agreement=None)))
    assert read_about(record, "tracin").agreement is None


def test_another_record_a_broken_file_and_none_at_all(record: Record, found: Attribution, tmp_path: Path) -> None:
    copy = Record(shutil.copytree(record.directory, tmp_path / "copy"))
    path = Path(write_attribution(copy, found))
    copy.manifest["key"] = "other"
    again = Remedy("attribute", "tracin")
    with pytest.raises(WrongRecord, match=r"was made for other runs than are there\.") as refused:
        read_attribution(copy, "tracin")
    assert refused.value.remedy == again
    path.write_bytes(b"PAR1 is not enough")
    for read in (read_about, read_attribution):
        with pytest.raises(
            WrongRecord, match=r"tracin\.parquet cannot be read .* Remove it, or make it again"
        ) as refused:
            read(copy, "tracin")
        assert refused.value.remedy == again
    shutil.copy(copy.directory / "examples.parquet", path)
    with pytest.raises(WrongRecord, match="cannot be read"):
        read_attribution(copy, "tracin")
    path.unlink()
    with pytest.raises(MissingEvidence, match=r"keeps no attribution by tracin\.") as refused:
        read_attribution(copy, "tracin")
    assert refused.value.remedy == again
    with pytest.raises(MissingEvidence, match="keeps no attribution by trac"):
        read_attribution(copy, "trac")
    with pytest.raises(ByroteError, match=r"'\.\./record' is not the name of a method"):
        attribution_path(copy, "../record")


def test_what_is_kept_is_found_by_its_files(record: Record, found: Attribution, tmp_path: Path) -> None:
    copy = Record(shutil.copytree(record.directory, tmp_path / "copy"))
    for method in ("trak", "mine", "tracin"):
        write_attribution(copy, replace(found, about=replace(found.about, method=method)))
    (copy.directory / "attribution" / ".mine.parquet.tmp").write_bytes(b"")
    (copy.directory / "attribution" / "not a name.parquet").write_bytes(b"")
    assert kept_methods(copy) == ("mine", "tracin", "trak")
    assert read_about(copy, "mine").method == "mine"


@pytest.mark.slow
def test_killed_while_writing_it_leaves_the_old_file(record: Record, found: Attribution, tmp_path: Path) -> None:
    copy = Record(shutil.copytree(record.directory, tmp_path / "copy"))
    path = Path(write_attribution(copy, found))
    before = path.read_bytes()
    code = (
        "import os, signal, sys; import pyarrow.parquet as pq; from dataclasses import replace\n"
        "from byrote.attribution import read_attribution, write_attribution; from byrote.record import Record\n"
        "record = Record(sys.argv[1]); found = read_attribution(record, 'tracin'); whole = pq.write_table\n"
        "def half(table, path, **options):\n"
        "    whole(table, path, **options); open(path, 'r+b').truncate(300); os.kill(os.getpid(), signal.SIGKILL)\n"
        "pq.write_table = half; write_attribution(record, replace(found, value=found.value * 2))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(copy.directory)], env=os.environ)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    assert kept_methods(copy) == ("tracin",)


def test_it_is_kept_at_a_url(record: Record, found: Attribution, tmp_path: Path) -> None:
    import fsspec

    fs = fsspec.filesystem("memory")
    fs.put(str(record.directory) + "/", "/far/kept", recursive=True)
    far = Record("memory://far/kept")
    write_attribution(far, found)
    assert kept_methods(far) == ("tracin",)
    read = read_attribution(far, "tracin")
    np.testing.assert_array_equal(read.value, found.value)
    assert read.about == found.about
    fs.rm("/far", recursive=True)


def test_rows_have_the_strongest_pairs_with_their_influence(record: Record, found: Attribution) -> None:
    rows = attribution_rows(record, found, top=12)
    size = np.sort(np.abs(found.value[~np.isnan(found.value)]))[::-1]
    np.testing.assert_allclose([abs(row["tracin"]) for row in rows], size[:12], rtol=1e-6)
    turned = attribution_rows(record, replace(found, value=-found.value), top=12)
    assert [{**row, "tracin": -row["tracin"]} for row in turned] == rows, "what harms is as strong as what helps"
    ids = record.population.ids.tolist()
    for row in rows:
        example, target = ids.index(row["example"]), ids.index(row["target"])
        assert row["label"] == record.classes[record.population.labels[example]]
        assert row["target label"] == record.classes[record.population.labels[target]]
        ((_, value, low, high),) = pairs(influence, record, np.array([target]))
        told = [row["influence"], row["influence low"], row["influence high"]]
        assert told == pytest.approx([value[example, 0], low[example, 0], high[example, 0]])
    everything = attribution_rows(record, found, top=10**6)
    assert len(everything) == len(size)


def test_sentences_say_how_much_an_agreement_can_mean(record: Record, found: Attribution) -> None:
    def size(value: float, low: float, high: float) -> Estimate:
        return Estimate(value, low, high, 9, "target")

    def verdict(spearman: Estimate, reliability: Estimate) -> str:
        measured = replace(found.about.agreement, spearman=spearman, reliability=reliability)
        return agreement_verdict(replace(found.about, agreement=measured))

    good = verdict(size(0.3, 0.2, 0.4), size(0.25, 0.2, 0.3))
    assert "tracin from 1 run has a rank correlation of" in good
    assert "with the target's margin in 8 other runs (LDS; mean over" in good
    assert "Pair by pair it has 0.300 [0.200, 0.400] with influence" in good
    assert "influence from these runs has 0.250 [0.200, 0.300] with that of as many new ones (over 9 targets)" in good
    assert "so 0.50 is about the most" in good
    for reliability in (size(-0.1, -0.2, 0.0), size(0.1, -0.1, 0.3), size(np.nan, np.nan, np.nan)):
        assert "so pairs are mostly noise here and cannot say how good tracin is" in verdict(
            size(0.0, -0.1, 0.1), reliability
        )
    assert "single pairs cannot be judged" in verdict(size(np.nan, np.nan, np.nan), size(np.nan, np.nan, np.nan))
    alone = agreement_verdict(replace(found.about, agreement=None, compared=1))
    assert "cannot be measured from 1 other run (it takes 4 or more)" in alone
    for text in (good, alone):
        assert text.endswith("TracIn and TRAK are proxies of retraining: check what matters by leaving it out.")


def test_one_run_is_enough_to_attribute(tmp_path: Path) -> None:
    alone = collect(small_task(), tmp_path, runs=1, canaries=Canaries(), compute=Compute(workers=1))
    found = attribute(small_task(), alone, targets=5)
    assert found.about.agreement is None
    assert found.about.compared == 0
    rows = attribution_rows(alone, found, top=3)
    assert len(rows) == 3
    assert {row["influence"] for row in rows} == {None}


def test_refusals(record: Record) -> None:
    with pytest.raises(MissingEvidence, match=r"no finished run 99\. Name one of its runs, 0 to 8\."):
        attribute(small_task(), record, runs=(0, 99))
    with pytest.raises(ByroteError, match=r"no method named 'trac'\. Did you mean '(trak|tracin)'"):
        attribute(small_task(), record, "trac")
    with pytest.raises(InvalidData, match=r"targets=0, 1 runs and sketch=None"):
        attribute(small_task(), record, targets=0)
    with pytest.raises(InvalidData, match=r"0 runs"):
        attribute(small_task(), record, runs=())
    with pytest.raises(WrongRecord, match="trained with another recipe"):
        attribute(small_task(5), record)
    with pytest.raises(InvalidData, match=r"by 2048 numbers each\. Take a smaller sketch"):
        attribute(small_task(), record, "trak", sketch=2048)
