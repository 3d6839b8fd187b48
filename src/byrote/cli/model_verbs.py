"""The verbs that train a run again and analyse its model: locate, attribute."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from byrote.cli.options import seed_option, task_of_record, task_options
from byrote.cli.output import data_options, message, print_data, print_rows, say_how_long, stage_bar

if TYPE_CHECKING:
    from byrote.attribution import Attribution
    from byrote.locate import NeuronSurvey, Survey
    from byrote.record import Record


@click.command(short_help="Find the layers that keep what a run memorized.")
@click.argument("task")
@click.argument("directory", metavar="RECORD")
@click.option("--run", type=click.IntRange(0), default=0, show_default=True, help="The run to train again.")
@click.option(
    "--examples",
    type=click.IntRange(2),
    default=50,
    show_default=True,
    help="Maximum number of memorized examples, and of clean examples to compare them with.",
)
@click.option(
    "--layer",
    "modules",
    multiple=True,
    help="Analyse only this module, with all its submodules as one layer. Repeatable. [default: every module with weights of its own]",
)
@click.option(
    "--neurons", is_flag=True, help="Count the neurons that have to be silenced until a prediction flips, instead."
)
@task_options
@seed_option
@click.option("--device", help="cpu, cuda, mps ... [default: the device that the run was trained on]")
@data_options
def locate(
    task: str,
    directory: str,
    run: int,
    examples: int,
    modules: Sequence[str],
    neurons: bool,
    seed: int,
    device: str | None,
    form: str | None,
) -> None:
    """Train a run of RECORD again, and find the layers that keep what it memorized.

    TASK is the task of the record; if it is a file, it is executed.

    Memorized examples are planted wrong labels that the run was trained on and predicts; clean ones are training examples
    that it predicts as labelled. For both, the table has the share of the gradient that lies in a layer, and the share
    still predicted as labelled when the layer is set back to an epoch before the model memorized (rewound), and when it
    is reset and trained alone on clean examples (retrained).
    """
    from byrote.locate import locate as by_layer
    from byrote.locate import locate_neurons
    from byrote.locate.tables import layer_rows, layer_verdict, neuron_rows, neuron_verdict
    from byrote.record import Record

    record = Record(directory)
    found = task_of_record(task, record)
    with stage_bar(lambda: say_how_long(record, 1, f"Training run {run} again")) as progress:
        options: dict[str, Any] = {
            "examples": examples, "modules": modules or None, "seed": seed, "device": device, "progress": progress,
        }  # fmt: skip
        if neurons:
            survey = locate_neurons(found, record, run, **options)
            rows, verdict = neuron_rows(survey), neuron_verdict(survey)
        else:
            survey = by_layer(found, record, run, **options)
            rows, verdict = layer_rows(survey), layer_verdict(survey)
    if form:
        print_data(rows, form)
    else:
        print_rows([_short(row, ("critical", "random"), lambda v: f"{v:g}") for row in rows], [])
        message(_about(survey))
    message(f"{verdict} This is one run: check with --run whether others agree.")


@click.command(short_help="Attribute test examples to training examples by gradients.")
@click.argument("task")
@click.argument("directory", metavar="RECORD")
@click.option(
    "--method",
    type=click.Choice(["tracin", "trak"]),
    default="tracin",
    show_default=True,
    help="tracin: adds up checkpoints of a run. trak: a linear model of the trained network; use it with --models 10, one run says little.",
)
@click.option("--run", "chosen", type=click.IntRange(0), multiple=True, help="A run to train again. Repeatable.")
@click.option("--models", type=click.IntRange(1), help="Train the first N runs again instead. [default: 1]")
@click.option(
    "--targets",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Number of test examples to attribute: those on which the runs are divided most evenly. Where every run is right, or none, no training example has influence.",
)
@click.option(
    "--sketch",
    type=click.IntRange(0),
    help="Numbers that a gradient is reduced to; 0: not reduced, exact and slower. [default: 2048; trak: at most a tenth of the examples]",
)
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, help="Number of pairs to print.")
@task_options
@seed_option
@click.option("--device", help="cpu, cuda, mps ... [default: the device that the run was trained on]")
@data_options
def attribute(
    task: str,
    directory: str,
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
    """Train a run of RECORD again, and find by gradients which training examples its test examples depend on.

    TASK is the task of the record; if it is a file, it is executed. Prints the strongest pairs, of either sign (below 0 the
    training example harms), each with its influence. All values are kept in RECORD/attribution/METHOD.parquet, and the
    report shows how far they agree with influence.
    """
    from byrote.attribution import attribute as by_gradients
    from byrote.attribution import write_attribution
    from byrote.record import Record

    if chosen and models:
        raise click.UsageError("Give --run or --models, not both.")
    record = Record(directory)
    recorded, runs = task_of_record(task, record), tuple(chosen) or record.runs[: models or 1]
    again = "a run" if len(runs) == 1 else f"{len(runs)} runs"
    with stage_bar(lambda: say_how_long(record, len(runs), f"Training {again} again")) as progress:
        found = by_gradients(
            recorded, record, method, runs=runs, targets=targets, sketch=sketch, seed=seed,
            device=device, progress=progress,
        )  # fmt: skip
        path = write_attribution(record, found)
    print_attribution(record, found, top, form)
    message(f"kept: {path}")


def print_attribution(record: "Record", found: "Attribution", top: int, form: str | None) -> None:
    """Print the strongest pairs of an attribution, and how far it agrees with influence."""
    from byrote.attribution.tables import agreement_verdict, attribution_rows

    rows, method = attribution_rows(record, found, top=top), found.about.method
    if form:
        print_data(rows, form)
    else:
        print_rows([{**row, method: f"{row[method]:+.3g}"} for row in rows], ["influence"])
    message(agreement_verdict(found.about))


def _about(survey: "Survey | NeuronSurvey") -> str:
    """Return what the table is about: how much was memorized, and where layers were rewound to."""
    from byrote.locate import Survey

    memorized = f"{survey.learned} of {survey.planted} planted wrong labels were memorized."
    if not isinstance(survey, Survey):
        return memorized
    return (
        f"{memorized} In %, intervals at 90 % over examples; gradient after epoch {survey.earlier}, "
        f"rewound to epoch {survey.earlier}, retrained for {survey.retrained} epochs."
    )


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
