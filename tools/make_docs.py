"""Write what is generated from the code: docs/scores.md, docs/cli.md and the drawing in docs/architecture.md.

`--check` writes nothing and fails when one of them is stale.
"""

import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import grimp

import byrote.attribution
import byrote.explain
import byrote.locate
import byrote.probes
import byrote.summaries
from byrote.cli import app
from byrote.evidence.catalogue import MEANING, catalogue_rows
from byrote.probes import PROBES
from byrote.scores import SCORES
from byrote.signature import spell

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

NOTE = "<!-- Generated from the code by `make docs`. Do not edit. -->\n"


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


def cli_page() -> str:
    parts = [NOTE, "# Command line\n", _help(app, "byrote")]
    parts += [f"## {path}\n\n{_help(command, path)}" for path, command in commands(app, "byrote")]
    return "\n".join(parts)


def commands(group: click.Group, path: str) -> list[tuple[str, click.Command]]:
    """Return each command of a group, and of the groups in it, with what is typed for it."""
    found: list[tuple[str, click.Command]] = []
    for name, command in group.commands.items():
        found.append((f"{path} {name}", command))
        if isinstance(command, click.Group):
            found += commands(command, f"{path} {name}")
    return found


def _help(command: click.Command, path: str) -> str:
    with click.Context(command, info_name=path, max_content_width=110, terminal_width=110) as context:
        return f"```\n{command.get_help(context)}\n```\n"


def architecture_page(page: str) -> str:
    """Return the page with its drawing of the rooms: an arrow for each import that does not follow from others."""
    below = imports()
    lines = ["graph TD"]
    for room in sorted(below, key=lambda room: (-len(reached(below, room)), room)):
        implied = set().union(*(reached(below, other) for other in below[room]))
        if direct := sorted(below[room] - implied):
            lines.append(f"  {room} --> {' & '.join(direct)}")
    return re.sub(r"(?<=```mermaid\n).*?(?=```)", "\n".join(lines) + "\n", page, count=1, flags=re.DOTALL)


def imports() -> dict[str, set[str]]:
    """Return which rooms each room imports, also inside functions and for types only."""
    graph = grimp.build_graph("byrote", cache_dir=None)
    rooms = graph.find_children("byrote") - {"byrote.__main__"}
    for room in rooms:
        graph.squash_module(room)
    return {
        room.split(".")[1]: {
            each.split(".")[1] for each in graph.find_modules_directly_imported_by(room) & rooms - {room}
        }
        for room in rooms
    }


def reached(below: dict[str, set[str]], room: str) -> set[str]:
    """Return the rooms that a room imports, directly or through others."""
    found: set[str] = set()
    while new := set().union(*(below[each] for each in {room, *found})) - found:
        found |= new
    return found


def main() -> None:
    stale = []
    architecture = Path("docs/architecture.md")
    for path, text in (
        (Path("docs/scores.md"), scores_page()),
        (Path("docs/cli.md"), cli_page()),
        (architecture, architecture_page(architecture.read_text())),
    ):
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(str(path))
    if stale:
        sys.exit(f"{', '.join(stale)} does not match the code: run `make docs` and commit the result.")


if __name__ == "__main__":
    main()
