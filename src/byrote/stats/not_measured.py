"""What stands where a number would, and why there is none."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NotMeasured:
    """What stands where a number would, and why there is none."""

    reason: str
