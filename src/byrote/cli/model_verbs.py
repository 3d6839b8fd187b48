"""The verbs that train a run again to ask its model: locate, attribute."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from byrote.cli.output import data_options, print_data, print_rows, say

if TYPE_CHECKING:
    from byrote.attribution import Attribution
    from byrote.record import Record


@click.command(short_help="Which layer keeps what a run memorized?")
@click.argument("task")
@click.argument("runs", metavar="RUNS")
@click.option("--run", type=click.IntRange(0), default=0, show_default=True, help="Which run to train again.")
@click.option(
    "--examples",
    type=click.IntRange(2),
    default=50,
    show_default=True,
    help="How many memorized examples to ask about at most, and as many clean ones.",
)
@click.option(
    "--layer",
    "modules",
    multiple=True,
    help="Only this module, with all beneath it as one layer. Repeatable. [default: every module with weights of its own]",
)
@click.option("--neurons", is_flag=True, help="Print how many silenced neurons flip an example instead.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="All randomness comes from it.")
@click.option("--device", help="cpu, cuda, mps ... [default: what the run was trained on]")
@data_options
def locate(
    task: str,
    runs: str,
    run: int,
    examples: int,
    modules: Sequence[str],
    neurons: bool,
    seed: int,
    device: str | None,
    form: str | None,
) -> None:
    """Train a run of TASK's record in RUNS again, and ask which of its layers keeps what it memorized.

    Memorized are planted wrong labels that the run was trained on and has learned; clean are training examples that
    it gets right. The table has, for both, the share of the gradient that lies in a layer, and who is still
    predicted as labelled when the layer is put back to before it memorized (rewound), and when it is reset
    and trained alone on clean examples (retrained).
    """
    from byrote.locate import locate as ask
    from byrote.locate import locate_neurons
    from byrote.locate.tables import layer_rows, layer_verdict, neuron_rows, neuron_verdict
    from byrote.record import Record
    from byrote.task.loading import load_task
    from byrote.training.matching import as_recorded

    record = Record(runs)
    found = as_recorded(load_task(task), record)
    asked: dict[str, Any] = {"examples": examples, "modules": modules or None, "seed": seed, "device": device}
    with _stages() as tell:
        if neurons:
            survey = locate_neurons(found, record, run, **asked, tell=tell)
            rows, verdict = neuron_rows(survey), neuron_verdict(survey)
            about = f"{survey.learned} of {survey.planted} planted wrong labels were memorized."
        else:
            survey = ask(found, record, run, **asked, tell=tell)
            rows, verdict = layer_rows(survey), layer_verdict(survey)
            about = (
                f"{survey.learned} of {survey.planted} planted wrong labels were memorized. In %, intervals at 90 % over examples; gradient after epoch {survey.earlier}, "
                f"rewound to epoch {survey.earlier}, retrained for {survey.retrained} epochs."
            )
    if form:
        print_data(rows, form)
    else:
        print_rows([_short(row, ("critical", "random"), lambda v: f"{v:g}") for row in rows], [])
        say(about)
    say(f"{verdict} That is one run: see whether another --run says the same.")


@click.command(short_help="Which training examples do test examples owe to?")
@click.argument("task")
@click.argument("runs", metavar="RUNS")
@click.option(
    "--method",
    type=click.Choice(["tracin", "trak"]),
    default="tracin",
    show_default=True,
    help="tracin: checkpoints of a run. trak: a linear model; one run says little, --models 10 much more.",
)
@click.option("--run", "chosen", type=click.IntRange(0), multiple=True, help="Which run to train again. Repeatable.")
@click.option("--models", type=click.IntRange(1), help="Train the first N runs again instead. [default: 1]")
@click.option(
    "--targets",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="How many test examples to ask about: those on which the runs are divided most evenly. Where every run is right, or none, no training example has influence.",
)
@click.option(
    "--sketch",
    type=click.IntRange(0),
    help="Numbers that a gradient is reduced to; 0: none, exact and slower. [default: 2048; trak: a tenth of the examples if less]",
)
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, help="How many pairs to print.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="All randomness comes from it.")
@click.option("--device", help="cpu, cuda, mps ... [default: what the run was trained on]")
@data_options
def attribute(
    task: str,
    runs: str,
    method: str,
    chosen: Sequence[int],
    models: int | None,
    targets: int,
    sketch: int | None,
    top: int,
    seed: int,
    device: str | None,
    form: str | None,
) -> None:
    """Train a run of TASK's record in RUNS again, and say by gradients which training examples its test examples owe to.

    Prints the strongest pairs, of either sign (below 0 the training example harms), with their influence beside them.
    All values are kept in RUNS/attribution/METHOD.parquet, and how far they agree with influence is in the report.
    """
    from byrote.attribution import attribute as ask
    from byrote.attribution import write_attribution
    from byrote.record import Record
    from byrote.task.loading import load_task
    from byrote.training.matching import as_recorded

    if chosen and models:
        raise click.UsageError("Give --run or --models, not both.")
    record = Record(runs)
    with _stages() as tell:
        found = ask(
            as_recorded(load_task(task), record), record, method, runs=chosen or record.runs[: models or 1],
            targets=targets, sketch=sketch, seed=seed, device=device, tell=tell,
        )  # fmt: skip
        path = write_attribution(record, found)
    print_attribution(record, found, top, form)
    say(f"kept: {path}")


def print_attribution(record: "Record", found: "Attribution", top: int, form: str | None) -> None:
    """Print the strongest pairs of an attribution, and how far it agrees with influence."""
    from byrote.attribution.tables import agreement_verdict, attribution_rows

    rows, method = attribution_rows(record, found, top=top), found.about.method
    if form:
        print_data(rows, form)
    else:
        print_rows([{**row, method: f"{row[method]:+.3g}"} for row in rows], ["influence"])
    say(agreement_verdict(found.about))


def _short(row: dict[str, Any], counts: Sequence[str], count: Callable[[float], str]) -> dict[str, Any]:
    """Return a row with numbers and their intervals as short texts under narrow names: counts as they are, shares in per cent."""
    shown: dict[str, Any] = {}
    for name, value in row.items():
        if f"{name} low" in row:
            text = count if name in counts else lambda share: f"{100 * share:.0f}"
            ends = [text(row[f"{name} {end}"]) for end in ("low", "high") if row[f"{name} {end}"] is not None]
            shown[name.replace(" ", "\n")] = (
                "undefined" if value is None else text(value) + (f" [{', '.join(ends)}]" if ends else "")
            )
        elif not name.endswith((" low", " high")):
            shown[name] = f"{value:,}" if isinstance(value, int) else value
    return shown


@contextmanager
def _stages() -> Generator[Callable[[str, int, int], None]]:
    """Show a bar with what is being done, and how long it took so far."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(20), TaskProgressColumn(), TimeElapsedColumn()
    bar = Progress(*columns, console=Console(stderr=True))
    shown = bar.add_task("", total=None)

    def tell(doing: str, done: int, of: int) -> None:
        bar.update(shown, description=doing, completed=done, total=of or None)
        bar.start()

    try:
        yield tell
        bar.update(shown, description="trained and asked", completed=1, total=1)
    finally:
        if bar.live.is_started:
            bar.stop()
