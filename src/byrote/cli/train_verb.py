"""The verb that trains one model to use: train, with memorization held at a target."""

from typing import Any

import click

from byrote.cli.options import machine_options, opened, seed_option, task_options
from byrote.cli.output import data_options, message, print_data, training_bar


@click.command(short_help="Train a model while memorization is held at a target.")
@click.argument("task")
@click.option(
    "--hold", metavar="memorization=NUMBER", help="Hold memorization at this target, from 0 (none) to 1 (by rote)."
)
@click.option("--cap", metavar="memorization=NUMBER", help="Brake only where memorization exceeds this.")
@click.option("--floor", metavar="memorization=NUMBER", help="Let go of the brake where memorization is below this.")
@click.option("--knob", default="dropout", show_default=True, help="What is turned: dropout, weight_decay, trim ...")
@click.option(
    "--kind",
    default="mislabeled",
    show_default=True,
    help="Kind of canary that is read: mislabeled, ordinary, noise, ambiguous.",
)
@click.option(
    "--start",
    type=click.FloatRange(0, 1),
    default=None,
    help="Effort to begin with, from 0 to 1. [default: 0; with --floor .5]",
)
@click.option(
    "--canaries",
    help="Canaries to plant, as in `byrote audit`. [default: 8 % of the training examples, half of which verify]",
)
@click.option("--runs", type=click.IntRange(1), default=1, show_default=True, help="Number of models.")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the training set. [default: the task's recipe]")
@task_options
@seed_option
@click.option("--out", metavar="DIRECTORY", help="Directory of the record and the weights. [default: trained/NAME]")
@machine_options
@data_options
def train(
    task: str,
    hold: str | None,
    cap: str | None,
    floor: str | None,
    knob: str,
    kind: str,
    start: float | None,
    canaries: str | None,
    runs: int,
    epochs: int | None,
    seed: int,
    out: str | None,
    workers: int | None,
    device: str,
    form: str | None,
) -> None:
    """Train a model on all examples of TASK while a controller turns a knob, so that memorization stays at a target.

    If TASK is a file, it is executed. Memorization is that of canaries: half of them is read by the controller, the other half
    says at the end whether the target was met. Weights are in models/ of the directory, the course in thermostat.svg.
    """
    from dataclasses import replace

    from byrote.controls import thermostat
    from byrote.experiments.held import train as train_held
    from byrote.findings.held import draw_held, held_rows, held_sentences
    from byrote.record.storage import place, replacing
    from byrote.task.canaries import parse_canaries
    from byrote.training.compute import Compute

    mode, target = _goal({"hold": hold, "cap": cap, "floor": floor})
    begin = (0.5 if mode == "floor" else 0.0) if start is None else start
    found = opened(task)
    if epochs is not None:
        found = replace(found, recipe=replace(found.recipe, epochs=epochs))
    settings: Any = {"mode": mode, "start": begin}
    control = thermostat(target, knob, kind, **settings)
    where = out or f"trained/{found.name}"
    with training_bar() as (update, _):
        held = train_held(
            found, where, control, runs=runs, seed=seed, progress=update, source=task,
            canaries=None if canaries is None else parse_canaries(canaries),
            compute=Compute(workers=workers, device=device),
        )  # fmt: skip
    with replacing(place(where) / "thermostat.svg") as path:
        path.write_text(draw_held(held), encoding="utf-8")
    if form:
        print_data(held_rows(held), form)
        return
    click.echo("\n".join(held_sentences(held)))
    message(f"The weights are in {where}/models, the course of the training in {where}/thermostat.svg.")


def _goal(given: dict[str, str | None]) -> tuple[str, float]:
    """Return the mode and the target of the one option that was given."""
    named = {mode: text for mode, text in given.items() if text is not None}
    if len(named) != 1:
        raise click.UsageError("Give one of --hold, --cap and --floor, such as --hold memorization=.2")
    ((mode, text),) = named.items()
    measure, equals, number = text.partition("=")
    try:
        target = float(number if equals else measure)
    except ValueError:
        raise click.UsageError(f"--{mode} {text} has no number. Write --{mode} memorization=.2") from None
    if equals and measure.strip() != "memorization":
        raise click.UsageError(f"--{mode} {text}: what can be held is memorization. Write --{mode} memorization=.2")
    return mode, target
