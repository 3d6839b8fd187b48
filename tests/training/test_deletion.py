"""A directory that is deleted during a collection is named, whichever of its files goes first."""

import shutil
from pathlib import Path

import pytest

import byrote
from byrote.errors import ByroteError, WrongRecord
from byrote.record import Record
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.deletion import naming_deletion
from byrote.training.progress import Progress
from small import small_task


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("deletion") / "kept"
    collect(small_task(), directory, runs=2, compute=Compute(workers=1))
    return directory


@pytest.mark.parametrize("gone", ["examples.parquet", "runs/0001.parquet", "runs", "record.json"])
def test_a_read_of_a_half_deleted_directory_names_the_deletion(kept: Path, gone: str, tmp_path: Path) -> None:
    directory = tmp_path / "half"
    shutil.copytree(kept, directory)
    record = Record(directory)
    shutil.rmtree(directory / gone) if gone == "runs" else (directory / gone).unlink()
    with (
        pytest.raises(ByroteError, match=r"half was deleted, or its record\.json, while runs"),
        naming_deletion(directory),
    ):
        assert record.at_step(1, "correct", 3) is not Record(directory)


def test_a_file_that_is_named_by_its_absolute_path_counts_where_the_directory_is_relative(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(kept, tmp_path / "half")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ByroteError, match=r"^half was deleted"), naming_deletion(Path("half")):
        (tmp_path / "half" / "training" / "0001.lock").open()
    with pytest.raises(FileNotFoundError), naming_deletion(Path("half")):
        (tmp_path / "behalf" / "0001.lock").open()


@pytest.mark.parametrize("until", [None, "error=0.001"])
def test_progress_that_reads_a_half_deleted_directory_names_the_deletion(until: str | None, tmp_path: Path) -> None:
    def delete(now: Progress) -> None:
        if now.steps:
            (tmp_path / "examples.parquet").unlink(missing_ok=True)

    with pytest.raises(ByroteError, match=r"was deleted, or its record\.json, while runs were trained into it"):
        collect(small_task(), tmp_path, runs=2, until=until, compute=Compute(workers=1), progress=delete)
    assert (tmp_path / "record.json").exists(), "this is not what was tested"


def test_a_damaged_file_and_the_users_missing_files_are_no_deletion(kept: Path, tmp_path: Path) -> None:
    directory = tmp_path / "damaged"
    shutil.copytree(kept, directory)
    (directory / "examples.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(WrongRecord, match=r"examples\.parquet cannot be read"), naming_deletion(directory):
        Record(directory)
    with pytest.raises(FileNotFoundError, match=r"weights\.pt"), naming_deletion(directory):
        (tmp_path / "weights.pt").read_bytes()


def test_a_list_of_examples_that_is_gone_is_written_again(kept: Path, tmp_path: Path) -> None:
    directory = tmp_path / "again"
    shutil.copytree(kept, directory)
    (directory / "examples.parquet").unlink()
    record = byrote.collect(small_task(), directory, runs=2, compute=Compute(workers=1))
    assert record.population.ids.tolist() == Record(kept).population.ids.tolist()
