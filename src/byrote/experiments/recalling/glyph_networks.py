"""Glyph networks: what verification and few-shot learning have in common, networks trained on the characters of ten alphabets."""

from pathlib import Path

from torch import nn

from byrote.record import finished_runs
from byrote.record.storage import place
from byrote.task.designs import Everything
from byrote.task.loading import load_task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.models import read_model
from byrote.training.progress import Watcher


def glyph_networks(
    directory: Path, runs: int, *, seed: int, compute: Compute, progress: Watcher | None
) -> list[nn.Module]:
    """Return so many networks of the task `glyphs`, which are trained into `directory` where they are not there yet."""
    task, there = load_task("glyphs"), len(finished_runs(place(directory)))
    collect(
        task, directory, runs=max(runs, there), design=Everything(), seed=seed, compute=compute, keep_models=True, progress=progress
    )  # fmt: skip
    return [read_model(task, directory, run) for run in range(runs)]
