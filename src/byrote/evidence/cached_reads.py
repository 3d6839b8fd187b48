"""Reading once: the losses of the last step, which every attack and its checks need, shared by all parts of a report."""

from typing import Any

from numpy.typing import NDArray

from byrote.evidence.columns import Read
from byrote.record import Record


def read_once(record: Record, column: str = "loss") -> Read:
    """Return what reads like `record.at_step`, and reads `column` at the last step only once for each run.

    What it keeps takes 4 bytes for each run and example, for as long as it is in use itself.
    """
    kept: dict[int, NDArray[Any]] = {}

    def read(run: int, asked: str, step: int) -> NDArray[Any]:
        if (asked, step) != (column, record.last_step):
            return record.at_step(run, asked, step)
        if run not in kept:
            kept[run] = record.at_step(run, asked, step)
            kept[run].flags.writeable = False
        return kept[run]

    return read
