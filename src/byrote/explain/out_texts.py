"""What OUT models, which were not trained on a text, say of it in a language task, compared with all training texts."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.errors import MissingEvidence
from byrote.record import Record


@dataclass(frozen=True)
class OutTexts:
    """What `models` OUT models say of one text.

    `token_accuracy` is the share of its tokens that they rank first, from 0 to 1, and `loss` the mean of -log p of a
    token in nats, both as means over these models (NaN without one). `harder` is the share of the training texts whose
    OUT loss is lower, from 0 to 1: near 1, little else in the data is like this text.
    """

    models: int
    token_accuracy: float
    loss: float
    harder: float


def read_out_texts(record: Record, positions: Int[ndarray, " query"]) -> list[OutTexts]:
    """Return, for each position, what the runs that were not trained on it say in their last clean pass.

    Raises MissingEvidence for other objectives, and when there is no such prediction for any of the positions.
    """
    if record.objective.name != "tokens":
        raise MissingEvidence(f"Texts are looked at in language tasks only, not in {record.objective.name}.")
    total, models = np.zeros((2, len(record.population))), np.zeros(len(record.population), np.int64)
    for run in record.runs:
        said = np.stack([record.at_step(run, name, record.last_step) for name in ("token_accuracy", "loss")])
        out = ~record.member(run) & ~np.isnan(said).any(axis=0)
        total[:, out] += said[:, out]
        models += out
    if not models[positions].any():
        raise MissingEvidence(
            f"{record.directory} has no prediction of a run for an example that the run was not trained on. "
            "Collect runs on subsets, with a clean pass over every example at the end."
        )
    with np.errstate(invalid="ignore"):
        accuracy, loss = total / models
    known = np.sort(loss[record.population.where("train") & (models > 0)])
    with np.errstate(invalid="ignore"):
        rank = np.searchsorted(known, loss[positions]) / max(len(known), 1)
    rank[models[positions] == 0] = np.nan
    return [
        OutTexts(int(models[at]), float(accuracy[at]), float(loss[at]), float(share))
        for at, share in zip(positions, rank, strict=True)
    ]
