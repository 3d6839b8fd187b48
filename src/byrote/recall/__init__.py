"""Recall: explicit memories beside a network, which can be listed, looked up, changed and deleted one by one.

Names are imported when they are first used. What is not here is in the modules of this room.
"""

from typing import TYPE_CHECKING

from byrote.lazy import lazy

if TYPE_CHECKING:
    from byrote.recall.answers import Answers as Answers
    from byrote.recall.approximate import Approximate as Approximate
    from byrote.recall.deletion import Deletion as Deletion
    from byrote.recall.encoding import encode as encode
    from byrote.recall.exact import Exact as Exact
    from byrote.recall.index import Index as Index
    from byrote.recall.measured_recall import recall_at_k as recall_at_k
    from byrote.recall.memory import Memory as Memory
    from byrote.recall.opening import open_memory as open_memory
    from byrote.recall.threshold import Threshold as Threshold
    from byrote.recall.threshold import threshold_at as threshold_at

_HOME = {
    "Answers": "answers",
    "Approximate": "approximate",
    "Deletion": "deletion",
    "encode": "encoding",
    "Exact": "exact",
    "Index": "index",
    "Memory": "memory",
    "open_memory": "opening",
    "recall_at_k": "measured_recall",
    "Threshold": "threshold",
    "threshold_at": "threshold",
}

__getattr__, __dir__ = lazy(__name__, _HOME, globals())
