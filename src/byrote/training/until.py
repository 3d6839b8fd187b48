"""Until: what has to be known about memorization before no more runs are added, as a text and as a value."""

import math
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, cast

from byrote.errors import InvalidData, unknown
from byrote.objectives import Objective

if TYPE_CHECKING:
    from byrote.evidence.certainty import Certainty  # takes half a second to import, before training begins

LEAST_RELIABILITY = 0.5
"""Who asks for less means something else, such as a standard error."""

TRUSTED = 6
"""Reliability is not trusted of fewer runs: in simulations of 300 examples that of 4 is up to .2 too high (docs/theory.md)."""

GRAMMAR = "Write 0.9 (a reliability), error=0.05, top=100:0.9, or several of them with commas."


@dataclass(frozen=True)
class Until:
    """How well memorization has to be known; all that is given has to hold.

    `reliability`: that of `shrunk_memorization`, which the verdict names, at least. `error`: the median standard error of
    `memorization`, at most. `top`: of so many most memorized examples, the share `right` at least is expected to be among as
    many most memorized in truth. As a text: `0.9`, `error=0.05`, `top=100:0.9`, with commas between several.
    Raises InvalidData for what cannot be reached.
    """

    reliability: float | None = None
    error: float | None = None
    top: int | None = None
    right: float = 0.9

    def __post_init__(self) -> None:
        if self.reliability is not None and not LEAST_RELIABILITY <= self.reliability < 1:
            meant = f" For a standard error write error={self.reliability:g}." if 0 < self.reliability < LEAST_RELIABILITY else ""  # fmt: skip
            raise InvalidData(
                f"A reliability of {self.reliability:g} is no target. Give {LEAST_RELIABILITY} or more, and less than 1.{meant}"
            )
        if self.error is not None and not 0 < self.error < 1:
            raise InvalidData(f"A standard error of {self.error:g} cannot be reached. Give a number between 0 and 1.")
        if not 0 < self.right < 1:
            raise InvalidData(f"A share of {self.right:g} of a list cannot be reached. Give a number between 0 and 1.")
        if self.top is not None and (type(cast("object", self.top)) is not int or self.top < 1):
            raise InvalidData(f"A list of the top {self.top!r} examples has no entry. Give 1 or more.")
        if self.reliability is self.error is self.top is None:
            raise InvalidData(f"Until(): nothing has to be known. {GRAMMAR}")

    def __str__(self) -> str:
        known = [] if self.reliability is None else [f"{self.reliability:g}"]
        known += [] if self.error is None else [f"error={self.error:g}"]
        return ",".join(known if self.top is None else [*known, f"top={self.top}:{self.right:g}"])

    def holds(self, found: "Certainty") -> bool:
        """Return whether this is known by now; what is undefined is not known, nor are shares below TRUSTED runs."""
        shares = self._shares(found)
        if shares and found.runs < TRUSTED:
            return False
        return all(share >= least for share, least in shares) and (self.error is None or found.error <= self.error)

    def known(self, found: "Certainty") -> str:
        """Return what is known by now of what has to be known: `reliability 0.88, 0.62 of the top 100 right`."""
        parts = [] if self.reliability is None else [("reliability {:.2f}", found.reliability.value)]
        parts += [] if self.error is None else [("median standard error {:.3f}", found.error)]
        parts += [] if self.top is None else [(f"{{:.2f}} of the top {self.top} right", found.top(self.top).value)]
        return ", ".join(text.format(value) for text, value in parts if value > 0)

    def runs_for(self, found: "Certainty") -> int | None:
        """Return how many runs in all it takes, as far as these runs can tell (None: not at all).

        A share s of what could be known is forecast to grow with runs as s / (1 - s) does (Spearman & Brown 1910).
        """
        shares = self._shares(found)
        needed = max(found.runs, TRUSTED if shares else 0)
        for share, least in shares:
            if not 0 < share <= 1:
                return None
            if share < least:
                needed = max(needed, math.ceil(found.runs * least / (1 - least) * (1 - share) / share))
        if self.error is not None:
            if found.forecast is None:
                return None
            needed = max(needed, found.forecast.runs_for(self.error))
        return needed

    def _shares(self, found: "Certainty") -> list[tuple[float, float]]:
        known = [] if self.reliability is None else [(found.reliability.value, self.reliability)]
        return known if self.top is None else [*known, (found.top(self.top).value, self.right)]


def parse_until(given: "str | float | Until") -> Until:
    """Read what has to be known: a number is a reliability; `error=0.05`, `top=100:0.9`; several with commas."""
    if isinstance(given, Until):
        return given
    if not isinstance(given, str):
        if not isinstance(cast("object", given), Real):
            raise InvalidData(f"{given!r} does not say what has to be known. {GRAMMAR}")
        return Until(float(given))
    found: dict[str, float] = {}
    for part in given.split(","):
        name, sign, text = (piece.strip() for piece in part.partition("="))
        kind, text = (name, text) if sign else ("reliability", name)
        if kind not in ("reliability", "error", "top"):
            raise unknown("thing to know", kind, ("reliability", "error", "top"))
        if kind in found:
            raise InvalidData(f"{given!r} gives {kind} twice. {GRAMMAR}")
        first, colon, right = text.partition(":")
        if colon and kind != "top":
            raise InvalidData(f"{given!r} does not say what has to be known. {GRAMMAR}")
        try:
            found[kind] = int(first) if kind == "top" else float(first)
            found |= {"right": float(right)} if colon else {}
        except ValueError:
            raise InvalidData(f"{given!r} does not say what has to be known. {GRAMMAR}") from None
    return Until(**found)  # pyright: ignore[reportArgumentType] - top is the only whole number


def check_until(until: Until, objective: Objective, design: str, examples: int) -> None:
    """Raise InvalidData for outcomes, designs and numbers of examples with which this is never known."""
    if objective.outcome != "correct":
        raise InvalidData(
            f"How well memorization is known is followed for outcomes that are right or wrong, and this task learns {objective.name}. Give the number of runs."
        )
    if design == "everything":
        raise InvalidData(
            "Every run of the design everything is trained on all examples, so the memorization of none is known. Give the number of runs."
        )
    if until.top is not None and until.top > examples:
        raise InvalidData(f"There is no list of the top {until.top} of {examples} training examples. Give {examples} at most.")  # fmt: skip
