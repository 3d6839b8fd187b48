"""The group of verbs for explicit memories: `byrote recall`."""

from typing import TYPE_CHECKING, Any

import click

from byrote.cli.output import data_options, message, print_data, print_rows
from byrote.cli.recall_compare_verb import compare
from byrote.errors import InvalidData

if TYPE_CHECKING:
    from byrote.recall import Memory

ROWS = 20


@click.group(short_help="Explicit memories beside a network.")
def recall() -> None:
    """Explicit memories: keys with values beside a network, as byrote.recall.Memory saves them.

    \b
    byrote recall compare                     compare a wanted list in the weights and in memories
    byrote recall list DIR                    what a memory holds
    byrote recall look-up DIR QUERIES.npy     which stored key answers each query, and how near it is
    byrote recall delete DIR ID ... --prove   forget entries, and show that they are gone

    Nothing that DIR holds is executed.
    """


recall.add_command(compare)


@recall.command("list", short_help="Print what a memory holds.")
@click.argument("directory", metavar="DIR")
@click.option(
    "--top", type=click.IntRange(1), help=f"Number of rows. [default: {ROWS} in a table, all in CSV and JSON]"
)
@data_options
def list_(directory: str, top: int | None, form: str | None) -> None:
    """Print the ids and values of the memory that is saved in DIR, in the order in which they were added."""
    memory = _opened(directory)
    count = top or (len(memory) if form else ROWS)
    rows = [
        {"id": id_, "value": value}
        for id_, value in zip(memory.ids[:count], memory.values[:count].tolist(), strict=True)
    ]
    _print(rows, form)
    if not form:
        message(f"{len(memory):,} entries of {memory.width} numbers a key ({memory.metric}, {memory.index.name}); {memory.bytes / 1e6:.1f} MB in RAM.")  # fmt: skip
        message(_threshold(memory))
        message(f"fingerprint {memory.fingerprint:064x}")


@recall.command("look-up", short_help="Look queries up in a memory.")
@click.argument("directory", metavar="DIR")
@click.argument("queries", metavar="QUERIES.npy", type=click.Path(exists=True, dir_okay=False))
@click.option("-k", type=click.IntRange(1), default=1, show_default=True, help="Stored keys for each query.")
@data_options
def look_up(directory: str, queries: str, k: int, form: str | None) -> None:
    """Print which stored keys of the memory in DIR are nearest to each row of QUERIES.npy, an array [query, width].

    A query that is not known has no answer, although its nearest keys are printed: where the memory has a threshold, they
    are too far away.
    """
    memory, found = _opened(directory), _array(queries)
    answers = memory.look_up(found, k=k)
    rows = [
        {"query": at, "rank": rank, "known": "yes" if answers.known[at] else "no", "id": answers.ids[at, rank], "value": answers.values[at, rank], "distance": float(answers.distances[at, rank])}
        for at in range(len(answers))
        for rank in range(k)
        if answers.distances[at, rank] < float("inf")
    ]  # fmt: skip
    _print(rows, form)
    if not form:
        message(f"{int(answers.known.sum())} of {len(answers)} queries are known. {_threshold(memory)}")


@recall.command(short_help="Forget entries of a memory.")
@click.argument("directory", metavar="DIR")
@click.argument("ids", metavar="ID ...", nargs=-1, required=True)
@click.option("--prove", is_flag=True, help="Show that what is left is what never held them. Reads all entries.")
def delete(directory: str, ids: tuple[str, ...], prove: bool) -> None:
    """Forget entries of the memory in DIR, by their ids. Files that held them are written again without them.

    Backups, and blocks of the disk that are free now, may still hold their bytes.
    """
    memory = _opened(directory)
    proof = memory.delete_and_prove(ids) if prove else memory.delete(ids)
    memory.save(directory)
    message(f"{len(ids)} entries are deleted; {len(memory):,} are left.")
    if proof is None:
        return
    left = "none" if not proof.copies_left else f"{proof.copies_left}, as keys of other entries or of impostors"
    message(
        f"What is left has the fingerprint of a memory that never held them: {'yes' if proof.never_held else 'no'}."
    )
    message(f"Copies of the deleted keys that are left: {left}.")
    click.echo(f"{proof.fingerprint:064x}")
    if not proof.never_held:
        raise InvalidData("The fingerprints differ. Another program changed the memory meanwhile.")


def _opened(directory: str) -> "Memory":
    from byrote.recall import open_memory

    return open_memory(directory)


def _array(path: str) -> Any:
    import numpy as np

    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError):
        raise InvalidData(
            f"{path} is no file of numpy.save, or holds more than numbers. Write one with numpy.save(path, queries), an array [query, width]."
        ) from None


def _threshold(memory: "Memory") -> str:
    threshold = memory.threshold
    if threshold is None:
        return "No threshold: everything is known."
    return f"Known is what is nearer than {threshold.distance:.4g}; {threshold.false_accept} of queries of which nothing is stored are known all the same."


def _print(rows: list[dict[str, Any]], form: str | None) -> None:
    if form:
        print_data(rows, form)
    elif rows:
        print_rows(rows, ["distance"])
