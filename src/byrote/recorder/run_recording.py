"""RunRecording: what the callbacks of training libraries have in common: epochs are steps, and a clean pass ends the run."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from byrote.errors import InvalidData, unknown
from byrote.record.inputs import each
from byrote.recorder.batch_parts import outputs_of, parts_of
from byrote.recorder.ids import WithIds, describe
from byrote.recorder.own_runs import OwnRun
from byrote.recorder.registry import Split

FLOOR = 1e-7
"""Probabilities are cut off there, as those of a byrote.Fit are."""

Outputs = Literal["logits", "probabilities"]


class Pass(NamedTuple):
    """What a model passes about one batch."""

    split: Split
    ids: Any
    outputs: Tensor
    labels: Any


class RunRecording:
    """Records one run, whose steps are epochs.

    `seen` is the training pass, `end_epoch` ends a step. At the last epoch, and at each `every`-th one if
    `every` is above 0, the model in evaluation mode is evaluated on all training examples and the test examples, in
    batches that `collate` makes (default: that of torch). `outputs` says whether the model gives logits or
    probabilities.
    """

    def __init__(
        self,
        run: OwnRun,
        steps: int,
        *,
        every: int = 0,
        outputs: Outputs = "logits",
        collate: Callable[[list[Any]], Any] | None = None,
        batch_size: int = 256,
    ) -> None:
        if outputs not in ("logits", "probabilities"):
            raise unknown("kind of outputs", str(outputs), ("logits", "probabilities"))
        self.run, self.steps, self.ended = run, steps, 0
        self._every, self._outputs, self._collate, self._batch_size = every, outputs, collate, batch_size
        self._recorder = run.recorder(steps)

    def seen(self, ids: Any, outputs: Any, labels: Any) -> None:
        """Record a batch of the training pass. Raises as `Recorder.seen` does."""
        self._recorder.seen(ids, self._as_logits(outputs), self._as_targets(labels))

    def end_epoch(self, epoch: int, model: Any) -> None:
        """End the step of an epoch, from 1; `model` is a torch model, or a function of inputs that gives outputs.

        Epochs beyond `steps` are not recorded. Raises as `Recorder.end_step` does.
        """
        if epoch > self.steps:
            return
        if epoch == self.steps or (self._every and epoch % self._every == 0):
            self._record(list(self._passes(model)))
        self._recorder.end_step(epoch)
        self.ended = epoch

    def finish(self, model: Any) -> None:
        """Complete a run that stopped early: its model stays as it is, so one clean pass stands for all steps that are left."""
        if not 0 < self.ended < self.steps:
            return
        passes = list(self._passes(model))
        for step in range(self.ended + 1, self.steps + 1):
            self._record(passes)
            self._recorder.end_step(step)
        self.ended = self.steps

    def _record(self, passes: list[Pass]) -> None:
        for part in passes:
            self._recorder.clean(part.ids, part.outputs, part.labels, split=part.split)

    def _passes(self, model: Any) -> Iterator[Pass]:
        with evaluating(model):
            for split, data in (("train", self.run.all_train), ("test", self.run.test)):
                if data is None:
                    continue
                for batch in DataLoader(_own_part(data), self._batch_size, collate_fn=self._collate):
                    inputs, labels, ids = parts_of(batch)
                    outputs = self._as_logits(outputs_of(model, _moved(inputs, model)))
                    yield Pass("test" if split == "test" else "train", ids, outputs, self._as_targets(labels))

    def _as_targets(self, labels: Any) -> Any:
        """Return class indices as a recorder takes them: many losses want them as real numbers, or `[example, 1]`."""
        if not (isinstance(labels, Tensor) and str(self.run.objective).startswith("classification")):
            return labels
        labels = labels.squeeze(1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
        whole = labels.is_floating_point() and bool((labels == labels.round()).all())
        return labels.long() if whole else labels

    def _as_logits(self, outputs: Any) -> Tensor:
        if not isinstance(outputs, Tensor):
            raise InvalidData(
                f"The model's output is {describe(outputs)}, and no tensor [example, class]. Let it return one, or a dict with 'logits'."
            )
        if self._outputs == "logits":
            return outputs
        outputs = outputs.detach()
        if bool(((outputs < -0.01) | (outputs > 1.01)).any()):
            raise InvalidData(
                f"The model's outputs reach from {float(outputs.min()):.3g} to {float(outputs.max()):.3g}, and are no probabilities. Give outputs='logits'."
            )
        p = outputs.double().clamp(FLOOR, 1.0)
        logits = p.log() if p.ndim == 2 and p.shape[1] > 1 else p.log() - (1 - p).clamp(FLOOR).log()
        return logits.float()


@contextmanager
def evaluating(model: Any) -> Generator[None, None, None]:
    """Put a torch model into evaluation mode without gradients, and each of its modules back afterwards."""
    modules = list(model.modules()) if isinstance(model, torch.nn.Module) else []
    before = [module.training for module in modules]
    with torch.no_grad():
        if modules:
            model.eval()
        try:
            yield
        finally:
            for module, training in zip(modules, before, strict=True):
                module.training = training


def _own_part(data: WithIds) -> Any:
    """Return the examples that this process evaluates, where several share the work: each its part."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return data
    return Subset(data, range(torch.distributed.get_rank(), len(data), torch.distributed.get_world_size()))  # pyright: ignore[reportArgumentType]


def _moved(inputs: Any, model: Any) -> Any:
    """Return inputs on the device of the model."""
    first = next(model.parameters(), None) if isinstance(model, torch.nn.Module) else None
    if first is None:
        return inputs
    return each(lambda part: part.to(first.device), inputs)
