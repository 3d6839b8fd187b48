"""Options that several verbs have: each is written once, and means the same everywhere."""

from collections.abc import Callable

import click

Verb = Callable[..., None]

seed_option = click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of all randomness."
)
"""Adds --seed, as `seed`."""


def machine_options(verb: Verb) -> Verb:
    """Add --workers and --device: with how much of the machine models are trained."""
    workers = click.option(
        "--workers", type=click.IntRange(1), help="Number of training processes. [default: one per core; one per GPU]"
    )
    device = click.option("--device", default="cpu", show_default=True, help="cpu, cuda, mps ...")
    return workers(device(verb))
