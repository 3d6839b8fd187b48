"""What goes wrong at the border, each as one or two sentences: what was asked, what was found, what to do."""

import difflib
from collections.abc import Iterable


class ByroteError(Exception):
    """Anything the user can act on. The command line prints its text and exits with status 1."""


class InvalidData(ByroteError):
    """Examples, labels, ids or settings that cannot be used."""


class MissingEvidence(ByroteError):
    """A score asked for columns or runs that the record does not hold."""


class WrongRecord(ByroteError):
    """A directory that holds another task's runs, another schema, or no record at all."""


class Unsupported(ByroteError):
    """A number that the sample cannot support, refused rather than printed."""


class OutOfMemory(ByroteError):
    """Training does not fit into memory. Fewer models at once are tried first."""


class WorkerDied(ByroteError):
    """A worker process is gone without a word, as when the system needs its memory."""


def unknown(kind: str, asked: str, known: Iterable[str]) -> ByroteError:
    """Return the error for a name that does not exist, with the nearest one that does."""
    names = sorted(known)
    near = difflib.get_close_matches(asked, names, n=1, cutoff=0.4)
    hint = f"Did you mean {near[0]!r}?" if near else "Nothing is spelled like it."
    return ByroteError(f"There is no {kind} named {asked!r}. {hint} Known: {', '.join(names)}.")
