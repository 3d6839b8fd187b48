"""Files that cannot be read: left out and listed where they are few, refused where they are many."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from byrote.errors import InvalidData
from byrote.inputs.class_folders import ClassFolders, listed

SHARE = 0.1
"""The largest share of files that are left out because they cannot be read; FEW are always."""

FEW = 3

SHOWN = 20
"""Files that are listed at most."""


def about_broken(names: Sequence[str], broken: Mapping[int, str], what: str = "files") -> list[str]:
    """Return the sentence that lists broken files, each with its reason; `broken` is by position in `names`."""
    if not broken:
        return []
    files = [f"{names[at]} ({broken[at]})" for at in sorted(broken)]
    return [
        f"{len(broken):,} of {len(names):,} {what} cannot be read and {'is' if len(broken) == 1 else 'are'} left out: {listed(files, most=SHOWN)}."
    ]


def too_many(broken: Mapping[int, str], count: int) -> bool:
    """Return whether so many of the files are broken that something else is wrong."""
    return len(broken) > max(FEW, SHARE * count)


def check_broken(root: Path, found: ClassFolders, broken: Mapping[int, str], what: str) -> None:
    """Raise InvalidData where so many files are broken that something else is wrong, or where a class has no others."""
    listing = " ".join(about_broken(found.names, broken))
    if too_many(broken, len(found.paths)):
        raise InvalidData(
            f"Too many {what} of {root} cannot be read: more than one in ten. {listing} Repair or remove them."
        )
    good = [at for at in range(len(found.paths)) if at not in broken]
    left = np.bincount(found.labels[good], minlength=len(found.classes))
    if (left == 0).any():
        raise InvalidData(
            f"No file of the class {found.classes[int(np.argmin(left))]!r} can be read. {listing} Repair them, or remove the class."
        )
