"""The verb that asks why a model memorizes: causes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from byrote.cli.options import machine_options, opened, seed_option, task_options
from byrote.cli.output import data_options, message, print_data, print_rows, training_bar

if TYPE_CHECKING:
    from byrote.experiments.arms import CausesPlan
    from byrote.training.compute import Compute


@click.command(short_help="Find out by experiment why a model memorizes.")
@click.argument("task")
@click.option("--runs", type=click.IntRange(1), default=96, show_default=True, help="Models to train in all, at most.")
@click.option("--out", metavar="DIRECTORY", help="Directory of the records and the page. [default: audits/NAME-causes]")
@click.option(
    "--factor",
    "only",
    multiple=True,
    help="Examine only this: noise, variety, data, time, width, regularization, augmentation. Repeatable. [default: all that the task has]",
)
@click.option(
    "--remedy",
    "remedies",
    multiple=True,
    help="Examine this control too, in place of the usual regularization, for example 'dropout(0.3)'. Repeatable.",
)
@task_options
@seed_option
@machine_options
@data_options
def causes(
    task: str,
    runs: int,
    out: str | None,
    only: Sequence[str],
    remedies: Sequence[str],
    seed: int,
    workers: int | None,
    device: str,
    form: str | None,
) -> None:
    """Train TASK with less data, less variety, wrong labels, half the time, half the width and regularization, and compare.

    Says which of these the memorization of this model comes from, what would help most and what it would cost, and writes
    causes.html. (Why single examples are memorized is in the report of `byrote audit`.) If TASK is a file, it is executed.
    Stop it at any time: finished runs are kept, and the same command goes on where it stopped.
    """
    from byrote.experiments.arms import plan_causes
    from byrote.experiments.model_causes import run_causes
    from byrote.findings.model_causes import causes_rows, factor_rows
    from byrote.report.causes_page import write_causes
    from byrote.report.why import not_examined, why
    from byrote.training.compute import Compute

    found_task = opened(task)
    plan = plan_causes(found_task, runs=runs, seed=seed, only=only, remedies=remedies)
    where, compute = out or str(Path("audits") / f"{found_task.name}-causes"), Compute(workers=workers, device=device)
    _say_plan(plan, where, compute)
    with training_bar() as (update, _):
        found = run_causes(plan, where, compute=compute, progress=update)
    page = write_causes(found, f"{where.rstrip('/')}/causes.html")
    if form:
        print_data(causes_rows(found), form)
    else:
        names = ("name", "low", "high", "as is")
        numbers = ("gap", "share", "canaries", "tail", "accuracy")
        kept = {*names, *(f"{name}{end}" for name in numbers for end in ("", " low", " high"))}
        print_rows([{k: v for k, v in row.items() if k in kept} for row in factor_rows(found)], numbers)
        message(
            "Effects: the number where the factor is high minus where it is low, with 90 % intervals; shares are of the gap."
        )
        click.echo()
        for sentence in why(found).sentences:
            click.echo(sentence)
    for sentence in not_examined(found):
        message(sentence)
    (message if form else click.echo)(f"\nreport: {page}")


def _say_plan(plan: "CausesPlan", where: str, compute: "Compute") -> None:
    """Say how many runs there will be and about how long they take, before the first."""
    from byrote.experiments.arms import estimate_seconds
    from byrote.training.progress import spell_seconds

    missing = sum(plan.missing(where))
    done = f", of which {plan.runs - missing} are there already" if missing < plan.runs else ""
    message(
        f"{plan.runs} runs{done}: {len(plan.arms)} arms of {plan.budget.runs}, on {', '.join(plan.names)}. Measuring how long an epoch takes ..."
    )
    seconds = estimate_seconds(plan, where, compute)
    if seconds is None:
        message("How long the runs of a byrote.Fit take is known when the first are finished.")
    elif missing:
        message(f"They take about {spell_seconds(seconds)}. Stop at any time; the same command goes on.")
