"""The verbs that carry an audit to other tools and back: log, export, import."""

import shlex

import click

from byrote.cli.output import message, printable
from byrote.errors import ByroteError


@click.command(short_help="Log an audit to MLflow or TensorBoard.")
@click.argument("directory", metavar="RECORD")
@click.option("--to", type=click.Choice(["mlflow", "tensorboard"]), required=True, help="The tracker.")
@click.option(
    "--at",
    metavar="WHERE",
    help="Tracking URI of MLflow, or log directory of TensorBoard. [default: MLFLOW_TRACKING_URI, else sqlite:///mlflow.db; runs/NAME]",
)
@click.option("--experiment", default="byrote", show_default=True, help="Experiment of MLflow.")
def log(directory: str, to: str, at: str | None, experiment: str) -> None:
    """Log the numbers of RECORD with their intervals, its curves by epoch, its settings and its report.

    Executes nothing that RECORD holds.
    """
    from byrote.record import Record

    record = Record(directory)
    if to == "mlflow":
        from byrote.integrations import mlflow

        run = mlflow.log(record, store=at, experiment=experiment)
        message(f"Logged as run {run} of the experiment {experiment!r}. See it with `mlflow ui`{_stored(at)}.")
        return
    from byrote.integrations import tensorboard

    where = at or f"runs/{record.directory.name}"
    tensorboard.log(record, where)
    message(f"Logged. See it with `tensorboard --logdir {shlex.quote(where)}`.")


def _stored(at: str | None) -> str:
    return f" --backend-store-uri {shlex.quote(at)}" if at and "://" in at and not at.startswith("http") else ""


@click.command(short_help="Write doubtful labels in the format of another tool.")
@click.argument("directory", metavar="RECORD")
@click.option("--to", type=click.Choice(["cleanlab", "fiftyone", "label-studio"]), required=True, help="The tool.")
@click.option(
    "--out",
    metavar="PATH",
    required=True,
    help="A file that ends in .csv or .parquet for cleanlab, a folder for the others. An earlier export there is replaced; anything else is refused.",
)
@click.option(
    "--split", type=click.Choice(["train", "test"]), default="train", show_default=True, help="Examples to export."
)
@click.option(
    "--top",
    type=click.IntRange(1),
    help="The most doubtful only. [default: all; for label-studio all label issues]",
)
def export(directory: str, to: str, out: str, split: str, top: int | None) -> None:
    """Write what models of RECORD that were not trained on an example say of its label, for people to look at.

    cleanlab: the table of label issues that `byrote relabel --csv` writes. fiftyone: a folder with pictures, for
    fiftyone.Dataset.from_dir. label-studio: tasks with predictions; what people decide comes back with `byrote import`. None
    of these tools has to be installed.
    """
    from byrote.integrations import cleanlab, fiftyone, label_studio
    from byrote.record import Record
    from byrote.record.storage import exists, names, place
    from byrote.report.numbers import count

    write = {"cleanlab": cleanlab.export, "fiftyone": fiftyone.export, "label-studio": label_studio.export}[to]
    again = exists(place(out)) if to == "cleanlab" else bool(names(place(out)))
    written = write(Record(directory), out, split=split, top=top)
    message(f"{count(written, 'example')} written to {out}{', in place of the earlier export there' if again else ''}.")
    if to == "label-studio" and not written:
        message("No label contradicts what the other examples say. Give --top 50 to look at the 50 most doubtful.")


@click.command("import", short_help="Read decisions from Label Studio.")
@click.argument("directory", metavar="RECORD")
@click.argument("file", metavar="EXPORT.json")
@click.option("--out", metavar="DIRECTORY", required=True, help="Where relabel.csv and drop.csv are written.")
def import_decisions(directory: str, file: str, out: str) -> None:
    """Turn decisions that people took in Label Studio about examples of RECORD into files for `relabel` and `drop`.

    EXPORT.json is what Label Studio exports as JSON, from tasks of `byrote export --to label-studio`. Decisions about other
    examples that were imported into the same directory before stay; one that was taken back there is withdrawn.
    """
    from byrote.integrations.label_studio_decisions import has_earlier, read_decisions, write_decisions
    from byrote.record import Record
    from byrote.report.numbers import count

    record = Record(directory)
    found = read_decisions(record, file)
    if found.unknown:
        message(
            f"{count(len(found.unknown), 'example')} skipped, answered with a class that the record does not have ({', '.join(record.classes)}):"
        )
        for name, label in found.unknown.items():
            message(f"  {printable(name)}: {printable(label)}")
    if not found.labels and not found.left_out and not has_earlier(record, out):
        raise ByroteError(
            f"{file} has no answer that can be used to any of its {count(len(found.undecided) + len(found.unknown), 'task')}, so nothing was written. Export after someone decided."
        )
    given = dict(zip(record.population.ids.tolist(), record.population.labels.tolist(), strict=True))
    changed = sum(label != given[name] for name, label in found.labels.items())
    written = write_decisions(record, found, out)
    for path in written.paths:
        message(f"written: {path}")
    message(
        f"{count(changed, 'label')} changed, {len(found.labels) - changed} found right, {count(len(found.left_out), 'example')} left out, "
        f"{len(found.undecided)} undecided (no answer, or different ones)."
    )
    if written.changed or written.same or written.withdrawn or written.kept:
        message(
            f"Against what was imported there before: {written.new} new, {written.changed} changed, {written.same} the same, {written.withdrawn} withdrawn; "
            f"{count(written.kept, 'earlier decision')} about other examples kept."
        )
