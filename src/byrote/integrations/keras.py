"""Keras 3 on torch: a callback that records a run while a model is fitted.

Three lines: `for run in byrote.own_runs(...)`, `record = RunCallback(run)`, and
`model.fit(record.batches(32), epochs=10, shuffle=False, callbacks=[record])`.
"""

from collections import deque
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader

from byrote.errors import InvalidData, Unsupported, missing_extra
from byrote.recorder import OwnRun
from byrote.recorder.batch_parts import parts_of, without_ids
from byrote.recorder.run_recording import Outputs, RunRecording

REMEDY = "Set the environment variable KERAS_BACKEND=torch before keras is imported, or give byrote.Fit a function that trains with Keras."

if TYPE_CHECKING:
    Callback: Any = object
else:
    try:
        Callback = import_module("keras").callbacks.Callback
    except ImportError as error:
        if find_spec("keras") is None:
            raise missing_extra("byrote.integrations.keras needs Keras 3", "keras") from None
        raise Unsupported(f"Keras cannot be imported with its backend ({error}). {REMEDY}") from error


class RunCallback(Callback):
    """Records one run of `byrote.own_runs`: each epoch is a step, and the last one ends with a clean pass.

    Fit the model to `batches(...)`: Keras has no place for ids in a batch, so this loader takes them off and the
    callback keeps them in the same order. `outputs` says whether the model ends in a softmax or sigmoid
    ("probabilities"), or gives "logits". Labels are class indices, not one-hot. With `every=5` each fifth epoch has a
    clean pass too. Put it before callbacks that save checkpoints; `fit(initial_epoch=...)` goes on in the record.

    A training that stops early is recorded as if the model had stayed as it is until `epochs`. Raises Unsupported on
    another backend than torch, InvalidData for a model that is fitted to other data than `batches(...)`.
    """

    def __init__(self, run: OwnRun, *, outputs: Outputs = "probabilities", every: int = 0) -> None:
        super().__init__()
        backend = import_module("keras").backend.backend()
        if backend != "torch":
            raise Unsupported(
                f"Keras computes with {backend!r} here, and this callback reads what a model says on torch only. {REMEDY}"
            )
        self._run, self._every = run, every
        self._outputs: Outputs = outputs
        self._recording: RunRecording | None = None
        self._loader: _Batches | None = None
        self._compute_loss: Callable[..., Any] | None = None

    def batches(self, batch_size: int = 32, *, num_workers: int = 0) -> "DataLoader[Any]":
        """Return a loader over the run's training examples, shuffled anew in each epoch: batches of `(inputs, labels)`.

        Give `fit` shuffle=False: Keras has nothing to shuffle then, and does not warn that it does not.
        """
        self._loader = _Batches(self._run.train, batch_size, num_workers)
        return self._loader

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin the run, and listen to the model's loss, which is told what the model says."""
        self._recording = RunRecording(self._run, self.params["epochs"], outputs=self._outputs, every=self._every)
        if isinstance(getattr(vars(self.model).get("compute_loss"), "__self__", None), RunCallback):
            del self.model.compute_loss  # of a training that an error ended
        self._compute_loss = self.model.compute_loss
        self.model.compute_loss = self._recorded_loss

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """End a step."""
        if self._recording is not None:
            self._recording.end_epoch(epoch + 1, _Evaluated(self.model))

    def on_train_end(self, logs: Any = None) -> None:
        """Complete a run that stopped early."""
        del self.model.compute_loss
        if self._recording is not None:
            self._recording.finish(_Evaluated(self.model))

    def _recorded_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True) -> Any:  # fmt: skip
        if self._compute_loss is None or self._recording is None:
            raise AssertionError
        if training:
            ids = self._loader.waiting.popleft() if self._loader is not None and self._loader.waiting else ()
            if len(ids) != len(y):
                raise InvalidData(
                    f"The model was fitted to a batch of {len(y)} examples, and ids of {len(ids)} are known. Fit it to `batches(...)` of this callback."
                )
            self._recording.seen(ids, y_pred, y)
        return self._compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)


class _Batches(DataLoader[Any]):
    """A loader that takes the ids off each batch and keeps them, in the order in which batches go out."""

    def __init__(self, data: Any, batch_size: int, num_workers: int) -> None:
        super().__init__(data, batch_size, shuffle=True, num_workers=num_workers)
        self.waiting: deque[Any] = deque()

    def __iter__(self) -> Iterator[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        self.waiting = deque()
        for batch in super().__iter__():
            self.waiting.append(parts_of(batch).ids)
            yield without_ids(batch)


class _Evaluated:
    """A Keras model as a function of a batch of inputs, in evaluation mode."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, inputs: torch.Tensor) -> Any:
        return self._model(inputs, training=False)
