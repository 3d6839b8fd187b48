"""The verbs that act on what a record says: remove, relabel."""

from collections.abc import Sequence

import click

from byrote.cli.output import data_options, print_data, print_rows, progress, say, short


@click.command(short_help="Retrain without the most memorized: what were they worth?")
@click.argument("task")
@click.argument("runs", metavar="RUNS")
@click.option(
    "--share",
    "shares",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    multiple=True,
    help="Share of the training examples to leave out; may be given several times. [default: .05 .1 .2; with --onion .1]",
)
@click.option("--seeds", type=click.IntRange(2), default=5, show_default=True, help="Models for each way and share.")
@click.option("--onion", is_flag=True, help="Measure memorization of the rest anew instead: does a new layer appear?")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="All randomness comes from it.")
@click.option("--out", metavar="DIRECTORY", help="Where the models' records lie. [default: RUNS-removed]")
@click.option("--workers", type=click.IntRange(1), help="Processes that train. [default: one per core; one per GPU]")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, mps ...")
@data_options
def remove(
    task: str,
    runs: str,
    shares: Sequence[float],
    seeds: int,
    onion: bool,
    seed: int,
    out: str | None,
    workers: int | None,
    device: str,
    form: str | None,
) -> None:
    """Retrain TASK without the most memorized, influential and suspect examples of the record in RUNS, and without random ones.

    Prints what that does to the test accuracy, and draws it in removal.svg. Stop it at any time: finished models are
    kept, and the same command goes on where it stopped.
    """
    from byrote.experiments.onion import peel
    from byrote.experiments.removal import remove as retrain
    from byrote.findings.removed import draw_removal, onion_rows, removal_rows
    from byrote.record import Record
    from byrote.record.storage import place, replacing
    from byrote.task.loading import load_task
    from byrote.training.compute import Compute
    from byrote.training.matching import as_recorded

    record = Record(runs)
    found, where = as_recorded(load_task(task), record), out or f"{runs.rstrip('/')}-removed"
    compute = Compute(workers=workers, device=device)
    with progress() as (update, _):
        if onion:
            peeled = [
                peel(found, record, where, share=share, seed=seed, compute=compute, progress=update)
                for share in shares or (0.1,)
            ]
            rows, names = [row for each in peeled for row in onion_rows(each)], ["value"]
        else:
            removal = retrain(
                found, record, where, shares=shares or (0.05, 0.1, 0.2), seeds=seeds, seed=seed, compute=compute, progress=update,
            )  # fmt: skip
            rows = removal_rows(removal)
            names = ["test accuracy", "against random", "on new tests", "hard tests", "hard against random"]
            with replacing(place(where) / "removal.svg") as path:
                path.write_text(draw_removal(removal), encoding="utf-8")
    if form:
        print_data(rows, form)
        return
    print_rows(rows, names)
    say(f"{len(record.runs)} runs said whom to leave out; intervals at 90 %. The models are in {where}.")


@click.command(short_help="Labels that look wrong, with a proposal.")
@click.argument("runs", metavar="RUNS")
@click.option("--split", type=click.Choice(["train", "test"]), default="train", show_default=True, help="Whose labels.")
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, help="Rows of the table at most.")
@click.option(
    "--csv", metavar="FILE", help="Write all of them as CSV, in cleanlab's columns, for byrote.explain.apply_labels."
)
@click.option("--fiftyone", metavar="FILE", help="Write all of them as JSON, in the fields of FiftyOne.")
def relabel(runs: str, split: str, top: int, csv: str | None, fiftyone: str | None) -> None:
    """Suggest labels for the record in RUNS: what models say that never saw the example, most doubtful label first."""
    import numpy as np

    from byrote.evidence.tables import as_csv
    from byrote.explain import space
    from byrote.explain.relabel import as_fiftyone, check_issues, suggestion_rows, suggestions
    from byrote.record import Record
    from byrote.record.storage import place, replacing

    record = Record(runs)
    points = space(record.population)
    found = suggestions(record, np.flatnonzero(record.population.where(split)), points=points)
    rows = suggestion_rows(record, found)
    for target, text in ((csv, as_csv(rows)), (fiftyone, as_fiftyone(record, found))):
        if target:
            with replacing(place(target)) as path:
                path.write_text(text, encoding="utf-8")
    issues = [row for row in rows if row["is_label_issue"]]
    shown = ("example", "given_class", "predicted_class", "agreement", "models", "label_quality")
    print_rows([{name: short(row[name]) for name in shown} for row in issues[:top]], [])
    say(
        f"{len(issues)} of {len(rows)} labels look wrong. Look at each before you change it; a rare kind looks wrong too."
    )
    known = check_issues(record, points=points)
    if known.wrong:
        say(
            f"Of {known.wrong} wrong labels that were planted, {known.found} look wrong, {known.proposed} with the right proposal; "
            f"so do {known.accused} of {known.right} ordinary canaries."
        )
