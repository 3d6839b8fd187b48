"""docs/cli.md: the help of every command."""

import click

from byrote.cli import app
from generated import NOTE


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
