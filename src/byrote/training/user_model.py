"""The user's model at work: what it raises becomes a sentence, for it was checked with two examples only."""

from collections.abc import Generator
from contextlib import contextmanager

from torch import Tensor

from byrote.errors import ByroteError, Remedy
from byrote.training.memory import is_out_of_memory


@contextmanager
def model_at_work(when: str, size: int) -> Generator[None]:
    """Turn what the user's model raises into a ByroteError. That memory ran out is raised as it is."""
    try:
        yield
    except (Exception, SystemExit) as error:
        if isinstance(error, ByroteError) or is_out_of_memory(error):
            raise
        reason = str(error).split("\n")[0].rstrip(".")
        raise ByroteError(
            f"The model raises {type(error).__name__} {when}, with a batch of {size} examples: {reason}. It must take batches of any size.",
            Remedy("traceback"),
        ) from error


def check_rows(outputs: Tensor, targets: Tensor) -> None:
    """Raise ValueError unless there is one row of outputs for each example."""
    if len(outputs) != len(targets):
        raise ValueError(f"it returns {len(outputs)} rows for {len(targets)} examples")
