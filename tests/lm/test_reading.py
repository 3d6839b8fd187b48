"""A corpus in files: every format gives the same documents, in stable places; what cannot be read is one sentence."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from byrote.errors import InvalidData, Unsupported
from byrote.lm.reading import FileCorpus, read_corpus

TEXTS = ["Erster Text: Grüße.", "second\ntext, in two lines", "日本語のテキスト", "the last"]


def json_lines(texts: list[str], **more: list[Any]) -> str:
    rows = [{"text": text, **{key: values[i] for key, values in more.items()}} for i, text in enumerate(texts)]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def save_to_disk(folder: Path, table: pa.Table, **state: Any) -> Path:
    """Write what `datasets.Dataset.save_to_disk` writes."""
    folder.mkdir(parents=True)
    half = table.num_rows // 2
    names = ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow"]
    for name, part in zip(names, (table.slice(0, half), table.slice(half)), strict=True):
        with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(part)
    about = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "0", "_split": None, **state}
    (folder / "state.json").write_text(json.dumps(about))
    (folder / "dataset_info.json").write_text("{}")
    return folder


def ids(corpus: FileCorpus) -> list[str]:
    return [document.id for document in corpus]


def texts(corpus: FileCorpus) -> list[str]:
    return [document.text for document in corpus]


def test_every_format_gives_the_same_texts(tmp_path: Path) -> None:
    table = pa.table({"text": TEXTS, "id": list("abcd")})
    (tmp_path / "c.jsonl").write_text(json_lines(TEXTS, id=list("abcd")))
    with gzip.open(tmp_path / "c.jsonl.gz", "wt") as file:
        file.write(json_lines(TEXTS, id=list("abcd")))
    pq.write_table(table, tmp_path / "c.parquet", row_group_size=3)
    save_to_disk(tmp_path / "saved", table)
    (tmp_path / "c.txt").write_text("\n\n".join(TEXTS))
    for name in ("c.jsonl", "c.jsonl.gz", "c.parquet", "saved", "c.txt"):
        corpus = read_corpus(tmp_path / name)
        assert texts(corpus) == TEXTS, name
        assert [corpus[at].text for at in (3, 0, 2)] == [TEXTS[at] for at in (3, 0, 2)], name
        assert ids(corpus) == (list("abcd") if name != "c.txt" else [f"c.txt#{i}" for i in range(1, 5)])
        sizes = [len(text.encode()) for text in TEXTS]
        assert (corpus.sizes >= sizes).all(), "no text has more bytes than it says"
        if "json" not in name:
            assert corpus.sizes.tolist() == sizes


def test_the_start_is_the_byte_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_bytes("\ufeffGrüße\r\n\r\n zwei\r\nZeilen\r\n\r\n\r\ndrei".encode())
    corpus = read_corpus(tmp_path / "c.txt")
    data = (tmp_path / "c.txt").read_bytes()
    assert texts(corpus) == ["Grüße", " zwei\r\nZeilen", "drei"]
    for document in corpus:
        assert data[document.start :].startswith(document.text.encode())
        assert document.source == str(tmp_path / "c.txt")


def test_how_plain_texts_are_cut(tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("one\ntwo\nthree\n")
    corpus = read_corpus(lines)
    assert (texts(corpus), ids(corpus)) == (["one", "two", "three"], ["lines.txt:1", "lines.txt:2", "lines.txt:3"])
    assert corpus.description == "3 documents in 1 file: 3 lines."
    lines.write_text("one\n\n  \ntwo\nthree\n")
    assert texts(read_corpus(lines)) == ["one", "two\nthree"]
    corpus = read_corpus(lines, split="lines")
    assert ids(corpus) == ["lines.txt:1", "lines.txt:4", "lines.txt:5"], "blank lines count"
    assert "2 without text are left out" in corpus.description
    assert texts(read_corpus(lines, split="documents")) == ["one\n\n  \ntwo\nthree\n"]


def test_a_directory_of_texts_and_other_files(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.txt").write_text("b one\n\nb two")
    (folder / "a.txt").write_text("a")
    (folder / "empty.txt").write_text("")
    (folder / ".hidden.txt").write_text("hidden")
    (folder / "picture.png").write_bytes(b"\xff\xfe")
    (folder / "deep" / "c.txt").write_text("c")
    (folder / "d.jsonl").write_text(json_lines(["d"]))
    save_to_disk(folder / "saved", pa.table({"text": ["e", "f"]}))
    corpus = read_corpus(folder)
    assert dict(zip(ids(corpus), texts(corpus), strict=True)) == {
        "a.txt": "a", "b.txt": "b one\n\nb two", "deep/c.txt": "c", "d.jsonl:1": "d", "saved:1": "e", "saved:2": "f",
    }  # fmt: skip
    assert corpus.name == "corpus"
    both = read_corpus([folder, tmp_path / "corpus" / "deep" / "c.txt"])
    assert "corpus/deep/c.txt" in ids(both)
    assert "c.txt" in ids(both)


def test_files_of_one_name_are_called_by_their_path(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "c.jsonl").write_text(json_lines([name]))
    corpus = read_corpus([tmp_path / "one" / "c.jsonl", tmp_path / "two" / "c.jsonl"])
    assert ids(corpus) == [f"{tmp_path}/one/c.jsonl:1", f"{tmp_path}/two/c.jsonl:1"]


def test_other_names_of_columns(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"content": "x", "url": 7}\n\n{"content": "y", "url": null}\n')
    corpus = read_corpus(tmp_path / "c.jsonl", text="content", identifier="url")
    assert ids(corpus) == ["7", "c.jsonl:3"]


def test_the_stamp_changes_with_the_files(tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    path.write_text("one\ntwo")
    before = read_corpus(path).stamp
    assert read_corpus(path).stamp == before
    assert read_corpus(path, split="documents").stamp != before
    path.write_text("one\ntwo\nthree")
    assert read_corpus(path).stamp != before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("c.txt", b"fine\nGr\xfc\xdfe", "c.txt is not UTF-8: byte 7 is 0xfc"),
        ("c.jsonl", b'{"text": "fine"}\n{"text": "\xfc"}', "c.jsonl is not UTF-8: byte 27 is 0xfc"),
        ("c.txt", b"", "c.txt is empty"),
        ("c.jsonl", b"", "c.jsonl is empty"),
        ("c.txt", b" \n\n", "There is no document in"),
        ("c.jsonl", b'{"body": "x", "title": "y"}', "no field 'text'; it has 'body', 'title'"),
        ("c.jsonl", b'{"text": 3}', "the field 'text' is a int"),
        ("c.jsonl", b'{"text": "x"}\n["y"]', "line 2 is a list and no object"),
        ("c.json", b'[\n{"text": "x"}]', "line 1 is no JSON"),
        ("c.jsonl", b'{"text": "\\ud800"}', "half of a character"),
        ("c.jsonl", b'{"text": "x", "id": 1}\n{"text": "y", "id": "1"}', "Two documents have the id '1'"),
        ("c.parquet", b"no table", "is no Parquet file"),
        ("c.txt.gz", b"not packed", "cannot be unpacked"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidData, match=said.replace("[", r"\[")):
        read_corpus(tmp_path / name)


def test_other_refusals(tmp_path: Path) -> None:
    pq.write_table(pa.table({"body": ["x"], "text": [1]}), tmp_path / "c.parquet")
    with pytest.raises(InvalidData, match=r"no column 'content'; it has 'body', 'text'"):
        read_corpus(tmp_path / "c.parquet", text="content")
    with pytest.raises(InvalidData, match="holds int64"):
        read_corpus(tmp_path / "c.parquet")
    with pytest.raises(InvalidData, match="is not there"):
        read_corpus(tmp_path / "nothing.txt")
    with pytest.raises(InvalidData, match="No file was given"):
        read_corpus([])
    (tmp_path / "none").mkdir()
    with pytest.raises(InvalidData, match="no file that could be read"):
        read_corpus(tmp_path / "none")
    (tmp_path / "c.txt").write_text("x")
    with pytest.raises(InvalidData, match="given twice"):
        read_corpus([tmp_path / "c.txt", tmp_path / "c.txt"])
    with pytest.raises(InvalidData, match="no split 'words'"):
        read_corpus(tmp_path / "c.txt", split="words")
    save_to_disk(tmp_path / "saved", pa.table({"text": ["x"]}), _indices_data_files=[{"filename": "i.arrow"}])
    with pytest.raises(Unsupported, match="flatten_indices"):
        read_corpus(tmp_path / "saved")
    (tmp_path / "saved" / "state.json").write_text("{}")
    with pytest.raises(InvalidData, match=r"state.json is not that of a data set"):
        read_corpus(tmp_path / "saved")


def test_rows_without_text_are_left_out(tmp_path: Path) -> None:
    table = pa.table({"text": ["x", None, "", "y"], "id": [1, 2, 3, 4]})
    pq.write_table(table, tmp_path / "c.parquet", row_group_size=2)
    (tmp_path / "c.jsonl").write_text(json_lines(["x", "", "y"]))
    corpus = read_corpus(tmp_path / "c.parquet")
    assert (texts(corpus), ids(corpus)) == (["x", "y"], ["1", "4"])
    assert "2 without text" in corpus.description
    assert ids(read_corpus(tmp_path / "c.jsonl")) == ["c.jsonl:1", "c.jsonl:3"]


def test_a_data_set_saved_by_datasets(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    made = datasets.Dataset.from_dict({"text": TEXTS, "id": list("abcd")})
    made.save_to_disk(tmp_path / "saved", num_shards=2)
    assert texts(read_corpus(tmp_path / "saved")) == TEXTS
    datasets.DatasetDict({"train": made, "test": made.select([1])}).save_to_disk(tmp_path / "both")
    with pytest.raises(InvalidData, match="Two documents have the id 'b'"):
        read_corpus(tmp_path / "both")
    assert texts(read_corpus(tmp_path / "both" / "test")) == TEXTS[1:2]
    made.select(np.array([2, 0])).save_to_disk(tmp_path / "chosen")
    assert ids(read_corpus(tmp_path / "chosen")) == ["c", "a"]
