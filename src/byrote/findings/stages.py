"""Stages: what a report is about to do, said to whoever waits for it."""

from collections.abc import Callable

Stage = Callable[[str], None]
"""Is told what begins, in a few words: "membership attacks"."""


def silent(stage: str) -> None:
    """Say nothing about a stage."""
