"""The verbs on the text of language models: lm index, lm trace, lm dedup."""

import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from byrote.cli.options import seed_option
from byrote.cli.output import data_options, message, print_data, print_rows, stage_bar
from byrote.errors import InvalidData

if TYPE_CHECKING:
    from byrote.lm.index import Index
    from byrote.lm.reading import FileCorpus

Verb = Callable[..., None]


def reading_options(verb: Verb) -> Verb:
    """Add --text, --id and --split: how files are read as a corpus."""
    column = click.option("--text", default="text", show_default=True, help="Field or column that holds the text.")
    identifier = click.option("--id", "identifier", default="id", show_default=True, help="Field or column of ids, if there is one.")  # fmt: skip
    split = click.option(
        "--split",
        type=click.Choice(["auto", "documents", "paragraphs", "lines"]),
        default="auto",
        show_default=True,
        help="What a document is in a .txt. auto: the file, if there are several; of one alone, paragraphs, else lines.",
    )
    return column(identifier(split(verb)))


def read(files: Sequence[str], text: str, identifier: str, split: str) -> "FileCorpus":
    """Read a corpus and say on stderr what it is."""
    from byrote.lm.reading import read_corpus

    corpus = read_corpus(files, text=text, identifier=identifier, split=split)
    message(corpus.description)
    return corpus


@click.command(short_help="Index a corpus, to search it exactly.")
@click.argument("files", nargs=-1, required=True)
@click.option("--out", required=True, metavar="DIRECTORY", help="Directory of the index.")
@click.option(
    "--repeats", type=click.IntRange(8), metavar="BYTES", help="Measure how much stands in repeats of this many bytes, too."
)  # fmt: skip
@reading_options
@data_options
def index(
    files: Sequence[str], out: str, repeats: int | None, text: str, identifier: str, split: str, form: str | None
) -> None:
    """Index the corpus in FILES in a directory, so that every place where a text occurs is found at once.

    An index that is there for the same corpus is kept. It takes 5 bytes on disk per byte of text; memory is bounded.
    """
    from byrote.lm.index import build_index
    from byrote.lm.repeats import share_in_repeats

    corpus = read(files, text, identifier, split)
    start = time.perf_counter()
    with stage_bar() as progress:
        found = build_index(corpus, out, progress=progress)
        row: dict[str, Any] = {
            "documents": len(found),
            "bytes": found.text_bytes,
            "bytes on disk": found.disk_bytes(),
            "shards": len(found.shards),
        }
        if repeats is not None:
            progress("looking for repeats", 0, 0)
            cells = share_in_repeats(found.shards, repeats).cells(f"share in repeats of {repeats} bytes")
            row |= {name: number for name, number in cells.items() if number is not None}
    row["seconds"] = round(time.perf_counter() - start, 2)
    if form:
        print_data([row], form)
    else:
        print_rows([row], [name for name in row if name.startswith("share") and not name.endswith((" low", " high"))])
    message(f"index: {out}. Trace a text with `byrote lm trace OUTPUT --corpus {out}`.")


@click.command(short_help="Mark what of a text stands in a corpus word for word.")
@click.argument("output", metavar="OUTPUT")
@click.option(
    "--corpus", "corpora", multiple=True, required=True, metavar="FILES|INDEX", help="Index, or files. Repeatable."
)
@click.option("--at-least", type=click.IntRange(1), default=50, show_default=True, help="Characters of a stretch.")
@click.option(
    "--control",
    "controls",
    multiple=True,
    metavar="FILES",
    help="Text of the same kind that is not in the corpus: how long is a match by chance? Repeatable.",
)
@reading_options
@seed_option
@data_options
def trace(
    output: str, corpora: Sequence[str], at_least: int, controls: Sequence[str], text: str, identifier: str, split: str,
    seed: int, form: str | None,
) -> None:  # fmt: skip
    """Mark which stretches of the text in the file OUTPUT (or `-`, standard input) stand in a corpus word for word.

    Says where each stands, how often, and, with --control, whether stretches this long are usual in text that is not in the
    corpus. Stretches are printed longest first and do not overlap.
    """
    from byrote.lm.text_files import decoded
    from byrote.lm.trace import trace as find

    data = sys.stdin.buffer.read() if output == "-" else Path(output).read_bytes()
    given = decoded(data, Path("standard input" if output == "-" else output))
    if not given.strip():
        raise InvalidData(f"{output} holds no text. Give the text that a model wrote.")
    control = read(controls, text, identifier, split) if controls else None
    with _opened(corpora, text, identifier, split) as found:
        result = find(given, found, at_least=at_least, control=control, seed=seed)
        rows = result.rows()
    if form:
        print_data(rows, form)
        return
    if rows:
        print_rows([{**row, "text": _shown(row["text"])} for row in rows], [])
    click.echo("\n".join(result.sentences()))


@contextmanager
def _opened(corpora: Sequence[str], text: str, identifier: str, split: str) -> "Generator[Index]":
    """Open an index; of files, make one that is there for as long as it is used."""
    from byrote.lm.index import build_index, open_index

    if len(corpora) == 1 and (Path(corpora[0]) / "index.json").is_file():
        yield open_index(corpora[0])
        return
    corpus = read(corpora, text, identifier, split)
    with tempfile.TemporaryDirectory(prefix="byrote-") as folder:
        with stage_bar() as progress:
            found = build_index(corpus, Path(folder) / "index", progress=progress)
        message("The index is not kept. Make one that is with `byrote lm index`, and give it as --corpus.")
        yield found


def _shown(text: str) -> str:
    """Return a text in one line, without its middle where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= 100 else f"{line[:60]} ... {line[-35:]}"


@click.command(short_help="Keep one copy of each document of a corpus.")
@click.argument("files", nargs=-1, required=True)
@click.option("--out", required=True, metavar="DIRECTORY", help="Directory of the files without copies; new, or empty.")
@click.option(
    "--near", type=click.FloatRange(0, 1, min_open=True), metavar="SHARE", help="Take out near-duplicates too: documents that share this part of their shingles, such as .8."
)  # fmt: skip
@click.option(
    "--words", type=click.IntRange(1), default=5, show_default=True, help="Words of a shingle; a near-duplicate shares runs of so many."
)  # fmt: skip
@click.option("--characters", type=click.IntRange(1), help="Characters of a shingle, instead of words.")
@click.option(
    "--repeats", type=click.IntRange(8), metavar="BYTES", help="Cut stretches of at least this many bytes that stand earlier, too."
)  # fmt: skip
@reading_options
@seed_option
@data_options
def dedup(
    files: Sequence[str], out: str, near: float | None, words: int, characters: int | None, repeats: int | None, text: str,
    identifier: str, split: str, seed: int, form: str | None,
) -> None:  # fmt: skip
    """Write the corpus in FILES to a directory with one copy of each document, the first, in the same formats and with its ids.

    Documents with the same text are always taken out. removed.csv says what was taken out, and where its copy is kept;
    --csv and --json print the same. What the search for near-duplicates missed is measured.
    """
    from byrote.lm.deduplicate import deduplicate
    from byrote.lm.near_duplicates import Shingles
    from byrote.lm.writing import refuse_existing, write_deduplicated

    refuse_existing(out)
    corpus = read(files, text, identifier, split)
    shingles = Shingles("characters", characters) if characters else Shingles("words", words)
    with stage_bar() as progress:
        found = deduplicate(corpus, near=near, repeats=repeats, shingles=shingles, seed=seed, progress=progress)
        progress("writing", 0, 0)
        target = write_deduplicated(found, out)
    if form:
        print_data(found.rows(), form)
        return
    click.echo("\n".join(found.sentences()))
    click.echo(f"\nwritten: {target}")
