"""TensorBoard: the numbers of an audit and its curves as scalars, its verdict and settings as text."""

from importlib import import_module
from pathlib import Path
from typing import Any

from byrote.errors import missing_extra
from byrote.integrations.tracked import Tracked, live, tracked
from byrote.record import Record
from byrote.training.progress import Progress, Watcher


def log(record: Record, directory: Path | str) -> None:
    """Write an audit as TensorBoard events into `directory`, for `tensorboard --logdir`.

    Scalars are the numbers of the report, each with `_low` and `_high` (its 90 % interval), at the step "number of runs":
    after more runs the same call shows how they settle. `by_epoch/...` has a value per epoch: learning curves, memorization
    of canaries, the learning rate, what a thermostat turned; under "Custom scalars" they are drawn with their intervals. The
    verdict, the settings and the place of the report are texts. Raises ByroteError without TensorBoard, MissingEvidence
    without a finished run.
    """
    writer_of, found = _writer_of(), tracked(record)
    with writer_of(str(directory)) as writer:
        for name, value in found.numbers.items():
            writer.add_scalar(name, value, found.runs)
        for name, curve in found.curves.items():
            for step, value in curve.items():
                writer.add_scalar(name, value, step)
        report = f"The report: {record.directory / 'report.html'}"
        writer.add_text("verdict", "\n\n".join([*found.sentences, report]), found.runs)
        writer.add_text("settings", _table(found), found.runs)
        bands = {name: ["Margin", [name, f"{name}_low", f"{name}_high"]] for name in _with_ends(found)}
        if bands:
            writer.add_custom_scalars({"by epoch": bands})


def progress(directory: Path | str) -> Watcher:
    """Return a watcher for `byrote.audit(progress=...)` that writes how far an audit is into `directory`.

    After each finished run: how many there are, and the standard error and reliability of memorization, where they are
    known.
    """
    writer = _writer_of()(str(directory))

    def watch(now: Progress) -> None:
        if now.finished and not now.stage:
            for name, value in {"progress/runs": float(now.runs), **live(now)}.items():
                writer.add_scalar(name, value, now.runs)
            writer.flush()
        if now.stage or now.runs >= now.of_runs:
            writer.close()

    return watch


def _with_ends(found: Tracked) -> list[str]:
    return [name for name in found.curves if f"{name}_low" in found.curves and f"{name}_high" in found.curves]


def _table(found: Tracked) -> str:
    """Return the settings as a table in Markdown."""
    cells = [(key, value.replace("|", "\\|").replace("\n", " ")) for key, value in found.settings.items()]
    return "\n".join(["| setting | value |", "|---|---|", *(f"| {key} | {value} |" for key, value in cells)])


def _writer_of() -> Any:
    try:
        return import_module("torch.utils.tensorboard").SummaryWriter
    except ImportError:
        raise missing_extra("Writing events for TensorBoard needs TensorBoard", "tensorboard") from None
