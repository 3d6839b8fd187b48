"""Compare ways of keeping a wanted list: in the weights and in memories, on several kinds of problems."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from byrote.errors import InvalidData, missing_extra, unknown
from byrote.experiments.recalling.classification import on_classification
from byrote.experiments.recalling.few_shot import on_few_shot
from byrote.experiments.recalling.language import on_language
from byrote.experiments.recalling.verification import on_verification
from byrote.experiments.recalling.wanted_task import wanted_task
from byrote.experiments.recalling.way import Problem
from byrote.inputs.opening import open_task
from byrote.record.storage import replacing
from byrote.task.task import Task
from byrote.training.compute import Compute
from byrote.training.hardware import one_thread
from byrote.training.progress import Progress, Watcher

PROBLEMS = ("classification", "verification", "few-shot", "language")
"""Kinds of problems, in the order in which they are compared."""

FILE = "recall.json"
"""All numbers of a comparison, in its directory."""

BY_ANSWER = ("right", "right_new")
"""Fields of a Way that say it of each answer, and are not written."""

USUAL = "fashion"
WANTED = 200


@dataclass(frozen=True, eq=False)
class RecallComparison:
    """What was compared: the floor of recall, and each problem with its ways; `left_out` says why others are not there."""

    directory: Path
    recall: float
    problems: tuple[Problem, ...]
    left_out: Mapping[str, str]


def compare_recall(
    task: Task | str | None = None,
    directory: Path | str | None = None,
    *,
    wanted: int | str | Path | Sequence[str] = WANTED,
    recall: float = 0.99,
    problems: Sequence[str] = (),
    runs: int = 4,
    seed: int = 0,
    compute: Compute = Compute(),
    progress: Watcher | None = None,
) -> RecallComparison:
    """Compare ways of keeping a wanted list: trained into the weights, and stored in memories beside a network.

    Without a task, all PROBLEMS are compared on data that ship with byrote: classification of `fashion`, verification and
    few-shot learning of characters, and facts in a language model. With a task of classification, its own `wanted` list is:
    a file of ids, ids, or a number of random examples, half of which get an arbitrary answer, which only rote can give.
    `recall` is the floor that is held in the weights, `runs` the number of models of each way. Models are kept in `directory`
    (default: recalls/NAME), and trained once. Language is left out where the extra `lm` is not installed. Raises InvalidData
    for a task that does not learn classes from one array of real numbers.
    """
    names = tuple(problems) or (PROBLEMS if task is None else PROBLEMS[:1])
    for name in names:
        if name not in PROBLEMS:
            raise unknown("problem", name, PROBLEMS)
    missing = missing_extra("Facts in a language model need the library tokenizers", "lm")
    left_out = {"language": str(missing)} if "language" in names and find_spec("tokenizers") is None else {}
    if left_out and "language" in problems:
        raise missing
    names = tuple(name for name in names if name not in left_out)
    if runs < 2:
        raise InvalidData(f"With {runs} model of each way nothing has an interval. Give 2 runs or more.")
    given = open_task(task or USUAL) if task is None or isinstance(task, str) else task
    where = Path(directory or Path("recalls") / ("all" if task is None else given.name))

    same: dict[str, Any] = {"seed": seed, "progress": progress}
    measure: dict[str, Callable[[], Problem]] = {
        "verification": partial(on_verification, where / "glyphs", compute=compute, **same),
        "few-shot": partial(on_few_shot, where / "glyphs", compute=compute, **same),
        "language": partial(on_language, where / "language", recall=recall, **same),
    }
    if "classification" in names:
        listed = wanted_task(given, wanted, recall=recall, seed=seed)
        measure["classification"] = partial(
            on_classification, listed, where / "classification", recall=recall, runs=runs, compute=compute, **same
        )
    found: list[Problem] = []
    for name in names:
        if progress is not None:
            progress(Progress(0, 1, 0, 1, stage=f"{name}: training and measuring"))
        with one_thread():  # times of queries and changes are those of one core
            found.append(measure[name]())
    comparison = RecallComparison(where, recall, tuple(found), left_out)
    write_numbers(comparison)
    return comparison


def write_numbers(comparison: RecallComparison) -> None:
    """Write all numbers of a comparison into its directory, whole or not at all; NaN is null."""
    comparison.directory.mkdir(parents=True, exist_ok=True)
    content = {
        "recall": comparison.recall,
        "left_out": dict(comparison.left_out),
        "problems": [_plain(asdict(each)) for each in comparison.problems],
    }
    with replacing(comparison.directory / FILE) as aside:
        aside.write_text(json.dumps(content, allow_nan=False, indent=1, ensure_ascii=False), encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if key not in BY_ANSWER}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value
