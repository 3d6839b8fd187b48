"""Opening: a saved memory, as it was."""

import os
from typing import TYPE_CHECKING, Any

from byrote.recall.files import read
from byrote.recall.index import Index
from byrote.recall.indexes import make_index
from byrote.recall.memory import Memory
from byrote.record.storage import place

if TYPE_CHECKING:
    from upath import UPath


def open_memory(directory: "str | os.PathLike[str] | UPath", *, index: Index | None = None) -> Memory:
    """Return the memory that was saved in a directory, or at a URL that fsspec reads.

    `index` is an empty one of your own, for a memory that was saved with one. Changes stay in RAM until it is saved. All
    files are read and their checksums compared. Raises WrongRecord where there is no memory, where a file is damaged,
    missing, of another version or leads elsewhere; nothing is changed. Raises ByroteError for an index that is unknown here.
    """
    where = place(directory)
    loaded = read(where)
    settings = loaded.manifest.settings
    metric: Any = settings.metric
    evict: Any = settings.evict
    made = index or make_index(settings.index, settings.width, metric, settings.index_settings)
    memory = Memory(settings.width, metric=metric, index=made, most=settings.most, evict=evict)
    memory.load(str(where.absolute()), loaded)
    return memory
