"""Arms: the ways of training that a comparison compares. The first one is the task as it is."""

import ast
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from byrote.controls import CONTROLS, Control, parse_control
from byrote.controls.parse import apply
from byrote.errors import ByroteError, InvalidData
from byrote.task.task import Task

UNCHANGED = "unchanged"
"""The name of the arm that all others are compared with: the task as it is."""

DEFAULTS = (
    "dropout(0.2)",
    "dropout(0.5)",
    "weight_decay(0.001)",
    "weight_decay(0.01)",
    "augment(crop, flip)",
    "feature_dropout(0.3)",
    "token_dropout(0.15)",
    "mixup(1.0)",
    "label_smoothing(0.1)",
    "early_stop(label_wave)",
    "flooding(0.1)",
    "trim(0.1)",
    "clip(1.0)",
    "l1(0.0001)",
    "subset(0.5)",
    "width(0.5)",
)
"""What is compared when the user names nothing: usual remedies, some at two strengths. Those that cannot act are skipped."""

LONGEST = 60
"""Characters of the name of an arm's directory at most."""

Given = Control | type[Control] | str | Sequence[Control]
"""How one may name what to compare: a control, its text, a class or bare name for all its strengths, or several together."""


@dataclass(frozen=True, eq=False)
class Arm:
    """One way of training. `name` is that of its directory, `controls` what changes the task, `task` the changed task.

    Arms of one `family` have the same controls at other strengths. `cost` is about how long a run takes, in runs of the
    unchanged task.
    """

    name: str
    controls: tuple[Control, ...]
    task: Task
    cost: float = 1.0

    def __str__(self) -> str:
        return " + ".join(map(str, self.controls)) or UNCHANGED

    @property
    def family(self) -> str:
        """The names of its controls, without their strengths."""
        return " + ".join(control.name for control in self.controls) or UNCHANGED


def arms_of(task: Task, controls: Sequence[Given] | None) -> tuple[tuple[Arm, ...], dict[str, str]]:
    """Return the arms, the unchanged task first, and why each of DEFAULTS that cannot act on this task was skipped.

    Raises ByroteError for what is no control, InvalidData for one that was named and cannot act on the task, that changes
    nothing, or that is there twice, and for controls that contradict each other.
    """
    if isinstance(controls, Control | str | type):
        controls = [controls]
    if controls is None:
        found, skipped = _default(task)
    else:
        found, skipped = [(each, apply(each, task)) for given in controls for each in controls_of(given)], {}
    arms = [Arm(UNCHANGED, (), task)]
    for each, changed in found:
        arms.append(Arm(_directory(each, {arm.name for arm in arms}), each, changed))
        _check(arms[:-1], arms[-1])
    if len(arms) == 1:
        reasons = " ".join(skipped.values())
        raise InvalidData(
            f"There is nothing to compare with the unchanged task. {reasons or 'Give a control.'}".strip()
        )
    return tuple(arms), skipped


def controls_of(given: Given) -> list[tuple[Control, ...]]:
    """Return the controls of each arm that is meant: one arm for each strength of a class or of a bare name."""
    if isinstance(given, Control):
        return [(given,)]
    if isinstance(given, type):
        return _at_all_strengths(given)
    if not isinstance(given, str):
        return [tuple(given)]
    try:
        parts = _parts(ast.parse(given.strip(), mode="eval").body)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return [(parse_control(given),)]  # which says what is wrong with it
    if len(parts) == 1:
        kind = CONTROLS.get(given.strip())
        return _at_all_strengths(kind) if kind is not None and kind.strengths else [(parse_control(given),)]
    return [tuple(parse_control(ast.unparse(part)) for part in parts)]


def _default(task: Task) -> tuple[list[tuple[tuple[Control, ...], Task]], dict[str, str]]:
    found: list[tuple[tuple[Control, ...], Task]] = []
    skipped: dict[str, str] = {}
    for text in DEFAULTS:
        try:
            found += [(each, apply(each, task)) for each in controls_of(text)]
        except ByroteError as error:
            skipped[text] = error.fact
    return found, skipped


def _at_all_strengths(kind: type[Control]) -> list[tuple[Control, ...]]:
    make: Any = kind
    try:
        base = make()
    except (TypeError, ByroteError):
        base = None  # its strength has no default
    try:
        found = [base.at(strength) if base is not None else make(strength) for strength in kind.strengths]
    except TypeError:
        found = []
    if not found:
        raise InvalidData(
            f"{kind.name} cannot be tried by its name alone. Give it with its options, like {kind.name}(...)."
        )
    return [(each,) for each in found]


def _parts(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_parts(node.left), *_parts(node.right)]
    return [node]


def _check(before: Sequence[Arm], arm: Arm) -> None:
    if any(str(arm) == str(other) for other in before):
        if not arm.controls:
            raise InvalidData("An arm has no control. The unchanged task is always compared; leave it out.")
        raise InvalidData(f"{arm} is there twice. Give it once.")
    idle = [control for control in arm.controls if control.is_zero]
    if idle:
        raise InvalidData(f"{idle[0]} changes nothing. Give another strength; the unchanged task is always compared.")


def _directory(controls: tuple[Control, ...], used: set[str]) -> str:
    text = " + ".join(map(str, controls))
    name = re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.")
    if len(name) <= LONGEST and name not in used:
        return name
    return f"{name[: LONGEST - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
