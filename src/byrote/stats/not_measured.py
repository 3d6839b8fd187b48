"""What stands where a number would, and why there is none."""

from dataclasses import dataclass

from byrote.errors import ByroteError, Remedy


@dataclass(frozen=True)
class NotMeasured:
    """What stands where a number would: why there is none, and what would give one where that has a name."""

    fact: str
    remedy: Remedy | None = None

    @classmethod
    def because(cls, error: ByroteError) -> "NotMeasured":
        """Return what stands where a number would have been, had this error not been raised."""
        return cls(error.fact, error.remedy)

    @property
    def reason(self) -> str:
        """Fact and remedy in one text. The remedy is as on the command line, for a record that was made there."""
        return self.fact if self.remedy is None else f"{self.fact} {self.remedy.on_command_line()}".rstrip()
