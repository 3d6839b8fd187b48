"""Exports: decisions as the files that verbs and controls of byrote take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import numpy as np

from byrote.errors import InvalidData, Unsupported
from byrote.evidence.tables import Row, as_csv
from byrote.evidence.targets import target_text
from byrote.explain.issue_table import decided_row
from byrote.record import Record
from byrote.record.storage import replacing
from byrote.viewer.decisions import Decision

FOLDER = "decisions"


@dataclass(frozen=True)
class Export:
    """A file that was written, how many examples are in it, and what takes it: commands, with TASK for the user's own."""

    path: Path
    examples: int
    taken_by: tuple[str, ...]


def can_be_relabelled(record: Record) -> bool:
    """Whether new labels of this kind of target can be applied: classes, and numbers."""
    return record.objective.name in ("classification", "regression")


def check_choice(record: Record, position: int, choice: str, label: object) -> None:
    """Raise InvalidData or Unsupported for a choice that cannot be carried out for this example, or its label."""
    population = record.population
    split = str(population.split[position])
    if choice and population.canary[position]:
        own = str(population.source[position])
        which = f": {own} of your data, taken out for it. An audit without canaries judges that too." if own else "."
        raise InvalidData(f"This is a canary, which checks the audit{which}")
    if choice in ("drop", "wanted") and split != "train":
        raise InvalidData(
            f"Only training examples can be {choice if choice == 'wanted' else 'dropped'}; this is a {split} example."
        )
    if choice != "relabel":
        return
    if not can_be_relabelled(record):
        raise Unsupported(
            f"Targets of a {record.objective.name} cannot be relabelled from a file. Drop the example, or tag it."
        )
    given = np.asarray(label) if not isinstance(label, str | None) else np.zeros((), str)
    own = population.labels[position]
    if record.objective.name == "classification":
        fine = given.shape == () and given.dtype.kind in "iu" and 0 <= int(given) < len(record.classes)
        if not fine:
            raise InvalidData(f"{label!r} is no class. Give a number from 0 to {len(record.classes) - 1}.")
        if int(given) == int(own):
            raise InvalidData(
                f"The example has the label {record.classes[int(own)]!r} already. Give another, or keep it."
            )
        return
    wanted = np.atleast_1d(own).shape
    if given.dtype.kind not in "iuf" or np.atleast_1d(given).shape != wanted or not np.isfinite(given).all():
        raise InvalidData(f"{label!r} is no target. Give {wanted[0]} finite number{'s' if wanted[0] > 1 else ''}.")


def write_exports(record: Record, decisions: Mapping[str, Decision]) -> tuple[Export, ...]:
    """Write drop.csv, wanted.csv, relabel.csv and all.csv into the folder `decisions` of the audit; return them.

    A file of a choice that was made for no example is removed, so that none is out of date.
    """
    if not isinstance(record.directory, Path):
        raise Unsupported("Decisions are kept beside audits on this machine only. Copy the audit here to decide.")
    folder = record.directory / FOLDER
    if folder.is_symlink():
        raise InvalidData(f"{folder} is a symbolic link, and byrote follows none in a record. Remove it.")
    where = {str(name): at for at, name in enumerate(record.population.ids)}
    known = sorted(((where[name], each) for name, each in decisions.items() if name in where), key=lambda pair: pair[0])
    files = {name: folder / f"{name}.csv" for name in ("drop", "wanted", "relabel", "all")}
    taken = {
        "drop": (
            f"byrote remove TASK {quote(str(record.directory))} --ids {quote(str(files['drop']))}",
            f"byrote compare TASK --controls {_control('drop', files['drop'])}",
        ),
        "wanted": (f"byrote memorize TASK --wanted {quote(str(files['wanted']))}",),
        "relabel": (f"byrote compare TASK --controls {_control('relabel', files['relabel'])}",),
        "all": (),
    }
    rows = {
        "drop": [{"example": each.example} for _, each in known if each.choice == "drop"],
        "wanted": [{"example": each.example} for _, each in known if each.choice == "wanted"],
        "relabel": [_fix(record, at, each) for at, each in known if each.choice == "relabel"],
        "all": [_plain(record, at, each) for at, each in known],
    }
    return tuple(found for name in rows if (found := _write(files[name], rows[name], taken[name])))


def _control(name: str, path: Path) -> str:
    return quote(f"{name}({str(path)!r})")


def _write(path: Path, rows: Sequence[Row], taken_by: tuple[str, ...]) -> Export | None:
    if not rows:
        path.unlink(missing_ok=True)
        return None
    with replacing(path) as aside:
        aside.write_text(as_csv(rows), encoding="utf-8", newline="")
    return Export(path, len(rows), taken_by)


def _fix(record: Record, at: int, decision: Decision) -> Row:
    """Return a row of the file of fixes, with the columns that `byrote relabel` writes and `apply_labels` reads."""
    check_choice(record, at, decision.choice, decision.label)  # the file may have been edited since it was decided
    own = record.population.labels[at]
    if record.objective.name == "classification":
        return decided_row(decision.example, int(own), int(np.asarray(decision.label)), record.classes)
    given, new = np.atleast_1d(own), np.atleast_1d(np.asarray(decision.label, np.float64))
    if len(given) == 1:
        return {
            "example": decision.example, "is_target_issue": True, "given_target": float(given[0]),
            "predicted_target": float(new[0]),
        }  # fmt: skip
    row: Row = {"example": decision.example}
    for i in range(len(given)):
        row[f"is_target_issue_{i}"] = bool(float(new[i]) != float(given[i]))
        row[f"given_target_{i}"], row[f"predicted_target_{i}"] = float(given[i]), float(new[i])
    return row


def _plain(record: Record, at: int, decision: Decision) -> Row:
    return {
        "example": decision.example,
        "label": target_text(record, at),
        "decision": decision.choice,
        "new label": _new_text(record, decision),
        "tags": "; ".join(decision.tags),
    }


def _new_text(record: Record, decision: Decision) -> str:
    new = decision.label
    if new is None:
        return ""
    if record.objective.name == "classification" and isinstance(new, int):
        return record.classes[new]
    return ", ".join(f"{each:g}" for each in np.atleast_1d(np.asarray(new)).tolist())
