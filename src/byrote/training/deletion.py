"""Deletion: what to say when the directory of a collection is deleted while runs are trained into it."""

import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from byrote.errors import ByroteError
from byrote.record.storage import Place, exists


def check_there(directory: Place) -> None:
    """Raise ByroteError when the directory of a collection was deleted while its runs were trained."""
    if not exists(directory / "record.json"):
        raise _deleted(directory)


@contextmanager
def naming_deletion(directory: Place) -> Generator[None]:
    """Raise ByroteError where what is done meanwhile fails because the directory is deleted, or half deleted.

    A deletion takes one file after the other, so record.json may still be there when another file is gone.
    """
    try:
        yield
    except (OSError, ByroteError) as error:
        check_there(directory)
        if _is_missing(error, directory):
            raise _deleted(directory) from error
        raise


def _is_missing(error: BaseException | None, directory: Place) -> bool:
    """Whether this error comes from a file of the directory that is gone: only a deletion takes files of a collection."""
    local = isinstance(directory, Path)
    spelled = (
        {str(directory), str(directory.absolute())} if local else {directory.path.rstrip("/")}
    )  # locks are absolute
    inside = "|".join(re.escape(f"{each}{os.sep if local else '/'}") for each in spelled)
    while error is not None:
        if isinstance(error, FileNotFoundError) and re.search(rf"(^|['\" ])({inside})", str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def _deleted(directory: Place) -> ByroteError:
    return ByroteError(
        f"{directory} was deleted, or its record.json, while runs were trained into it. Run again to begin anew."
    )
