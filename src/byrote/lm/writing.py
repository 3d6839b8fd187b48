"""Write a corpus without its copies: the same files and formats as those that were read, and a table of what was taken out."""

import csv
import gzip
import json
import re
import shutil
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
from numpy import ndarray

from byrote.errors import WrongRecord
from byrote.lm.deduplication import Deduplicated
from byrote.lm.reading import FileCorpus
from byrote.lm.table_files import ArrowRows, ParquetRows
from byrote.lm.text_files import Blocks, JsonLines, WholeFiles

REMOVED = "removed.csv"
IDS = "ids.csv"


def refuse_existing(directory: str | PathLike[str]) -> Path:
    """Return the path of a directory that is new or empty; raise WrongRecord for one that is not."""
    target = Path(directory)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise WrongRecord(f"{target} is there already. Give a directory that is new, or empty.")
    return target


def write_deduplicated(found: Deduplicated, directory: str | PathLike[str]) -> Path:
    """Write the documents that are kept, in the files and the format that they were read from, and return the directory.

    Ids stay: JSON lines and tables without ids get a column of those that they were read under, and whole files keep their
    names. Paragraphs and lines of a text cannot hold ids, and are counted anew: `ids.csv` says which id each had. `removed.csv`
    has a row for everything that was taken out, with where its copy is kept. A corpus in memory becomes `corpus.jsonl`. What is
    there is whole: it is written beside the directory and renamed. Raises WrongRecord for a directory that is not empty.
    """
    target = refuse_existing(directory)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name}.writing")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        _write(found, aside)
        _table(aside / REMOVED, found.rows(), ["id", "kind", "kept", "similarity", "start", "end", "kept start"])
        if target.exists():
            target.rmdir()
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def _write(found: Deduplicated, folder: Path) -> None:
    corpus = found.corpus
    if not isinstance(corpus, FileCorpus):
        with (folder / "corpus.jsonl").open("w") as file:
            for document in found:
                file.write(json.dumps({"id": document.id, "text": document.text}, ensure_ascii=False) + "\n")
        return
    changed: list[dict[str, Any]] = []
    for number, part in enumerate(corpus.parts):
        at = np.flatnonzero((corpus.part == number) & found.keep)
        path = _inside(folder, part.label)
        if isinstance(part, WholeFiles):
            for document in at.tolist():
                name = part.names[corpus.number[document] - 1]
                with _packed(_inside(folder, f"{part.label}{name}")) as file:
                    file.write(found.text(document, corpus[document].text).encode())
        elif isinstance(part, Blocks):
            changed += _write_blocks(found, at, part, path)
        elif isinstance(part, JsonLines):
            with _packed(path) as file:
                for document in at.tolist():
                    file.write(_json_line(found, part, document))
        elif isinstance(part, ParquetRows):
            _write_parquet(found, at, part, path)
        elif isinstance(part, ArrowRows):
            _write_arrow(found, at, part, path)
    if changed:
        _table(folder / IDS, changed, ["id", "id before"])


def _inside(folder: Path, label: str) -> Path:
    """Return the path of a label within a folder, wherever it pointed to, and make the folders on the way."""
    path = folder.joinpath(*(name for name in Path(label).parts if name not in ("/", "..", ".")))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _packed(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return gzip.GzipFile(path, "wb", mtime=0)  # pyright: ignore[reportReturnType]
    return path.open("wb")


def _table(path: Path, rows: list[dict[str, Any]], names: list[str]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def _write_blocks(found: Deduplicated, at: ndarray, part: Blocks, path: Path) -> Iterator[dict[str, Any]]:
    """Write lines or paragraphs, and return under which ids they are read again, and were before."""
    sign, between = (":", b"\n") if part.unit == "lines" else ("#", b"\n\n")
    rows: list[dict[str, Any]] = []
    with _packed(path) as file:
        for number, document in enumerate(at.tolist(), 1):
            read = found.corpus[document]
            # A cut must not leave a blank line: it would end the paragraph.
            text = re.sub(r"\n\s*\n", "\n", found.text(document, read.text)).strip("\n")
            file.write((between if number > 1 else b"") + text.encode())
            rows.append({"id": f"{part.label}{sign}{number}", "id before": read.id})
        file.write(b"\n")
    return iter(rows)


def _json_line(found: Deduplicated, part: JsonLines, document: int) -> bytes:
    corpus = found.corpus
    assert isinstance(corpus, FileCorpus)
    start, size, number = (int(each[document]) for each in (corpus.start, corpus.sizes, corpus.number))
    line = part.handle.read(start, size)
    row = part.parsed(line, number, start)
    if row.get(part.identifier) is not None and document not in found.cuts:
        return line.rstrip(b"\r\n") + b"\n"
    row[part.identifier] = row.get(part.identifier) or part.name(row, number)
    row[part.text] = found.text(document, row[part.text])
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _kept_rows(
    found: Deduplicated, table: pa.Table, at: ndarray, rows: ndarray, part: ParquetRows | ArrowRows
) -> pa.Table:
    """Return these rows of a table, without what was cut out, and with their ids."""
    kept = table.take(pa.array(rows))
    if cut := [i for i, document in enumerate(at.tolist()) if document in found.cuts]:
        texts = kept[part.text].to_pylist()
        for i in cut:
            texts[i] = found.text(int(at[i]), texts[i])
        column = kept.column_names.index(part.text)
        kept = kept.set_column(column, kept.field(column), pa.array(texts, kept.field(column).type))
    if part.identifier not in kept.column_names:
        names = pa.array([found.corpus[document].id for document in at.tolist()], pa.string())
        kept = kept.append_column(part.identifier, names)
    return kept


def _write_parquet(found: Deduplicated, at: ndarray, part: ParquetRows, path: Path) -> None:
    corpus = found.corpus
    assert isinstance(corpus, FileCorpus)
    file, writer, first = pq.ParquetFile(part.path), None, 0
    for group in range(file.num_row_groups):
        table = file.read_row_group(group)
        mine = at[(corpus.start[at] >= first) & (corpus.start[at] < first + table.num_rows)]
        kept = _kept_rows(found, table, mine, corpus.start[mine] - first, part)
        writer = writer or pq.ParquetWriter(path, kept.schema)
        writer.write_table(kept)
        first += table.num_rows
    if writer is not None:
        writer.close()


def _write_arrow(found: Deduplicated, at: ndarray, part: ArrowRows, path: Path) -> None:
    """Write a data set that `datasets.load_from_disk` reads; a new column of ids is entered into its features too."""
    corpus = found.corpus
    assert isinstance(corpus, FileCorpus)
    path.mkdir(parents=True, exist_ok=True)
    kept = _kept_rows(found, part.table(), at, corpus.start[at], part)
    feature = {part.identifier: {"dtype": "string", "_type": "Value"}}
    metadata = dict(kept.schema.metadata or {})
    if b"huggingface" in metadata:
        known = json.loads(metadata[b"huggingface"])
        known["info"]["features"] = {**feature, **known["info"]["features"]}
        known["info"]["features"] = {name: known["info"]["features"][name] for name in kept.column_names}
        metadata[b"huggingface"] = json.dumps(known).encode()
        kept = kept.replace_schema_metadata(metadata)
    name = "data-00000-of-00001.arrow"
    with pa.OSFile(str(path / name), "wb") as sink, pyarrow.ipc.new_stream(sink, kept.schema) as writer:
        writer.write_table(kept)
    state = json.loads((part.path / "state.json").read_text())
    state |= {"_data_files": [{"filename": name}], "_fingerprint": found.fingerprint()}
    (path / "state.json").write_text(json.dumps(state, indent=2))
    if (part.path / "dataset_info.json").is_file():
        info = json.loads((part.path / "dataset_info.json").read_text())
        if info.get("features"):
            info["features"] = {each: {**feature, **info["features"]}[each] for each in kept.column_names}
        (path / "dataset_info.json").write_text(json.dumps(info, indent=2))
