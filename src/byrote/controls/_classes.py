"""What losses of classes have in common."""

from torch import Tensor

from byrote.objectives.classification import logits
from byrote.task.methods import Batch


def class_logits(batch: Batch) -> Tensor:
    """Return the logits `[run, example, class]`; a single output is that of the second of two classes."""
    shape = batch.targets.shape[:2]
    return logits(batch.outputs.reshape(-1, *batch.outputs.shape[2:])).reshape(*shape, -1)


def log_probabilities(batch: Batch) -> Tensor:
    """Return the logarithm of each class's probability, `[run, example, class]`."""
    return class_logits(batch).log_softmax(-1)


def own(values: Tensor, batch: Batch) -> Tensor:
    """Return the value of each example's own class, `[run, example]`."""
    return values.gather(-1, batch.targets.unsqueeze(-1)).squeeze(-1)
