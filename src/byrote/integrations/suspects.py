"""Which examples are exported to tools for labels, and what is said of each: the judgement of models not trained on it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from byrote.errors import InvalidData, MissingEvidence, Unsupported
from byrote.evidence.best_memorization import best_memorization
from byrote.explain.causes import FEWEST_MODELS
from byrote.explain.relabel import Suggestion, most_models, suggestions
from byrote.record import Record
from byrote.record.pictures import encode

MARK = "byrote.json"
"""The file in the folder of an export that says that byrote wrote it, for which tool, and of which examples."""


@dataclass(frozen=True)
class Suspect:
    """One example: what models not trained on it say of its label, and its memorization with a 90 % interval.

    Names are those of classes; `predicted` is None where no such model is known, and numbers are then NaN. `score` is the
    estimate of memorization: `shrunk_memorization`, or `memorization` where that has no evidence.
    """

    judged: Suggestion
    given: str
    predicted: str | None
    score: str
    memorization: float
    low: float
    high: float

    def numbers(self) -> dict[str, float]:
        """Return the numbers that are known, by name."""
        known = {
            "label_quality": self.judged.label_quality,
            "agreement": self.judged.agreement,
            "models": self.judged.models,
            self.score: self.memorization,
            f"{self.score}_low": self.low,
            f"{self.score}_high": self.high,
        }
        return {name: float(value) for name, value in known.items() if np.isfinite(value)}


def judged_labels(record: Record, *, split: str, top: int | None, issues: bool = False) -> list[Suggestion]:
    """Return what is said of the labels of a split (`train` or `test`), the most doubtful first: the first `top`, or all.

    `issues`: without `top`, only those whose label contradicts the other examples. Raises Unsupported for other objectives
    than classification, MissingEvidence where no example was left out of enough runs to be judged.
    """
    if record.objective.name != "classification":
        raise Unsupported(
            f"Labels of classes are exported, and the models of {record.directory} learned {record.objective.name}. List doubtful targets with `byrote relabel`."
        )
    positions = np.flatnonzero(record.population.where(split))
    found = [each for each in suggestions(record, positions) if isinstance(each, Suggestion)]
    judged, models = most_models(found)
    if not judged:
        raise MissingEvidence(
            f"No label can be judged: {FEWEST_MODELS} models that were not trained on an example are needed, and none was left out of more than {models}. Collect more runs."
        )
    return [each for each in found if each.is_label_issue or not issues] if top is None else found[:top]


def read_suspects(record: Record, *, split: str, top: int | None, issues: bool = False) -> list[Suspect]:
    """Return the same examples as `judged_labels`, with the names of their classes and their memorization."""
    chosen = judged_labels(record, split=split, top=top, issues=issues)
    try:
        values = best_memorization(record)
        name, ends = values.score.name, np.stack([values.value, values.low, values.high])
    except MissingEvidence:
        name, ends = "memorization", np.full((3, len(record.population)), np.nan)
    return [
        Suspect(
            each,
            record.classes[each.given_label],
            None if each.predicted_label is None else record.classes[each.predicted_label],
            name,
            *ends[:, each.position].tolist(),
        )
        for each in chosen
    ]


def write_pictures(record: Record, found: list[Suspect], directory: Path) -> list[str]:
    """Write the pictures of these examples as PNG files named by their place in the record, and return the names.

    Ids may hold anything, so no file is named by one.
    """
    positions = np.array([each.judged.position for each in found], np.int64)
    pictures = encode(record.population.inputs[positions], "picture").pictures if len(found) else []
    directory.mkdir(parents=True, exist_ok=True)
    names = [f"{at:07d}.png" for at in positions.tolist()]
    for name, picture in zip(names, pictures or [], strict=True):
        (directory / name).write_bytes(picture)
    return names


def export_folder(record: Record, directory: Path | str, tool: str) -> Path:
    """Return the folder of an export to a tool, made where it is not there, with the mark of byrote in it.

    One with an earlier export of the same examples to the same tool is used again: its files are replaced, and pictures that
    a tool may have read stay. Raises InvalidData for a folder that holds anything else.
    """
    path = Path(directory)
    ids = hashlib.sha256("\n".join(record.population.ids.tolist()).encode()).hexdigest()
    about = {"tool": tool, "ids": ids, "examples": str(record.manifest["task"].get("examples", ""))}
    if path.is_dir() and any(path.iterdir()):
        there = _mark(path)
        if there is None:
            raise InvalidData(
                f"{path} is not empty, and holds no export of byrote, so nothing in it is overwritten. Give a new folder."
            )
        if there != about:
            other = f"to {there.get('tool')}" if there.get("tool") != tool else "of other examples"
            raise InvalidData(f"{path} holds an export {other}, which is not overwritten. Give a new folder.")
        if any(each.is_symlink() for each in path.rglob("*")):
            raise InvalidData(f"{path} has symbolic links in it, and byrote writes through none. Give a new folder.")
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / MARK).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidData(f"{path} cannot be made ({error.strerror}). Give a new folder.") from None
    return path


def _mark(folder: Path) -> dict[str, str] | None:
    """Return what the export in a folder is of; None where there is none of byrote."""
    try:
        found = json.loads((folder / MARK).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
