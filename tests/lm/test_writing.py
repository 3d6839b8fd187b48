"""A corpus without copies is written in the files that it was read from; ids and all other columns stay."""

import csv
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from byrote.errors import WrongRecord
from byrote.lm.corpus import Texts
from byrote.lm.deduplication import deduplicate
from byrote.lm.reading import read_corpus
from byrote.lm.writing import write_deduplicated
from lm.test_reading import json_lines, save_to_disk

TEXTS = ["one text", "two text", "one text", "three#0123456789abc", "four", "five:0123456789abc!"]
KEPT = ["one text", "two text", "three#0123456789abc", "four", "five:!"]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def written(tmp_path: Path, *names: str) -> Path:
    corpus = read_corpus([tmp_path / name for name in names])
    return write_deduplicated(deduplicate(corpus, repeats=12), tmp_path / "out")


@pytest.mark.parametrize("with_ids", [True, False])
@pytest.mark.parametrize("name", ["c.jsonl", "c.jsonl.gz", "c.parquet", "saved"])
def test_ids_and_other_columns_stay(tmp_path: Path, name: str, with_ids: bool) -> None:
    more = {"n": [0, 1, 2, 3, 4, 5], **({"id": list("abcdef")} if with_ids else {})}
    path = tmp_path / name
    if "jsonl" in name:
        data = json_lines(TEXTS, **more).encode()
        path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    elif name == "saved":
        save_to_disk(path, pa.table({"text": TEXTS, **more}))
    else:
        pq.write_table(pa.table({"text": TEXTS, **more}), path, row_group_size=4)
    before = read_corpus(path)
    out = written(tmp_path, name)
    after = read_corpus(out / name)
    ids = [each.id for each in before]
    assert [each.text for each in after] == KEPT
    assert [each.id for each in after] == [ids[at] for at in (0, 1, 3, 4, 5)]
    if name == "c.jsonl":
        lines = [json.loads(line) for line in (out / name).read_text().splitlines()]
        assert [line["n"] for line in lines] == [0, 1, 3, 4, 5]
        if with_ids:
            assert (out / name).read_text().splitlines()[0] == path.read_text().splitlines()[0]
    if name == "c.parquet":
        assert pq.read_table(out / name)["n"].to_pylist() == [0, 1, 3, 4, 5]
    removed = rows(out / "removed.csv")
    assert [(row["id"], row["kind"], row["kept"]) for row in removed] == [
        (ids[2], "same text", ids[0]), (ids[5], "repeat", ids[3]),
    ]  # fmt: skip
    assert removed[1]["start"] == "5"
    assert removed[1]["kept start"] == "6"


def test_whole_files_and_paragraphs(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text(TEXTS[0])
    (folder / "deep" / "b.txt").write_text(TEXTS[0])
    (folder / "deep" / "c.txt").write_text(TEXTS[3])
    corpus = read_corpus(folder)
    out = write_deduplicated(deduplicate(corpus), tmp_path / "out")
    assert sorted(str(each.relative_to(out)) for each in out.rglob("*.txt")) == ["a.txt", "deep/c.txt"]
    assert not (out / "ids.csv").exists()
    (tmp_path / "p.txt").write_text("\n\n\n".join([*TEXTS, "a line\n0123456789abc\nthe end"]))
    again = write_deduplicated(deduplicate(read_corpus(tmp_path / "p.txt"), repeats=12), tmp_path / "again")
    assert [each.text for each in read_corpus(again / "p.txt")] == [*KEPT, "a line\nthe end"]
    assert rows(again / "ids.csv")[2] == {"id": "p.txt#3", "id before": "p.txt#4"}
    (tmp_path / "l.txt").write_text("\n".join(TEXTS))
    lines = write_deduplicated(deduplicate(read_corpus(tmp_path / "l.txt")), tmp_path / "lines")
    assert (lines / "l.txt").read_text().splitlines() == [*TEXTS[:2], *TEXTS[3:]]


def test_a_corpus_in_memory_becomes_json_lines(tmp_path: Path) -> None:
    out = write_deduplicated(deduplicate(Texts.of(TEXTS, ids=list("abcdef"))), tmp_path / "out")
    assert [each.id for each in read_corpus(out / "corpus.jsonl")] == list("abdef")


def test_files_outside_do_not_lead_out_of_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "c.jsonl").write_text(json_lines([name]))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    found = deduplicate(read_corpus(["../one/c.jsonl", tmp_path / "two" / "c.jsonl"]))
    out = write_deduplicated(found, "out")
    assert len(list(out.rglob("c.jsonl"))) == 2
    assert (tmp_path / "one" / "c.jsonl").read_text() == json_lines(["one"])


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    found = deduplicate(Texts.of(TEXTS))
    write_deduplicated(found, tmp_path / "out")
    with pytest.raises(WrongRecord, match="is there already"):
        write_deduplicated(found, tmp_path / "out")


@pytest.mark.parametrize("with_ids", [True, False])
def test_a_saved_data_set_is_one_for_datasets(tmp_path: Path, with_ids: bool) -> None:
    datasets = pytest.importorskip("datasets")
    columns = {"text": TEXTS, **({"id": list("abcdef")} if with_ids else {})}
    datasets.Dataset.from_dict(columns).save_to_disk(tmp_path / "saved")
    out = written(tmp_path, "saved")
    loaded = datasets.load_from_disk(out / "saved")
    assert loaded["text"][:] == KEPT
    assert loaded["id"][:] == ([*"abdef"] if with_ids else ["saved:1", "saved:2", "saved:4", "saved:5", "saved:6"])
