"""Recall: explicit memories beside a network, which can be listed, looked up, changed and deleted one by one.

Names are imported when they are first used. What is not here is in the modules of this room.
"""

from typing import TYPE_CHECKING

from byrote.lazy import lazy

if TYPE_CHECKING:
    from byrote.recall.answers import Answers as Answers
    from byrote.recall.index import Index as Index
    from byrote.recall.memory import Deletion as Deletion
    from byrote.recall.memory import Memory as Memory
    from byrote.recall.threshold import Threshold as Threshold
    from byrote.recall.threshold import threshold_at as threshold_at

_HOME = {
    "Answers": "answers",
    "Deletion": "memory",
    "Index": "index",
    "Memory": "memory",
    "Threshold": "threshold",
    "threshold_at": "threshold",
}

__getattr__, __dir__ = lazy(__name__, _HOME, globals())
