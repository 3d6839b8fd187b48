"""The whole of it in one call: collect runs, then write the report."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from threadpoolctl import threadpool_limits

from byrote.errors import InvalidData
from byrote.inputs.estimators import estimator_task, is_estimator
from byrote.inputs.opening import open_task
from byrote.record import Record
from byrote.signature import Probe
from byrote.task.canaries import Canaries
from byrote.task.designs import Design
from byrote.task.loading import default_canaries
from byrote.task.taking import taken
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.progress import Progress, Watcher
from byrote.training.until import Until, parse_until

if TYPE_CHECKING:
    from byrote.evidence.certainty import Certainty
    from byrote.findings.comparisons import Comparisons


def audit(
    task: Any,
    *given: Any,
    directory: Path | str | None = None,
    X_test: Any = None,
    y_test: Any = None,
    runs: int | None = None,
    until: float | str | Until | None = None,
    epochs: int | None = None,
    design: Design | None = None,
    canaries: Canaries | None = None,
    seed: int = 0,
    probes: Sequence[Probe | str] = (),
    probe_every: int = 0,
    compute: Compute = Compute(),
    take: int | None = None,
    progress: Watcher | None = None,
    on_verdict: Callable[[list[str]], None] | None = None,
) -> Record:
    """Train the runs that are missing in `directory` (default: audits/NAME), write report.html there, and return the record.

    Call it as `audit(task, directory)`, or as `audit(estimator, X, y, directory)` with a classifier or regressor of
    scikit-learn, XGBoost, LightGBM or their kind; see `byrote.estimator_task`, also for `X_test` and `y_test`.
    `task` is a byrote.Task (of a table or a folder: see `byrote.open_task`) or what `byrote audit` takes: `fashion`,
    `my_task.py`, `package.module:task`. With `until`, runs are added until memorization is known that well, `runs` at most:
    `0.9` is a reliability; see `byrote.collect` for lists and standard errors. By default, canaries check the audit: wrong
    labels, ordinary examples and noise, each one per cent
    of the training examples. The first two kinds are taken out of your training examples and have no row of their own;
    Canaries() plants none. See `byrote.collect` for the rest. `on_verdict` is called with the verdict, sentence by sentence,
    before the report is drawn. Ctrl-C keeps finished runs, and is a KeyboardInterrupt that says so.
    """
    source = task if isinstance(task, str) else ""
    found, directory = _task_and_place(task, given, directory, X_test, y_test)
    if epochs is not None:
        found = replace(found, recipe=replace(found.recipe, epochs=epochs))
    where = directory if directory is not None else Path("audits") / found.name
    planted = default_canaries(taken(found, take, seed)) if canaries is None else canaries
    early = None if progress is None else _Early(progress)
    try:
        record = collect(
            found, where, runs=runs, until=until, progress=early, design=design, canaries=planted, seed=seed,
            probes=probes, probe_every=probe_every, compute=compute, source=source, take=take,
        )  # fmt: skip
        _report(record, progress, on_verdict, early, until)
    except KeyboardInterrupt:  # without the frames of whatever was being done
        raise KeyboardInterrupt(
            f"The audit was interrupted. Finished runs are kept in {where}; the same call goes on from there."
        ) from None
    return record


class _Early:
    """Watches the training, and does meanwhile what the verdict and the report need: no worker waits for it.

    When training has begun, it imports the report. `comparisons` are made once the examples were read, `certainty` is the last.
    """

    def __init__(self, progress: Watcher) -> None:
        self.progress = progress
        self.comparisons: Comparisons | None = None
        self.certainty: Certainty | None = None

    def __call__(self, now: Progress) -> None:
        self.certainty = now.certainty
        self.progress(now)
        if now.steps:
            import_module("byrote.report")
        if self.comparisons is None and now.examples is not None and now.runs < now.of_runs:
            from byrote.findings.comparisons import Comparisons

            import_module("altair")  # which draws the report
            with threadpool_limits(1):  # the other cores train
                self.comparisons = Comparisons(now.examples).complete()

    def last(self, record: Record) -> "Certainty | None":
        """Return what the last look found, if it was at all runs of the record."""
        last = self.certainty
        return last if last is not None and last.runs == len(record.runs) else None


def _report(
    record: Record,
    progress: Watcher | None,
    on_verdict: Callable[[list[str]], None] | None,
    early: _Early | None,
    until: float | str | Until | None,
) -> None:
    """Measure, give the verdict and write report.html."""
    from byrote.evidence.cached_reads import read_once  # not at the start: see _Early
    from byrote.report import estimator_sentence, findings, read_panel, sentences, write_report

    def stage(name: str) -> None:
        if progress is not None:
            progress(Progress(0, 0, 0, 0, stage=name))

    stage("scores")
    read = read_once(record)
    panel = read_panel(record, read, last=early and early.last(record))
    measured = findings(record, panel=panel, read=read, stage=stage)
    if on_verdict is not None:
        known = panel.certainty
        reached = [] if until is None or known is None else [_reached(parse_until(until), known)]
        on_verdict([*sentences(measured), *estimator_sentence(measured), *reached])
    write_report(record, panel=panel, found=measured, comparisons=early and early.comparisons, stage=stage)


def _reached(until: Until, last: "Certainty") -> str:
    """Return what had to be known, and what is."""
    known = f"after {last.runs} runs: {until.known(last) or 'nothing'}"
    if until.holds(last):
        return f"What had to be known ({until}) is known {known}."
    return f"What had to be known ({until}) is not known {known}. Allow more runs to go on."


def _task_and_place(
    task: Any, given: tuple[Any, ...], directory: Path | str | None, X_test: Any, y_test: Any
) -> tuple[Task, Path | str | None]:
    """Return the task and the directory of either way to call `audit`; raise InvalidData for what is neither."""
    of_estimator = is_estimator(task) or isinstance(task, type)
    places = given[2:] if of_estimator else given
    if len(places) > 1 or (places and directory is not None) or (of_estimator and len(given) < 2):
        raise InvalidData(
            f"byrote.audit got {type(task).__name__} and {len(given)} further arguments by position. Call audit(task, directory) or audit(estimator, X, y, directory)."
        )
    where = places[0] if places else directory
    if where is not None and not (isinstance(where, str) or hasattr(where, "joinpath")):
        raise InvalidData(f"The directory is {type(where).__name__}. Call audit(task, directory) or audit(estimator, X, y, directory).")  # fmt: skip
    if of_estimator:
        return estimator_task(task, given[0], given[1], X_test, y_test), where
    if X_test is not None or y_test is not None:
        raise InvalidData("X_test and y_test go with an estimator; a task has its own test examples.")
    return open_task(task) if isinstance(task, str) else cast("Task", task), where
