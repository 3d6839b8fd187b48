"""What goes wrong at the border: the fact in a sentence or two, and what the user can do about it.

Code that raises states the fact and names a Remedy. How a remedy is called differs between Python and the command line,
and stands in one table, WORDS.
"""

import difflib
import functools
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

Name = Literal[
    "more_runs",
    "more_epochs",
    "canaries",
    "probe",
    "another_directory",
    "device",
    "attribute",
    "extra",
    "traceback",
]

Door = Literal["command", "python", "loop"]
"""Through which door a record was made: `byrote audit`, a call in Python, or a training loop of the user's own."""

WORDS: dict[Name, tuple[str, str]] = {
    "more_runs": (
        "Call byrote.audit or byrote.collect again, with runs={} or more.",
        "Run `byrote audit` with --runs {} or more.",
    ),
    "more_epochs": (
        "Collect into another directory, with more epochs in the recipe.",
        "Run `byrote audit` with more --epochs and another --out.",
    ),
    "canaries": (
        "Collect into another directory with canaries=byrote.Canaries({}).",
        "Run `byrote audit` with --canaries {} and another --out.",
    ),
    "probe": (
        "Collect into another directory with probes=['{}'].",
        "Run `byrote audit` with --probe '{}' and another --out.",
    ),
    "another_directory": ("Give another directory.", "Give another directory with --out."),
    "device": (
        "Give compute=byrote.Compute(device='{}'), or install a torch that can.",
        "Use --device {}, or install a torch that can.",
    ),
    "attribute": (
        "Make it with byrote.attribution: attribute(task, record, '{}'), then write_attribution.",
        "Make it with `byrote attribute TASK RECORD --method {}`.",
    ),
    "extra": ("Install the extra: pip install 'byrote[{}]'.", "Install the extra: pip install 'byrote[{}]'."),
    "traceback": ("The traceback shows where.", "Use --debug to see where."),
}
"""What to do, in Python and on the command line; {} is the value of the remedy."""

IN_A_LOOP: dict[Name, str] = {
    "more_runs": "Record {} runs or more with your own training loop.",
    "more_epochs": "",
    "canaries": "",
    "probe": "",
}
"""The same for a record that a loop of the user's own wrote; empty where nothing can be done there, and the fact stands alone."""


@dataclass(frozen=True)
class Remedy:
    """What the user can do: a name from WORDS, and the value that it takes, such as the number of runs that are needed.

    `door` is that of the record that it is about (`Record.door`): no command can go on with what was made in Python.
    """

    name: Name
    value: int | str = ""
    door: Door = "command"

    def in_python(self) -> str:
        """Return it as a sentence for a user of the package; empty where nothing can be done."""
        words = IN_A_LOOP if self.door == "loop" else {}
        return words.get(self.name, WORDS[self.name][0]).format(self.value)

    def on_command_line(self) -> str:
        """Return it as a sentence for a user of the command line; empty where nothing can be done."""
        return WORDS[self.name][1].format(self.value) if self.door == "command" else self.in_python()


class ByroteError(Exception):
    """Anything the user can act on: `fact` says what was given and found, `remedy` what to do where that has a name.

    As text it speaks to a user of the package; the command line prints `on_command_line` and exits with status 1.
    """

    def __init__(self, fact: str, remedy: Remedy | None = None) -> None:
        super().__init__(fact)
        self.fact, self.remedy = fact, remedy

    def __str__(self) -> str:
        return self.fact if self.remedy is None else f"{self.fact} {self.remedy.in_python()}".rstrip()

    def on_command_line(self) -> str:
        """Return the fact and the remedy for a user of the command line."""
        return self.fact if self.remedy is None else f"{self.fact} {self.remedy.on_command_line()}".rstrip()


class InvalidData(ByroteError):
    """Examples, labels, ids or settings that cannot be used."""


class Diverged(InvalidData):
    """Settings with which the training of a run ends in numbers that are NaN or infinite."""


class MissingEvidence(ByroteError):
    """A score needs columns or runs that the record does not hold."""


class WrongRecord(ByroteError):
    """A directory that holds another task's runs, another schema, or no record at all."""


class Unsupported(ByroteError):
    """A number that the sample cannot support, refused rather than printed."""


class OutOfMemory(ByroteError):
    """Training does not fit into memory. Fewer models at once are tried first."""


class WorkerDied(ByroteError):
    """A worker process ended without an error of its own, as when the system needs its memory."""


LISTED = 60
"""Known names that an error lists at most."""


def unknown(kind: str, given: object, known: Iterable[str], meant: Mapping[str, str] | None = None) -> ByroteError:
    """Return the error for a name that does not exist, with the nearest one that does; `meant` has what others call it."""
    names = sorted(known)
    known_as = (meant or {}).get(str(given).strip().lower())
    hint = (
        f"Did you mean {known_as!r}?" if known_as else suggestion(str(given), names) or "No known name is close to it."
    )
    more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return ByroteError(f"There is no {kind} named {given!r}. {hint} Known: {', '.join(names[:LISTED])}{more}.")


def suggestion(given: str, known: Iterable[str]) -> str:
    """Return the question whether the nearest known name was meant (`lr`: learning_rate); empty where none is near."""
    names = list(known)
    near = [name for name in names if "_" in name and given == "".join(part[:1] for part in name.split("_"))]
    folded = {name.casefold(): name for name in reversed(names)}  # the case of letters makes no other name
    near = near or [folded[name] for name in difflib.get_close_matches(given.casefold(), folded, n=1, cutoff=0.4)]
    return f"Did you mean {near[0]!r}?" if near else ""


Kind = TypeVar("Kind", bound=type)


def refuses_unknown_names(kind: Kind) -> Kind:
    """Let a dataclass refuse a keyword that it does not have, with the nearest one that it has."""
    initialize: Any = kind.__init__
    names = list(inspect.signature(initialize).parameters)[1:]

    @functools.wraps(initialize)
    def init(self: Any, *values: Any, **options: Any) -> None:
        for name in options:
            if name not in names:
                raise unknown(f"option of byrote.{kind.__name__}", name, names)
        initialize(self, *values, **options)

    kind.__init__ = init
    return kind


def missing_extra(what: str, extra: str) -> ByroteError:
    """Return the error for a package that is not installed and that an extra of byrote brings."""
    return ByroteError(f"{what}, which is not installed.", Remedy("extra", extra))
