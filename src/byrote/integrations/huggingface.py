"""The Trainer of transformers, which drops the ids of examples. Nothing has to be subclassed.

Classifiers of texts or pictures: `record_run(trainer, run)` for each run of `byrote.own_runs`. Language models: `Collator(...)`
as the `data_collator` and `attach(trainer, recorder)`, which record each document's losses and train goldfish loss.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn

from byrote.controls import goldfish as Goldfish
from byrote.controls.goldfish import left_out
from byrote.errors import InvalidData, missing_extra
from byrote.objectives.tokens import NONE, token_losses
from byrote.recorder import OwnRun, Recorder
from byrote.recorder.batch_parts import LABELS, outputs_in
from byrote.recorder.run_recording import RunRecording

IGNORED = -100
"""What stands for no token in the labels of transformers."""

ID = "id"
"""The name of an example's id in a data set, and in a batch."""


@dataclass(frozen=True)
class Collator:
    """Makes a batch of tokenized examples and keeps their ids: `input_ids`, `attention_mask`, `labels`, and `id`.

    An example is a dict with `input_ids`, its `id` (a whole number or a text), and `labels` where a part of it is given
    and not learned; longer ones than `length` are cut, shorter ones padded to it with `padding`, so that every batch
    has one shape. Give `TrainingArguments(remove_unused_columns=False)`: else the Trainer drops the ids before they get
    here.
    """

    length: int
    padding: int = 0

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the batch; raise InvalidData for an example without an id."""
        for example in examples:
            if ID not in example or "input_ids" not in example:
                raise InvalidData(
                    f"An example has {', '.join(map(repr, example)) or 'nothing'}, and no 'id' or no 'input_ids'. Give each an id, and TrainingArguments(remove_unused_columns=False)."
                )
        tokens = [_row(example["input_ids"], self.length, self.padding) for example in examples]
        labels = [_row(example.get("labels", example["input_ids"]), self.length, IGNORED) for example in examples]
        there = [min(len(example["input_ids"]), self.length) for example in examples]
        mask = torch.arange(self.length)[None] < torch.tensor(there)[:, None]
        return {
            "input_ids": torch.stack(tokens),
            "attention_mask": mask.long(),
            "labels": torch.stack(labels),
            ID: [example[ID] for example in examples],
        }


def attach(trainer: Any, recorder: Recorder | None = None, *, goldfish: Goldfish | None = None) -> None:
    """Let a Trainer record the losses of each example by its id, and train with goldfish loss, before `trainer.train()`.

    After each epoch the recorder ends a step, so make it with as many `steps` as there are epochs: `Recorder(directory,
    run=0, steps=3, objective="tokens")`. What is recorded is the model's outputs while it was trained, on all
    tokens, whatever `goldfish` leaves out of the loss. The loss is the mean over the tokens of a batch (over those that
    are left, with goldfish), as that of the Trainer is without gradient accumulation; with it, batches weigh the same,
    however many tokens they have. An epoch that `max_steps` cuts short is recorded as far as it went. For one process:
    of several, each sees its own part. Raises ByroteError where transformers is not installed.
    """
    loss = Loss(recorder, goldfish)
    trainer.compute_loss = loss
    trainer.model_accepts_loss_kwargs = False  # else it counts tokens, and expects a sum divided by them
    if recorder is not None:
        trainer.add_callback(_callback()(recorder, loss))


@dataclass
class Loss:
    """What takes the place of `Trainer.compute_loss`: it takes the ids out of the batch and gives the recorder what the
    model said.

    In evaluation nothing is recorded, and no token is left out.
    """

    recorder: Recorder | None = None
    goldfish: Goldfish | None = None
    waiting: bool = False
    """Whether something was recorded since the last step was ended."""

    def __call__(
        self, model: Any, inputs: Mapping[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss of a batch, and the model's outputs where they are asked for."""
        if ID not in inputs:
            raise InvalidData(
                "The batch has no ids. Give the Trainer data_collator=Collator(...) and TrainingArguments(remove_unused_columns=False)."
            )
        given = {name: value for name, value in inputs.items() if name not in (ID, "labels")}
        outputs = model(**given)
        targets = following(inputs["labels"])
        logits = outputs["logits"] if isinstance(outputs, dict) else outputs.logits
        if self.recorder is not None and model.training:
            self.recorder.seen(list(inputs[ID]), logits, targets)
            self.waiting = True
        loss = mean_loss(logits, targets, self.goldfish if model.training else None)
        return (loss, outputs) if return_outputs else loss


def record_run(trainer: Any, run: OwnRun, *, every: int = 0) -> None:
    """Let a Trainer record one run of `byrote.own_runs`, before `trainer.train()`; its `train_dataset` is `run.train`.

    Each epoch is a step: the outputs for each example in training, and at the last epoch (with `every=5`, at
    each fifth one too) what it says in evaluation mode about all training and test examples. The loss is the Trainer's
    own, and so are collator and everything else. Items are dicts with the model's arguments and `label` or `labels`
    (entries that the model does not take are left out), or `(inputs, label)`. A training that goes on from a checkpoint
    of the end of an epoch goes on in the record; one that stops early is recorded as if its model had stayed as it is.
    Raises InvalidData for a batch without ids or labels, ByroteError where transformers is not installed.
    """
    collate = _WithIds(trainer.data_collator, trainer.model)
    recorded = _RecordedLoss(trainer.compute_loss)
    trainer.data_collator, trainer.compute_loss = collate, recorded
    trainer.add_callback(_run_callback()(run, every, collate, recorded))


class _WithIds:
    """Makes a batch as the Trainer's own collator does, of items with ids, and keeps the ids as `id`."""

    def __init__(self, collate: Callable[..., Any], model: Any) -> None:
        self._collate, self._main = collate, str(getattr(model, "main_input_name", "input_ids"))
        taken = [each.name for each in signature(model.forward).parameters.values() if each.kind < each.VAR_POSITIONAL]
        self._names = {*taken, *LABELS} if taken else set[str]()

    def __call__(self, items: Sequence[Any]) -> Any:
        if not isinstance(items[0], tuple):
            return self._collate(items)
        batch = self._collate([self._named(item[:-1]) for item in items])
        batch[ID] = [item[-1] for item in items]
        return batch

    def parts(self, items: Sequence[Any]) -> list[Any]:
        """Return a batch for the clean pass: a dict, and the ids."""
        batch = dict(self(items))
        return [batch, batch.pop(ID)]

    def _named(self, entries: tuple[Any, ...]) -> dict[str, Any]:
        found = entries[0] if len(entries) == 1 else {self._main: entries[0], "labels": entries[1]}
        if len(entries) == 2 and isinstance(entries[0], Mapping):
            found = {**entries[0], "labels": entries[1]}
        if not isinstance(found, Mapping):
            raise InvalidData(
                f"An item is {type(found).__name__}. Let the data set yield dicts with 'labels', or (inputs, label)."
            )
        return {name: value for name, value in found.items() if not self._names or name in self._names}


class _RecordedLoss:
    """Takes the place of `Trainer.compute_loss`: takes the ids out of the batch, and records what the model said."""

    def __init__(self, loss: Callable[..., Any]) -> None:
        self._loss = loss
        self.recording: RunRecording | None = None

    def __call__(
        self, model: nn.Module, inputs: Mapping[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        given = dict(inputs)
        ids, labels = given.pop(ID, None), given.get("labels")
        loss, outputs = self._loss(model, given, return_outputs=True, num_items_in_batch=num_items_in_batch)
        if self.recording is not None and model.training:
            if ids is None or labels is None:
                raise InvalidData(
                    f"A batch of training has {'no ids' if ids is None else 'no labels'}. Give the Trainer train_dataset=run.train, whose items have a label."
                )
            self.recording.seen(ids, outputs_in(outputs), labels)
        return (loss, outputs) if return_outputs else loss


def following(labels: Tensor) -> Tensor:
    """Return for each place the token after it, and -1 where there is none: labels of transformers are the tokens themselves."""
    after = torch.nn.functional.pad(labels[:, 1:], (0, 1), value=IGNORED)
    return torch.where(after < 0, NONE, after)


def mean_loss(logits: Tensor, targets: Tensor, goldfish: Goldfish | None = None) -> Tensor:
    """Return the mean of -log p over the tokens of a batch, in nats; with goldfish, over those that it does not leave out."""
    kept = targets >= 0
    if goldfish is not None:
        if not isinstance(goldfish.k, int | float):
            raise InvalidData(f"{goldfish} changes over a training that byrote does. Give a number.")
        kept &= ~left_out(targets, float(goldfish.k), goldfish.context)
    return token_losses(logits.float(), torch.where(kept, targets, NONE)).sum() / kept.sum().clamp_min(1)


def _row(values: Any, length: int, fill: int) -> Tensor:
    found = torch.as_tensor(values, dtype=torch.long)[:length]
    return torch.nn.functional.pad(found, (0, length - len(found)), value=fill)


def _transformers() -> Any:
    try:
        return import_module("transformers")
    except ImportError:
        raise missing_extra("The Trainer is that of transformers", "lm") from None


def _run_callback() -> Any:
    class RecordEpochs(_transformers().TrainerCallback):
        """Begins a run with the training, ends a step with each epoch, and completes a run that stopped early."""

        def __init__(self, run: OwnRun, every: int, collate: _WithIds, loss: _RecordedLoss) -> None:
            self.run, self.every, self.collate, self.loss = run, every, collate, loss

        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            self.recording = self.loss.recording = RunRecording(
                self.run, int(state.num_train_epochs), every=self.every, collate=self.collate.parts
            )

        def on_epoch_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            self.recording.end_epoch(math.ceil(state.epoch - 1e-6), more["model"])

        def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            self.recording.finish(more["model"])

    return RecordEpochs


def _callback() -> Any:
    class EndSteps(_transformers().TrainerCallback):
        """Ends a step of the recorder after each epoch, and after the last one that was cut short."""

        def __init__(self, recorder: Recorder, loss: Loss) -> None:
            self.recorder, self.loss, self.done = recorder, loss, 0

        def on_epoch_end(self, *given: Any, **more: Any) -> None:
            if self.loss.waiting and self.done < self.recorder.steps:
                self.done += 1
                self.recorder.end_step(self.done)
                self.loss.waiting = False

    return EndSteps
