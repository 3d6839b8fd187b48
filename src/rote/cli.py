"""The command line: few verbs, each one library call. stdout is data, stderr is talk, a failure is a sentence and status 1."""

import logging
import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.table import Table

from rote.errors import RoteError
from rote.version import __version__

if TYPE_CHECKING:
    from rote.stopping import Going
    from rote.summaries.forecast import Forecast


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="rote")
@click.option("--debug", is_flag=True, help="Show the traceback of an error. Give it before or after the verb.")
def app(debug: bool) -> None:
    """Measure and explain what a classifier learned by rote.

    \b
    rote audit fashion                      audit the data that ships with rote
    rote audit my_task.py                   audit your own task
    rote score audits/fashion memorization  print a score, example by example
    rote report audits/fashion              write the report again
    rote catalogue                          list all scores
    """


@app.command()
@click.argument("task")
@click.option(
    "--runs",
    type=click.IntRange(0),
    help="How many models to have in all. Finished ones count; 0 trains none. [default: what the design needs]",
)
@click.option("--epochs", type=click.IntRange(1), help="Passes over the training set. [default: the task's recipe]")
@click.option(
    "--design",
    default="subsets(fraction=0.7)",
    show_default=True,
    help="Who is trained on what: subsets(...), halves, kfold(folds=5), leave_one_out, leave_group_out.",
)
@click.option(
    "--canaries",
    type=click.IntRange(0),
    help="How many canaries of each kind to plant. [default: 1 % for the tasks of rote, 0 for yours]",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="All randomness comes from it.")
@click.option(
    "--until",
    type=click.FloatRange(0, min_open=True),
    help="Train until the median standard error of memorization is this small, for example 0.05; --runs is then the most to train.",
)
@click.option(
    "--out", metavar="DIRECTORY", help="Directory of the record, or a URL (s3://bucket/name). [default: audits/NAME]"
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where models train: processes of this machine, or a Ray cluster (pip install 'rote[ray]').",
)
@click.option("--workers", type=click.IntRange(1), help="Processes that train. [default: one per core; one per GPU]")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, mps ...")
@click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "bf16"]),
    default="auto",
    show_default=True,
    help="auto: bfloat16 where the machine has it in hardware.",
)
@click.option("--memory", help="The most that training may take, for example 8GB. [default: what is free]")
def audit(
    task: str,
    runs: int | None,
    epochs: int | None,
    design: str,
    canaries: int | None,
    seed: int,
    until: float | None,
    out: str | None,
    engine: str,
    workers: int | None,
    device: str,
    precision: Literal["auto", "fp32", "bf16"],
    memory: str | None,
) -> None:
    """Train models on subsets of TASK's examples, score every example, and write report.html.

    TASK is fashion, fashion-mnist, digits, a Python file that defines `task`, or package.module:name. Stop it at any
    time: finished runs are kept, and the same command goes on where it stopped.
    """
    from rote.auditing import audit as run_audit
    from rote.canaries import Canaries
    from rote.designs import parse_design
    from rote.memory import parse_memory

    planted = None if canaries is None else Canaries.of_each(canaries)
    budget = None if memory is None else parse_memory(memory)
    with _executor(engine, device) as executor, _progress() as (update, close):

        def tell(said: list[str]) -> None:
            close()
            click.echo("\n".join(said))
            _say("drawing the report ...")

        record = run_audit(
            task, out, runs=runs, until=until, epochs=epochs, design=parse_design(design), canaries=planted,
            seed=seed, workers=workers, executor=executor, device=device, precision=precision, memory=budget,
            progress=update, tell=tell,
        )  # fmt: skip
    click.echo(f"\nreport: {record.directory / 'report.html'}")


@app.command()
@click.argument("runs", metavar="RUNS")
@click.argument("scores", nargs=-1, required=True)
@click.option(
    "--top",
    type=click.IntRange(1),
    help="Only the first N rows. [default: 20 in a table, all in CSV and JSON]",
)
@click.option(
    "--split",
    type=click.Choice(["train", "test", "canary", "all"]),
    help="Whose values to print; of influence: on whom. Canaries are only in the last two. [default: train; test for influence]",
)
@click.option("--csv", "form", flag_value="csv", help="Print CSV.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
def score(runs: str, scores: Sequence[str], top: int | None, split: str | None, form: str | None) -> None:
    """Print SCORES of the record in RUNS, most memorized (by the first score) first.

    A score is a name of `rote catalogue`, with options as in 'el2n(step=5)', or your own: my_file.py:name.
    """
    from rote.catalogue import find_score
    from rote.evidence import evaluate
    from rote.record import Record
    from rote.tables import pair_rows, score_rows

    record, asked = Record(runs), [find_score(text) for text in scores]
    limit = top if top is not None or form else 20
    across = [s for s in asked if "target" in s.key]
    if across and len(asked) > 1:
        raise RoteError(
            f"{across[0]} has a value per pair of examples, so it makes a table of its own. Ask for it alone."
        )
    if across:
        rows = pair_rows(record, across[0], targets=split or "test", top=top or 20)
    else:
        scored = [evaluate(s, record) for s in asked]
        rows = score_rows(record, scored, split=split or "train", top=limit)
    if form:
        _print_data(rows, form)
        return
    _print_rows(rows, [str(s) for s in asked])
    _say(f"{len(record.runs)} runs; intervals at 90 %. Four times as many runs would halve them.")
    if across:
        _say(
            "These are the largest of very many pairs: with few runs, most of them are chance. The report says how many to expect."
        )


@app.command()
@click.argument("runs", metavar="RUNS")
@click.option("--out", metavar="FILE", help="The file to write. [default: RUNS/report.html]")
def report(runs: str, out: str | None) -> None:
    """Write the report of the record in RUNS again, without training."""
    from rote.record import Record
    from rote.report import write_report

    click.echo(write_report(Record(runs), out))


@app.command()
@click.option("--csv", "form", flag_value="csv", help="Print CSV.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
def catalogue(form: str | None) -> None:
    """List all scores: what they need, which end is high, and the paper."""
    from rote.catalogue import catalogue_rows

    rows = catalogue_rows()
    if form:
        _print_data(rows, form)
        return
    for row in rows:
        click.echo(
            f"{row['score']}\n  {row['meaning']}\n  high: {row['high means']}; needs: {row['needs']} ({row['evidence']})\n  {row['paper']}\n"
        )


def main() -> None:
    """Run the command line; the only place where an error becomes a sentence and an exit status."""
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        app(arguments, prog_name="rote", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (RoteError, KeyboardInterrupt, click.Abort, OSError, MemoryError) as error:
        if debug:
            raise
        _say(_sentence(error))
        sys.exit(1)


def _sentence(error: BaseException) -> str:
    if isinstance(error, RoteError):
        return f"rote: {error}"
    if isinstance(error, OSError):
        where = f" {error.filename}" if error.filename else ""
        return f"rote: The system refused:{where} {error.strerror or error}. Check the path, its permissions and the space left; finished runs are kept."
    if isinstance(error, MemoryError):
        return "rote: There is not enough memory. Use fewer --workers or fewer examples; finished runs are kept."
    return "rote: Interrupted. Finished runs are kept; the same command goes on from there."


def _say(text: str) -> None:
    click.echo(text, err=True)


@contextmanager
def _executor(engine: str, device: str) -> Generator[Executor | None]:
    if engine == "local":
        yield None
        return
    from rote.adapters.ray import RayExecutor

    with RayExecutor(gpus=1 if device.startswith("cuda") else 0) as executor:
        yield executor


@contextmanager
def _progress() -> Generator[tuple[Callable[["Going"], None], Callable[[], None]]]:
    """Show a bar while models train, and what `rote` warns of above it."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(20), TaskProgressColumn(), TextColumn("{task.fields[finished]}"),
        TimeRemainingColumn(), TextColumn("left"),
    )  # fmt: skip
    warned = _Warned(console)
    logging.getLogger("rote").addHandler(warned)
    try:
        with Bar(*columns, console=console, speed_estimate_period=120) as bar:
            shown = bar.add_task("training", total=None, finished="", visible=False)

            def update(now: "Going") -> None:
                bar.update(
                    shown,
                    completed=now.steps,
                    total=now.of_steps,
                    finished=f"{now.runs}/{now.of_runs} runs{_known(now.forecast)},",
                    visible=True,
                )
                if now.runs >= now.of_runs:
                    bar.update(shown, description="trained ")

            yield update, bar.stop
    finally:
        logging.getLogger("rote").removeHandler(warned)


def _known(forecast: "Forecast | None") -> str:
    if forecast is None:
        return ""
    error, reliability = forecast.standard_error, forecast.reliability.value
    return f", se {error:.3f}" + (f", reliability {reliability:.2f}" if reliability > 0 else "")


class _Warned(logging.Handler):
    """Prints what the library warns of, in one line above the bar."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        self.console.print(f"rote: {record.getMessage()}", markup=False, highlight=False, soft_wrap=True)


def _print_data(rows: Sequence[dict[str, Any]], form: str) -> None:
    from rote.tables import as_csv, as_json

    click.echo(as_csv(rows) if form == "csv" else as_json(rows), nl=False)


def _print_rows(rows: Sequence[dict[str, Any]], scores: Sequence[str]) -> None:
    table = Table(box=None, pad_edge=False)
    bounds = {f"{name} {end}" for name in scores for end in ("low", "high")}
    names = [name for name in (rows[0] if rows else {}) if name not in bounds]
    for name in names:
        table.add_column(name, justify="right" if name in scores else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row, name) if name in scores else str(row[name]) for name in names))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _cell(row: dict[str, Any], name: str) -> str:
    value, low, high = (row[key] for key in (name, f"{name} low", f"{name} high"))
    if value is None:
        return "undefined"
    return f"{value:.3f}" + ("" if low is None else f" [{low:.3f}, {high:.3f}]")
