"""`byrote lm index`, `trace` and `dedup` as a user types them."""

import csv
import io
import json
from pathlib import Path

import pytest

from byrote.lm.reading import read_corpus
from cli.test_cli import assert_message, byrote

pytest.importorskip("pydivsufsort")
pytest.importorskip("rensa")

LINES = [
    f"line {i} of the corpus says that number {i * i} is the square of {i}, and nothing else at all" for i in range(40)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lm_corpus_verbs")
    (folder / "corpus.txt").write_text("\n".join([*LINES, LINES[3], LINES[4] + " now"]))
    (folder / "control.txt").write_text("\n".join(f"a control {i} says that words are words" for i in range(30)))
    (folder / "output.txt").write_text(f"The model wrote: {LINES[7]}. And that was new.")
    return folder


def test_index_then_trace(folder: Path) -> None:
    made = byrote("lm", "index", "corpus.txt", "--out", "index", "--repeats", 50, "--json", cwd=folder)
    assert made.returncode == 0, made.stderr
    assert "42 documents in 1 file: 42 lines." in made.stderr
    (row,) = json.loads(made.stdout)
    assert row["documents"] == 42
    assert 0 < row["share in repeats of 50 bytes low"] <= row["share in repeats of 50 bytes"] <= 1
    traced = byrote("lm", "trace", "output.txt", "--corpus", "index", "--csv", cwd=folder)
    (span,) = csv.DictReader(io.StringIO(traced.stdout))
    assert span["text"] == LINES[7]
    assert (span["document"], span["copies"], span["beyond usual"]) == ("corpus.txt:8", "1", "")
    table = byrote("lm", "trace", "output.txt", "--corpus", "index", cwd=folder)
    assert "1 stretch of 50 characters or more stands in the corpus word for word" in table.stdout
    assert "No control text was given" in table.stdout


def test_trace_of_files_with_a_control(folder: Path) -> None:
    traced = byrote(
        "lm", "trace", "output.txt", "--corpus", "corpus.txt", "--control", "control.txt", "--json", cwd=folder
    )
    assert traced.returncode == 0, traced.stderr
    assert json.loads(traced.stdout)[0]["beyond usual"] is True
    assert "The index is not kept" in traced.stderr
    assert sorted(each.name for each in folder.iterdir() if each.is_file()) == [
        "control.txt",
        "corpus.txt",
        "output.txt",
    ]


def test_dedup(folder: Path) -> None:
    result = byrote("lm", "dedup", "corpus.txt", "--out", "kept", "--near", 0.8, cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "40 of 42 documents are kept" in result.stdout
    assert "written: kept" in result.stdout
    assert len(read_corpus(folder / "kept" / "corpus.txt")) == 40
    printed = byrote("lm", "dedup", "corpus.txt", "--out", "again", "--near", 0.8, "--csv", cwd=folder)
    assert printed.stdout == (folder / "again" / "removed.csv").read_text().replace("\r\n", "\n")
    assert_message(byrote("lm", "dedup", "corpus.txt", "--out", "kept", cwd=folder), "kept is there already")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["index", "nothing.txt", "--out", "x"], "nothing.txt is not there"),
        (["trace", "nothing.txt", "--corpus", "corpus.txt"], "nothing.txt"),
        (["trace", "/dev/null", "--corpus", "corpus.txt"], "holds no text"),
    ],
)
def test_what_cannot_be_done_is_one_message(folder: Path, typed: list[str], said: str) -> None:
    assert_message(byrote("lm", *typed, cwd=folder), said)
