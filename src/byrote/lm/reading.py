"""Read a corpus from files: plain texts, JSON lines, Parquet tables and data sets saved to disk, also packed with gzip."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.lm.corpus import Document
from byrote.lm.table_files import TABLES, ArrowRows, ParquetRows
from byrote.lm.text_files import JSON, TEXT, Blocks, JsonLines, Part, Scan, WholeFiles, has_paragraphs, without_gz

SPLITS = ("auto", "documents", "paragraphs", "lines")


@dataclass(frozen=True, eq=False)
class FileCorpus:
    """A corpus in files. In memory is where each document stands, 28 bytes for each; texts are read when they are asked for.

    `sizes` are the bytes of each text; of JSON lines those of the line, which are more. `description` says in a sentence how
    the files were cut into documents, and `stamp` is a text that changes when a file does: it is made of names, sizes and times
    of change. Documents in a row are read in one go; a step back in a file that is packed with gzip reads it from its
    beginning.
    """

    parts: tuple[Part, ...]
    part: Int[ndarray, " document"]
    start: Int[ndarray, " document"]
    sizes: Int[ndarray, " document"]
    number: Int[ndarray, " document"]
    name: str
    description: str
    stamp: str = field(repr=False)

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, at: int) -> Document:
        part, start = self.parts[self.part[at]], int(self.start[at])
        identifier, text = part.read(start, int(self.sizes[at]), int(self.number[at]))
        return Document(identifier, text, part.source(int(self.number[at])), start if part.in_bytes else 0)

    def __iter__(self) -> Iterator[Document]:
        return (self[at] for at in range(len(self)))

    def place(self, at: int) -> tuple[Part, int]:
        """Return the part of the corpus that a document is in, and its number there, from 1."""
        return self.parts[self.part[at]], int(self.number[at])


def read_corpus(
    paths: str | PathLike[str] | Sequence[str | PathLike[str]],
    *,
    text: str = "text",
    identifier: str = "id",
    split: str = "auto",
    name: str = "",
) -> FileCorpus:
    """Return the corpus in these files and directories, in the order given; a directory's files are sorted by name.

    | file | documents | id |
    |---|---|---|
    | `.txt` in a directory, or one of several | each file | its name |
    | one `.txt` | its paragraphs, where it has blank lines; else its lines | `file#paragraph`, `file:line` |
    | `.jsonl`, `.ndjson`, `.json` | each line: the field `text` | the field `identifier`, else `file:line` |
    | `.parquet` | each row: the column `text` | the column `identifier`, else `file:row` |
    | a folder of `datasets.save_to_disk` | the same | the same |

    All but tables may be packed: `.txt.gz`. `split` cuts plain texts otherwise: into `documents`, `paragraphs` or `lines`.
    Numbers in ids count from 1, blank lines too, so they stay when a text is left out because it is empty. Every file is read
    once, so that what is wrong is found now and not in the middle of a measurement.

    Raises InvalidData for a file that is not there, is empty, is no UTF-8 (with the first byte that is not), has no such
    column (with those that it has), or has ids that are not unique; and where no document is found.
    """
    if split not in SPLITS:
        raise InvalidData(f"There is no split {split!r}. Known: {', '.join(SPLITS)}.")
    given = [Path(each) for each in ([paths] if isinstance(paths, str | PathLike) else paths)]
    if not given:
        raise InvalidData("No file was given. Give the files or directories of the corpus.")
    parts = _parts(given, text, identifier, split)
    scans: list[Scan] = []
    for part in parts:
        scan = part.scan()
        if not len(scan) and not scan.left_out and part.given:
            raise InvalidData(f"{part.path} is empty. Give a file with text.")
        scans.append(scan)
    if not sum(map(len, scans)):
        raise InvalidData(
            f"There is no document in {', '.join(map(str, given))}. Give files that end in {', '.join((*TEXT, *JSON, *TABLES))}, with text in them."
        )
    corpus = FileCorpus(
        tuple(parts),
        np.repeat(np.arange(len(parts), dtype=np.int32), [len(scan) for scan in scans]),
        np.concatenate([scan.start for scan in scans]),
        np.concatenate([scan.size for scan in scans]),
        np.concatenate([scan.number for scan in scans]),
        name or without_gz(given[0]).stem,
        _description(parts, scans),
        "\n".join([f"text={text} identifier={identifier}", *(part.stamp() for part in parts)]),
    )
    _check_ids(corpus, scans)
    return corpus


def _parts(given: list[Path], text: str, identifier: str, split: str) -> list[Part]:
    """Return what reads each file; files of texts that are documents each are one part per directory."""
    labels = _labels(given)
    alone = len(given) == 1
    parts: list[Part] = []
    for path, label in zip(given, labels, strict=True):
        if not path.exists():
            raise InvalidData(f"{path} is not there. Check the path.")
        found, wholes = _files(path), list[str]()
        if not found:
            raise InvalidData(
                f"{path} has no file that could be read. Give files that end in {', '.join((*TEXT, *JSON, *TABLES))}."
            )
        for file in found:
            inside = file.relative_to(path).as_posix() if path.is_dir() else ""
            name = label if inside in ("", ".") else (inside if alone else f"{label}/{inside}")
            if file.is_dir():
                parts.append(ArrowRows(file, name, text, identifier))
            elif (suffix := without_gz(file).suffix) in JSON:
                parts.append(JsonLines(file, name, text, identifier, given=not inside))
            elif suffix in TABLES:
                parts.append(ParquetRows(file, name, text, identifier))
            elif split == "documents" or (split == "auto" and (inside or not alone)):
                wholes.append(inside)
            else:
                as_lines = split == "lines" or (split == "auto" and not has_paragraphs(file))
                parts.append(Blocks(file, name, "lines" if as_lines else "paragraphs", given=not inside))
        if wholes:
            folder = f"{label}/" if path.is_dir() and not alone else "" if path.is_dir() else label
            parts.append(WholeFiles(path, folder, tuple(wholes)))
    return parts


def _files(path: Path) -> list[Path]:
    """Return the files to read at a path, sorted; a data set that was saved to disk counts as one file."""
    if path.is_file():
        return [path]
    if (path / "state.json").is_file():
        return [path]
    found: list[Path] = []
    for each in sorted(path.iterdir()):
        if each.name.startswith("."):
            continue
        if each.is_dir():
            found += [] if (each / "documents.arrow").is_file() else _files(each)  # an index of a corpus
        elif without_gz(each).suffix in (*TEXT, *JSON, *TABLES) and each.name != "dataset_dict.json":
            found.append(each)
    return found


def _labels(given: list[Path]) -> list[str]:
    """Return what each path is called in ids: its name, or where two have the same, the path as it was given."""
    names = [path.name or path.resolve().name for path in given]
    if len({path.resolve() for path in given}) < len(given):
        raise InvalidData("A file or directory was given twice. Give each once.")
    return names if len(set(names)) == len(names) else [path.as_posix() for path in given]


def _description(parts: list[Part], scans: list[Scan]) -> str:
    """Return in a sentence what the documents are, and how many were left out because they hold no text."""
    counts: dict[str, int] = {}
    for part, scan in zip(parts, scans, strict=True):
        counts[part.unit] = counts.get(part.unit, 0) + len(scan)
    files = sum(part.files for part in parts)
    found = ", ".join(f"{count:,} {unit}" for unit, count in counts.items())
    left_out = sum(scan.left_out for scan in scans)
    return (
        f"{sum(map(len, scans)):,} documents in {files:,} file{'s' if files > 1 else ''}: {found}"
        + (f"; {left_out:,} without text are left out" if left_out else "")
        + "."
    )


def _check_ids(corpus: FileCorpus, scans: list[Scan]) -> None:
    """Raise InvalidData where two documents have the same id. Only hashes of ids are in memory."""
    if all(scan.names is None for scan in scans):
        return
    # A document without an id field is called by file and number, which is unique; it takes part only where ids are fields.
    at, hashes, first = list[ndarray](), list[ndarray](), 0
    for scan in scans:
        if scan.names is not None:
            at.append(np.arange(first, first + len(scan)))
            hashes.append(scan.names)
        first += len(scan)
    places, names = np.concatenate(at), np.concatenate(hashes)
    order = np.argsort(names, kind="stable")
    for same in np.flatnonzero(names[order][1:] == names[order][:-1]):
        one, other = corpus[int(places[order[same]])], corpus[int(places[order[same + 1]])]
        if one.id == other.id:
            raise InvalidData(
                f"Two documents have the id {one.id!r}, in {one.source} and {other.source}. Give every document an id of its own, or name another column for ids."
            )
