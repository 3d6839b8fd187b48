"""docs/scores.md: every score, probe and summary, with what it needs and where it is tested."""

import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import byrote.attribution
import byrote.explain
import byrote.locate
import byrote.probes
import byrote.summaries
from byrote.evidence.catalogue import MEANING, catalogue_rows
from byrote.probes import PROBES
from byrote.scores import SCORES
from byrote.signature import spell
from generated import NOTE

TESTS = {path: path.read_text() for path in sorted(Path("tests").rglob("test_*.py"))}

FUNCTIONS = (
    (
        "Probes that need more than a batch",
        byrote.probes,
        "Functions of `byrote.probes` that need a reference set, checkpoints or training updates.",
    ),
    ("Summaries", byrote.summaries, "Functions of `byrote.summaries`: from values to one number with its interval."),
    (
        "Localisation",
        byrote.locate,
        "Functions of `byrote.locate`: which layers and neurons of a network keep what it memorized.",
    ),
    (
        "Attribution",
        byrote.attribution,
        "Functions of `byrote.attribution`: influence approximated by gradients of few models. `agreement` compares it with `influence`.",
    ),
    (
        "Explanations",
        byrote.explain,
        "Functions of `byrote.explain`: causes, look-alikes, dependents, labels that look wrong, copies in the test set.",
    ),
)

LENT = ("byrote.task.apply_labels",)
"""Files of a lower room whose functions people reach through a package that is listed."""


def scores_page() -> str:
    lines = [NOTE, "# Scores\n"]
    lines.append(
        "The signature of a score states what it needs: columns, with their axes in brackets. See [schema.md](schema.md)."
    )
    lines.append(
        "A score without a `run` axis has a value for one model; with several runs it is the mean over those that were trained on the example.\n"
    )
    lines.append(
        "A tick links to a test of the score. In addition, tests/scores/test_every_score.py checks laws that hold for all scores.\n"
    )
    lines.append("| score | a high value means | needs | evidence | tested |\n|---|---|---|---|---|")
    for row in catalogue_rows():
        name = row["score"].split("(")[0]
        lines.append(
            f"| [`{row['score']}`](#{name}) | {row['high means']} | {row['needs']} | {row['evidence']} | {tick(name)} |"
        )
    lines.append("\n## Probes\n")
    lines.append(
        "Measurements on one trained model. If they are made during an audit (`byrote audit --probe curvature`, `byrote.collect(probes=...)`), their values are "
        "columns of the record, and so scores. `byrote.ask(curvature, model, inputs, labels)` evaluates a probe on any model.\n"
    )
    lines.append("| probe | a high value means | what it says | source | tested |\n|---|---|---|---|---|")
    for probe in PROBES.values():
        name = spell(probe.name, probe.defaults) if probe.defaults else probe.name
        lines.append(
            f"| `{name}` | {MEANING[probe.high]} | {probe.summary} | {probe.source} | {tick(probe.name, 'probes')} |"
        )
    for title, module, about in FUNCTIONS:
        lines.append(f"\n## {title}\n\n{about}\n\n| function | what it says | source | tested |\n|---|---|---|---|")
        for name, function in functions(module):
            source = (sys.modules[function.__module__].__doc__ or "").strip().split("\n")[0]
            says = (function.__doc__ or "").strip().split("\n")[0]
            home = function.__module__.split(".")[1]
            lines.append(f"| `{name}` | {says} | {source} | {tick(name, home)} |")
    lines.append("\n# Each score")
    for score in SCORES.values():
        body = "\n".join(line.strip() for line in (score.function.__doc__ or "").strip().splitlines())
        lines.append(f"\n## {score.name}\n\n{body}\n\nHigh: {MEANING[score.high]}. Source: {score.source}")
    return "\n".join(lines) + "\n"


def functions(module: ModuleType) -> list[tuple[str, Any]]:
    """Return the public functions of a package that are written in it, or lent to it, by name."""
    own = [(name, value) for name, value in vars(module).items() if inspect.isfunction(value) and name[0] != "_"]
    return [(name, value) for name, value in own if value.__module__.startswith((module.__name__ + ".", *LENT))]


def tick(name: str, home: str = "scores") -> str:
    """Return a link to the test that names it most often, if possible in the folder that tests its room; empty when none does."""
    word = re.compile(rf"(?:(?<![.\w])|(?<=byrote\.)){name}\b(?!\.\w)")
    counts = {path: len(word.findall(text)) for path, text in TESTS.items()}
    best = max(counts, key=lambda path: _likeness(name, home, path, counts[path]))
    return f"[✓](../{best})" if counts[best] else ""


def _likeness(name: str, home: str, path: Path, count: int) -> tuple[bool, bool, int, str]:
    at_home = path.parent.name == home and not path.stem.endswith(("_peer", "_peers"))
    return f"test_{name}.py" == path.name, bool(count) and at_home, count, str(path)
