"""Write the pages that are generated from the code: docs/scores.md and docs/cli.md. `--check` fails when they are stale."""

import sys
from pathlib import Path

import click

from rote.catalogue import MEANING, catalogue_rows
from rote.cli import app
from rote.scores import SCORES

NOTE = "<!-- Generated from the code by `make docs`. Do not edit. -->\n"


def scores_page() -> str:
    lines = [NOTE, "# Scores\n"]
    lines.append(
        "A score's signature states what it needs: column names, and in brackets their axes. See [schema.md](schema.md)."
    )
    lines.append(
        "A score that reads no `run` axis speaks about one model; over several runs it is averaged over those trained on the example.\n"
    )
    lines.append("| score | a high value means | needs | evidence |\n|---|---|---|---|")
    for row in catalogue_rows():
        name = row["score"].split("(")[0]
        lines.append(f"| [`{row['score']}`](#{name}) | {row['high means']} | {row['needs']} | {row['evidence']} |")
    for score in SCORES.values():
        body = "\n".join(line.strip() for line in (score.function.__doc__ or "").strip().splitlines())
        lines.append(f"\n## {score.name}\n\n{body}\n\nHigh: {MEANING[score.high]}. Source: {score.source}")
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    parts = [NOTE, "# Command line\n", _help(app, "rote")]
    parts += [f"## rote {name}\n\n{_help(command, f'rote {name}')}" for name, command in app.commands.items()]
    return "\n".join(parts)


def _help(command: click.Command, path: str) -> str:
    with click.Context(command, info_name=path, max_content_width=110, terminal_width=110) as context:
        return f"```\n{command.get_help(context)}\n```\n"


def main() -> None:
    stale = []
    for path, text in ((Path("docs/scores.md"), scores_page()), (Path("docs/cli.md"), cli_page())):
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(str(path))
    if stale:
        sys.exit(f"{', '.join(stale)} does not match the code: run `make docs` and commit the result.")


if __name__ == "__main__":
    main()
