"""Lightning: a callback that records a run while a Trainer trains it; the module stays as it is.

Three lines: `for run in byrote.own_runs(...)`, a loader over `run.train`, and `callbacks=[RunCallback(run)]`.
"""

from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

from torch import Tensor

from byrote.errors import InvalidData, missing_extra
from byrote.recorder import OwnRun
from byrote.recorder.batch_parts import Parts, outputs_in, parts_of, without_ids
from byrote.recorder.run_recording import RunRecording

if TYPE_CHECKING:
    Callback: Any = object
else:
    try:
        Callback = import_module("lightning.pytorch").Callback
    except ImportError:
        raise missing_extra("byrote.integrations.lightning needs Lightning", "lightning") from None


class RunCallback(Callback):
    """Records one run of `byrote.own_runs`: each epoch is a step, and the last one ends with a clean pass.

    Train on a loader over `run.train`. Its batches carry ids, which are taken off before `training_step` gets them.
    The logits of the training pass are those that `training_step` returns as {"loss": ..., "logits": ...}, else what
    `self(...)`, the module's `forward`, returned in it. The clean pass calls the module: on the inputs, or, where an
    item is a dict, with its entries but the label as keyword arguments. With `every=5` each fifth epoch has a clean
    pass too, for learning curves.

    A training that goes on from a checkpoint (`trainer.fit(..., ckpt_path=...)`) goes on in the record. One that stops
    early is recorded as if its model had stayed as it is until `max_epochs`, which all runs must have in common. Raises
    InvalidData where the Trainer has no `max_epochs`, batches have no ids or labels, and logits are not found.
    """

    def __init__(self, run: OwnRun, *, every: int = 0) -> None:
        super().__init__()
        self._run, self._every = run, every
        self._recording: RunRecording | None = None

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin the run, and let `training_step` get its batches without ids."""
        epochs = trainer.max_epochs
        if epochs is None or epochs < 1:
            raise InvalidData(
                f"The Trainer has max_epochs={epochs}, and the steps of a record are epochs. Give Trainer(max_epochs=...)."
            )
        self._recording = RunRecording(self._run, epochs, every=self._every)
        if not isinstance(vars(pl_module).get("training_step"), _Step):
            vars(pl_module)["training_step"] = _Step(pl_module)
        vars(pl_module)["training_step"].recording = self._recording

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """End a step, before Lightning's checkpoint callbacks save the epoch."""
        if self._recording is not None:
            self._recording.end_epoch(trainer.current_epoch + 1, pl_module)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Complete a run that stopped early."""
        vars(pl_module).pop("training_step", None)
        if self._recording is not None:
            self._recording.finish(pl_module)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Give the module its own `training_step` back."""
        vars(pl_module).pop("training_step", None)


class _Step:
    """Takes the place of a module's `training_step` during one fit: takes the ids off, and records what the module says."""

    def __init__(self, module: Any) -> None:
        self._module, self._step = module, module.training_step
        self.recording: RunRecording | None = None
        wraps(self._step)(self)  # Lightning asks for its parameters

    def __call__(self, batch: Any, *more: Any) -> Any:
        parts = parts_of(batch)
        outputs: list[Any] = []
        hook = self._module.register_forward_hook(lambda module, given, output: outputs.append(output))
        try:
            returned = self._step(without_ids(batch), *more)
        finally:
            hook.remove()
        if self.recording is not None:
            self.recording.seen(parts.ids, _logits(returned, outputs, parts), parts.labels)
        return returned


def _logits(returned: Any, outputs: list[Any], parts: Parts) -> Tensor:
    if isinstance(returned, dict) and "logits" in returned:
        return returned["logits"]
    found = [each for each in map(outputs_in, outputs) if isinstance(each, Tensor) and len(each) == len(parts.ids)]
    if len(found) != 1:
        raise InvalidData(
            f"`training_step` called self(...) {len(outputs)} times, and {len(found)} of these gave one row for each of {len(parts.ids)} examples. "
            'Let it return {"loss": loss, "logits": logits}.'
        )
    return found[0]
