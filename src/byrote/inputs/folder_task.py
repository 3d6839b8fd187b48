"""From the examples of class folders to a task: its test set, model and recipe, and what was inferred."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.inputs.class_folders import ClassFolders
from byrote.inputs.reading import Reading
from byrote.inputs.splitting import at_random
from byrote.record.free_memory import free_memory
from byrote.task.examples import Examples
from byrote.task.inferred import Inferred
from byrote.task.models import suited
from byrote.task.recipe import Recipe
from byrote.task.task import Task

UPDATES = 2_400
"""About how many updates a run of a small data set takes: enough to learn wrong labels by rote."""

EPOCHS = (25, 40)
"""Passes at least and at most; with 10 fewer, the network of pictures learned only one in eight wrong labels."""

FOR_FOLDERS = ("size", "test_share")
"""What a user may say of a folder; the rest is about columns of tables."""

COPIES = 6
"""Bytes that training holds for each byte of the data: itself, a number of four bytes, and a copy on the way."""


def folder_task(
    root: Path, reading: Reading, files: ClassFolders, inputs: NDArray[Any], groups: NDArray[np.str_], *,
    kind: str, of: str, channels: tuple[str, ...] = (),
) -> Task:  # fmt: skip
    """Return the task over these examples, one for each file. Without a side in the names, the test set is drawn.

    Groups are then never on both sides. `files.sentences` begin what was inferred; `of` says what examples are: "pictures".
    """
    sentences = list(files.sentences)
    sides = np.array(files.sides)
    train, test = sides != "test", sides == "test"
    if not test.any():
        split = at_random(files.labels, reading.test_share, groups, of=of)
        train, test = split.train, split.test
        sentences += split.sentences

    def of_side(which: NDArray[np.bool_]) -> Examples:
        names = [_id(files, int(at)) for at in np.flatnonzero(which)]
        own = list(groups[which]) if (groups != "").any() else None
        return Examples(inputs[which], files.labels[which], names, groups=own, kind=kind, columns=channels or None)

    known = of_side(train)
    return Task(
        suited(known.shape, len(files.classes), kind=kind),
        known,
        of_side(test),
        convolution_recipe(int(train.sum())),
        files.classes,
        root.resolve().name or "folder",
        inferred=Inferred(str(root), reading.options(), (), tuple(sentences)),
    )


def _id(files: ClassFolders, at: int) -> str:
    """Return the name of a file below the folder of its side: the record puts train or test in front of it again."""
    name = files.names[at]
    return name.partition("/")[2] if files.sides[at] else name


def convolution_recipe(examples: int) -> Recipe:
    """Return a recipe that takes minutes: small data are seen more often, and in smaller batches."""
    batch = 32 if examples < 10_000 else 64
    few, many = EPOCHS
    return Recipe(epochs=min(many, max(few, round(UPDATES * batch / max(examples, 1)))), batch_size=batch)


def check_options(root: Path, reading: Reading) -> None:
    """Raise InvalidData for what is said of columns, which a folder does not have."""
    allowed = Reading(**{name: getattr(reading, name) for name in FOR_FOLDERS})
    if reading != allowed:
        odd = next(word for word in reading.options() if word.startswith("--") and word not in allowed.options())
        raise InvalidData(f"{odd} is about columns of a table, and {root} is a folder of classes. Leave it out.")


def check_memory(size: int, what: str) -> None:
    """Raise InvalidData where so many bytes of inputs cannot be trained on in the memory that is free."""
    free = free_memory(Path("/"))
    if COPIES * size > free:
        raise InvalidData(
            f"{what} take {size / 1e9:.1f} GB, {COPIES * size / 1e9:.1f} GB with the copies that training needs, and {free / 1e9:.1f} GB are free. Give a smaller --size, or fewer files."
        )
