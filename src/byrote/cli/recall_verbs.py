"""Verbs of explicit memories."""

import click

from byrote.cli.recall_compare_verb import compare


@click.group(short_help="Explicit memories beside a network.")
def recall() -> None:
    """Explicit memories: keys with answers beside a network."""


recall.add_command(compare)
