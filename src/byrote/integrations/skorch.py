"""skorch: a callback that records a run while a net is fitted.

Three lines: `for run in byrote.own_runs(...)`, `callbacks=[RunCallback(run)]`, and `net.fit(run.train, y=None)`.
"""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from torch import nn

from byrote.errors import InvalidData, missing_extra
from byrote.recorder import OwnRun
from byrote.recorder.run_recording import RunRecording

if TYPE_CHECKING:
    Callback: Any = object
else:
    try:
        Callback = import_module("skorch.callbacks").Callback
    except ImportError:
        raise missing_extra("byrote.integrations.skorch needs skorch", "skorch") from None


class RunCallback(Callback):
    """Records one run of `byrote.own_runs`: each epoch is a step, and the last one ends with a clean pass.

    Give it to a net and fit that to `run.train`, whose items are `(inputs, label, id)`; the ids are taken off each batch
    before the net gets it. Put it before callbacks that stop the training or save checkpoints. The outputs of the
    module are probabilities where the criterion is `NLLLoss` (the default of `NeuralNetClassifier`) or `BCELoss`, and
    logits otherwise. With `every=5` each fifth epoch has a clean pass too.

    `train_split` may hold examples out: those are no members. A training that stops early is recorded as if the module had
    stayed as it is until `max_epochs`. Raises InvalidData for batches without ids. A net with this callback must not be
    cloned for another training (`GridSearchCV`): a run is one training.
    """

    def __init__(self, run: OwnRun, *, every: int = 0) -> None:
        self._run, self._every = run, every  # skorch makes parameters of names without an underscore
        self._recording: RunRecording | None = None
        self._ids: Any = None
        self._open = False

    def __sklearn_clone__(self) -> "RunCallback":
        """Return the callback itself: it stands for one training."""
        return self

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **more: Any) -> None:
        """Begin the run."""
        kind = "probabilities" if isinstance(net.criterion_, nn.NLLLoss | nn.BCELoss) else "logits"
        self._recording = RunRecording(self._run, net.max_epochs, every=self._every, outputs=kind)

    def on_batch_begin(self, net: Any, batch: Any = None, training: bool = False, **more: Any) -> None:
        """Take the ids off the batch."""
        if not isinstance(batch, list) or len(batch) < 3:
            raise InvalidData(
                "A batch carries no ids. Call net.fit(run.train, y=None), with the usual collate function of torch."
            )
        self._ids = batch.pop()

    def on_batch_end(self, net: Any, batch: Any = None, training: bool = False, **more: Any) -> None:
        """Record the outputs of the module in training."""
        if training and self._recording is not None:
            self._open = True
            self._recording.seen(self._ids, more["y_pred"], batch[-1])

    def on_epoch_end(self, net: Any, **more: Any) -> None:
        """End a step."""
        if self._recording is not None:
            self._recording.end_epoch(net.history[-1, "epoch"], net.module_)
            self._open = False

    def on_train_end(self, net: Any, **more: Any) -> None:
        """Complete a run that stopped early; one that was interrupted within an epoch stays incomplete, and a warning says so."""
        if self._recording is None:
            return
        if self._open:
            warnings.warn(
                f"Run {self._run.number} ended within an epoch and is not complete. Begin it again; put RunCallback before callbacks that stop the training.",
                stacklevel=2,
            )
        else:
            self._recording.finish(net.module_)
