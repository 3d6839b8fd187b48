"""The verb that trains: audit."""

from collections.abc import Generator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import click

from byrote.cli.options import given_task, machine_options, reading_options, seed_option
from byrote.cli.output import training_bar

USUAL_RUNS = 20
"""Runs of the usual design, for a guess at how many workers there will be."""


@click.command(short_help="Train models, score every example, write the report.")
@click.argument("task")
@click.option(
    "--runs",
    type=click.IntRange(0),
    help="Number of models in all, finished ones included; 0 trains none. [default: what the design needs]",
)
@click.option("--epochs", type=click.IntRange(1), help="Passes over the training set. [default: the task's recipe]")
@click.option(
    "--design",
    help="Which examples each model is trained on: subsets(...), halves, together(...), kfold(folds=5), leave_one_out, leave_group_out. [default: subsets(fraction=0.7); of a table with groups together(fraction=0.7)]",
)
@click.option(
    "--canaries",
    help="Number of canaries to plant of each usual kind, or of the kinds you name: mislabeled=50,ambiguous=20. Kinds: mislabeled, ordinary, noise, ambiguous. Wrong labels and ordinary ones are examples taken out of your training data; 0 plants none. [default: of each usual kind, 1 % of the training examples]",
)
@reading_options
@seed_option
@click.option(
    "--take",
    type=click.IntRange(2),
    help="Use only so many of the training examples, drawn by the seed. [default: all]",
)
@click.option(
    "--until",
    metavar="GOAL",
    help="Train until memorization is known this well: 0.9 (reliability: squared correlation with the true values), top=100:0.9 (of the hundred most memorized, 90 % are expected to be right), error=0.05 (median standard error); several with commas. --runs is then the maximum.",
)
@click.option(
    "--out", metavar="DIRECTORY", help="Directory of the record, or a URL (s3://bucket/name). [default: audits/NAME]"
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where models train: processes of this machine, or a Ray cluster (needs the extra `ray`).",
)
@click.option(
    "--probe",
    "probes",
    multiple=True,
    help="Compute this for every example with each trained model, for example curvature. Repeatable; docs/scores.md lists the probes.",
)
@click.option(
    "--probe-every",
    type=click.IntRange(0),
    default=0,
    help="Compute probes every N epochs too. [default: after training only]",
)
@machine_options
@click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "bf16"]),
    default="auto",
    show_default=True,
    help="auto: bfloat16 where the hardware supports it.",
)
@click.option("--memory", help="Maximum memory of training, for example 8GB. [default: what is free]")
def audit(
    task: str,
    runs: int | None,
    epochs: int | None,
    design: str | None,
    canaries: str | None,
    seed: int,
    take: int | None,
    until: str | None,
    out: str | None,
    engine: str,
    probes: Sequence[str],
    probe_every: int,
    workers: int | None,
    device: str,
    precision: Literal["auto", "fp32", "bf16"],
    memory: str | None,
) -> None:
    """Train models on subsets of TASK's examples, score every example, and write report.html.

    TASK is fashion, fashion-mnist, digits, a Python file that defines `task`, or package.module:name. Such a file or module is
    executed: give only one that you trust. Or it is a table (.csv, .tsv, .parquet, .jsonl) with --label. Stop it at any
    time: finished runs are kept, and the same command goes on where it stopped.
    """
    from byrote.training.workers import started_early

    local = engine == "local" and device == "cpu"
    with started_early(_expected(task, out, runs, workers) if local else 1):
        from byrote.task.canaries import parse_canaries
        from byrote.task.designs import parse_design
        from byrote.training.compute import Compute
        from byrote.training.memory import parse_memory
        from byrote.training.until import parse_until

        planted = None if canaries is None else parse_canaries(canaries)
        budget = None if memory is None else parse_memory(memory)
        designed = None if design is None else parse_design(design)
        goal = None if until is None else parse_until(until)
        given = given_task(task)  # after what is refused at once
        from byrote.auditing import audit as run_audit

        with _executor(engine, device) as executor, training_bar() as (update, close):

            def show(verdict: list[str]) -> None:
                close()
                click.echo("\n".join(verdict))

            record = run_audit(
                given, out, runs=runs, until=goal, epochs=epochs, design=designed, canaries=planted,
                seed=seed, take=take, probes=probes, probe_every=probe_every, progress=update, on_verdict=show,
                compute=Compute(workers, executor, device, precision, budget),
            )  # fmt: skip
    click.echo(f"\nreport: {record.directory / 'report.html'}")


def _expected(task: str, out: str | None, runs: int | None, workers: int | None) -> int:
    """Return how many workers the missing runs are likely to need, before anything slow is imported."""
    from byrote.training.workers import cores

    finished = Path(out or Path("audits") / Path(task).stem, "runs").glob("*.parquet")
    return max(1, min(workers or cores(), (USUAL_RUNS if runs is None else runs) - sum(1 for _ in finished)))


@contextmanager
def _executor(engine: str, device: str) -> Generator[Executor | None]:
    if engine == "local":
        yield None
        return
    from byrote.integrations.ray import RayExecutor

    with RayExecutor(gpus=1 if device.startswith("cuda") else 0) as executor:
        yield executor
