"""The verb that repeats founding experiments: reproduce."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from byrote.cli.options import seed_option
from byrote.cli.output import message, training_bar

if TYPE_CHECKING:
    from byrote.experiments.reproductions.reproduce import Plan


@click.command(short_help="Repeat founding experiments, figure by figure, with verdicts.")
@click.argument("name", required=False)
@click.option(
    "--scale",
    default="tiny",
    show_default=True,
    help="tiny: minutes on two cores, with data that ship with byrote. small: about half an hour. paper: the real sizes, for GPUs and with --data.",
)
@click.option("--only", multiple=True, help="Only this figure or claim: 5, 'table 1', C3. Repeatable. [default: all]")
@click.option(
    "--data", metavar="DIRECTORY", help="Directory of MNIST or CIFAR-10, for --scale paper. Nothing is downloaded."
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Train nothing if it would take longer.")
@seed_option
@click.option("--out", metavar="DIRECTORY", help="Directory of the results. [default: reproductions/NAME-SCALE]")
@click.option(
    "--workers", type=click.IntRange(1), help="Number of training processes. [default: one per core; one on a GPU]"
)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, mps ...")
def reproduce(
    name: str | None, scale: str, only: Sequence[str], data: str | None, minutes: float | None, seed: int,
    out: str | None, workers: int | None, device: str,
) -> None:  # fmt: skip
    """Repeat the experiments of NAME (arpit2017, zhang2017 or claims) and judge each figure by what it must show.

    Without NAME, lists what there is. Prints a verdict with its numbers, and writes reproduction.html. Stop it at any time:
    finished trainings are kept, and the same command goes on where it stopped.
    """
    from byrote.experiments.reproductions.reproduce import PAPERS
    from byrote.experiments.reproductions.reproduce import reproduce as run
    from byrote.report.reproduction import write_reproduction
    from byrote.training.checks import check_device
    from byrote.training.compute import Compute

    if name is None:
        for short, paper in PAPERS.items():
            click.echo(f"{short}: {paper.title}")
            for each in paper.experiments:
                click.echo(f"  {each.name}: {each.title}")
        return
    check_device(device)
    where = out or f"reproductions/{name}-{scale}"
    with training_bar() as (update, close):

        def tell(plan: "Plan") -> None:
            message(plan.sentence())
            for experiment, reason in plan.left_out:
                message(f"{experiment.name} is left out: {reason.reason}")

        figures = run(
            name, where, scale=scale, only=only, seed=seed, data=data, minutes=minutes,
            compute=Compute(workers=workers, device=device), progress=update, on_plan=tell,
        )  # fmt: skip
        close()
    click.echo("\n\n".join("\n".join(figure.sentences()) for figure in figures))
    command = f"byrote reproduce {name} --scale {scale}" + "".join(f" --only '{each}'" for each in only)
    page = write_reproduction(
        figures, f"{where}/reproduction.html", title=PAPERS[name].title, scale=scale, command=command
    )
    click.echo(f"\nreport: {page}")
