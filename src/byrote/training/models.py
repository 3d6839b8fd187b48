"""Models of runs: their weights, kept beside the record when a collection asks for it."""

import io
from pathlib import Path
from typing import Any

import torch
from torch import nn

from byrote.errors import InvalidData, MissingEvidence
from byrote.record import Record
from byrote.record.storage import Place, exists, read_bytes, replacing
from byrote.task.fit import Fit
from byrote.task.task import Task
from byrote.training.adapter import Adapted, learner
from byrote.training.matching import as_recorded

KNOB = "_knob"
"""The end of the names of buffers that are no weights but strengths of a control."""


def write_model(directory: Place, run: int, network: nn.Module) -> None:
    """Write the weights and buffers of a run's model, whole or not at all; strengths of controls are left out."""
    plain = network.model if isinstance(network, Adapted) else network
    state = {name: value.detach().cpu() for name, value in plain.state_dict().items() if not name.endswith(KNOB)}
    with replacing(model_path(directory, run)) as aside:
        torch.save(state, aside)


def model_path(directory: Place, run: int) -> Any:
    """Return where the weights of a run are: `torch.load(path, weights_only=True)` reads them."""
    return directory / "models" / f"{run:04d}.pt"


def read_model(task: Task, directory: Path | str, run: int = 0) -> nn.Module:
    """Return the trained model of a run, for predictions: in evaluation mode, without what only training needs.

    The task is that of the record, with its controls or without. Weights are read as numbers only, never unpickled. Raises
    MissingEvidence when no model was kept, InvalidData when it is not of this task.
    """
    record = Record(directory)
    path = model_path(record.directory, run)
    if not exists(path):
        raise MissingEvidence(f"{directory} has no weights of run {run}. Collect with keep_models=True.")
    make = learner(as_recorded(task, record))
    if isinstance(make, Fit):
        raise InvalidData(f"The task {task.name!r} learns by a byrote.Fit, whose models are not kept.")
    network: Any = make()
    plain = network.model if isinstance(network, Adapted) else network
    state = torch.load(io.BytesIO(read_bytes(path)), weights_only=True, map_location="cpu")
    strange = plain.load_state_dict(state, strict=False)
    missing = [name for name in strange.missing_keys if not name.endswith(KNOB)]
    if missing or strange.unexpected_keys:
        raise InvalidData(
            f"{path} is of another model: it lacks {missing[:3] or 'nothing'} and has {strange.unexpected_keys[:3] or 'nothing'} more. Give the task of this record."
        )
    return network.eval()
