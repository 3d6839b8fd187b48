"""MLflow: the numbers of an audit as metrics, its settings as parameters, its report as an artifact of a run."""

import time
from collections.abc import Iterable, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from byrote.errors import InvalidData, missing_extra
from byrote.integrations.tracked import live, tracked
from byrote.record import Record
from byrote.record.storage import read_bytes
from byrote.training.progress import Progress, Watcher

METRICS, PARAMETERS, LENGTH = 1000, 100, 6000
"""Most metrics and parameters of one request, and characters of a parameter: MLflow's own limits."""

Point = tuple[str, float, int]


def log(record: Record, *, store: str | None = None, experiment: str = "byrote") -> str:
    """Log an audit, and return the id of the MLflow run: the one that is active, else a new one of `experiment`.

    Metrics are the numbers of the report, each with `_low` and `_high` (its 90 % interval), at the step "number of runs":
    logged again into one MLflow run after more runs, they show how they settle. `by_epoch/...` has a value per epoch: learning
    curves, memorization of canaries, the learning rate, what a thermostat turned. Parameters are the settings, and report.html is
    an artifact.

    `store` is a tracking URI such as "sqlite:///mlflow.db" (None: what MLflow is set to, an SQLite file by default); with it a
    new run is made. Raises ByroteError without MLflow, InvalidData where the store refuses, MissingEvidence without a
    finished run.
    """
    library = _library()
    active = library.active_run() if store is None else None
    client, found = _client(library, store), tracked(record)
    if active is not None:
        run = str(active.info.run_id)
    else:
        known = client.get_experiment_by_name(experiment)
        where = known.experiment_id if known is not None else client.create_experiment(experiment)
        run = str(client.create_run(where, run_name=found.name).info.run_id)
    points = [(name, value, found.runs) for name, value in found.numbers.items()]
    points += [(name, value, step) for name, curve in found.curves.items() for step, value in curve.items()]
    _send(library, client, run, points)
    parameter = library.entities.Param
    have = client.get_run(run).data.params
    new = [parameter(key, value[:LENGTH]) for key, value in found.settings.items() if key not in have]
    for part in _parts(new, PARAMETERS):
        client.log_batch(run, params=part)
    client.set_tag(run, "mlflow.note.content", "\n\n".join(found.sentences))
    report = record.directory / "report.html"
    if isinstance(report, Path):
        client.log_artifact(run, str(report))
    else:
        client.log_text(run, read_bytes(report).decode("utf-8"), "report.html")
    if active is None:
        client.set_terminated(run)
    return run


def progress() -> Watcher:
    """Return a watcher for `byrote.audit(progress=...)` that logs to the active MLflow run how far an audit is.

    After each finished run: how many there are, and the standard error and reliability of memorization, where they are
    known. Raises InvalidData where no run is active.
    """
    library = _library()
    active = library.active_run()
    if active is None:
        raise InvalidData("No MLflow run is active. Call this within `with mlflow.start_run():`.")
    run, client = str(active.info.run_id), _client(library, None)

    def watch(now: Progress) -> None:
        if now.finished and not now.stage:
            known = {"progress/runs": float(now.runs), **live(now)}
            _send(library, client, run, [(name, value, now.runs) for name, value in known.items()])

    return watch


def _send(library: Any, client: Any, run: str, points: Sequence[Point]) -> None:
    """Log metrics: name, value and step."""
    metric, now = library.entities.Metric, int(time.time() * 1000)
    for part in _parts([metric(name, value, now, step) for name, value, step in points], METRICS):
        client.log_batch(run, metrics=part)


def _parts(entries: Iterable[Any], size: int) -> Iterable[list[Any]]:
    left = iter(entries)
    while part := list(islice(left, size)):
        yield part


def _client(library: Any, store: str | None) -> Any:
    try:
        return library.MlflowClient(tracking_uri=store)
    except library.exceptions.MlflowException as error:
        raise InvalidData(
            f"MLflow cannot log to {store or library.get_tracking_uri()!r}: {str(error).splitlines()[0]} Give a store such as 'sqlite:///mlflow.db'."
        ) from None


def _library() -> Any:
    try:
        return import_module("mlflow")
    except ModuleNotFoundError:
        raise missing_extra("Logging to MLflow needs MLflow", "mlflow") from None
