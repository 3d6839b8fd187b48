"""The Trainer of transformers with classifiers of texts and of pictures: recorded example by example."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from byrote.errors import InvalidData
from byrote.integrations.huggingface import record_run
from byrote.record import Record
from byrote.recorder import OwnRun, own_runs, with_ids
from byrote.task.examples import Examples
from integrations.trained import RNG, Y, check_frozen, cross_entropy

transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")
pytestmark = pytest.mark.slow

TEXTS: list[dict[str, Any]] = [
    {"input_ids": RNG.integers(1, 20, RNG.integers(3, 9)).tolist(), "label": int(label), "text": "no argument"}
    for label in Y
]
PICTURES = RNG.integers(0, 255, (50, 3, 8, 8)).astype(np.uint8)


def pad(items: list[dict[str, Any]]) -> dict[str, Any]:
    """What DataCollatorWithPadding does, without a tokenizer; it would fail on `text`."""
    assert {name for item in items for name in item} == {"input_ids", "label"}
    length = max(len(item["input_ids"]) for item in items)
    rows = [item["input_ids"] + [0] * (length - len(item["input_ids"])) for item in items]
    ids = torch.tensor(rows)
    return {"input_ids": ids, "attention_mask": (ids > 0).long(), "labels": torch.tensor([i["label"] for i in items])}


def classifier() -> Any:
    torch.manual_seed(0)
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return transformers.BertForSequenceClassification(
        transformers.BertConfig(vocab_size=20, num_labels=3, max_position_embeddings=16, **size, **still)
    )


def of_pictures() -> Any:
    torch.manual_seed(0)
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    return transformers.ViTForImageClassification(
        transformers.ViTConfig(image_size=8, patch_size=4, num_labels=3, **size)
    )


def train(run: OwnRun, model: Any, folder: Path, *, resume: str | None = None, **options: Any) -> Any:
    arguments = transformers.TrainingArguments(
        output_dir=str(folder), per_device_train_batch_size=8, learning_rate=0.0, report_to=[], weight_decay=0.0,
        logging_strategy="no", disable_tqdm=True, use_cpu=True, **{"num_train_epochs": 2, "save_strategy": "no", **options},
    )  # fmt: skip
    collate = pad if hasattr(model, "bert") else None
    trainer = transformers.Trainer(model, arguments, data_collator=collate, train_dataset=run.train)
    record_run(trainer, run, every=1)
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def test_texts_of_any_length_are_recorded_by_id(tmp_path: Path) -> None:
    model = classifier()
    data = with_ids(TEXTS[:40], [f"row {at}" for at in range(40)])
    (run,) = own_runs(tmp_path / "record", data, TEXTS[40:], runs=1)
    train(run, model, tmp_path / "out")
    with torch.no_grad():
        each = [model(input_ids=torch.tensor([text["input_ids"]])).logits[0].numpy() for text in TEXTS]
    for step in (1, 2):
        check_frozen(Record(tmp_path / "record"), 0, step, cross_entropy(np.array(each)))


def test_pictures_are_what_the_model_reads_and_the_report_shows(tmp_path: Path) -> None:
    model = of_pictures()
    pictures = Examples(PICTURES[:40], Y[:40], [f"row {at}" for at in range(40)])
    (run,) = own_runs(tmp_path / "record", pictures, Examples(PICTURES[40:], Y[40:]), runs=1)
    train(run, model, tmp_path / "out", max_steps=6)
    with torch.no_grad():
        logits = model(pixel_values=torch.from_numpy(PICTURES) / 255).logits.numpy()
    record = Record(tmp_path / "record")
    assert record.population.inputs.shape[1:] == (3, 8, 8)
    check_frozen(record, 0, 1, cross_entropy(logits))
    assert np.isfinite(record.at_step(0, "loss_seen", 2)).sum() == 16, (
        "two batches of a second epoch that was cut short"
    )


def test_a_training_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    (run,) = own_runs(tmp_path / "record", with_ids(TEXTS[:40]), runs=1)

    class Stops(transformers.TrainerCallback):
        def on_epoch_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if state.epoch >= 1:
                raise RuntimeError("the power failed")

    arguments = transformers.TrainingArguments(output_dir=str(tmp_path / "out"), per_device_train_batch_size=8, num_train_epochs=2, save_strategy="epoch", report_to=[], disable_tqdm=True, use_cpu=True)  # fmt: skip
    trainer = transformers.Trainer(
        classifier(), arguments, data_collator=pad, train_dataset=run.train, callbacks=[Stops()]
    )
    record_run(trainer, run)
    with pytest.raises(RuntimeError, match="the power failed"):
        trainer.train()
    train(run, classifier(), tmp_path / "out", resume=str(tmp_path / "out" / "checkpoint-4"), save_strategy="epoch")
    assert np.isfinite(Record(tmp_path / "record").at_step(0, "loss_seen", 1)).sum() == 28


def test_data_without_ids_are_refused(tmp_path: Path) -> None:
    (run,) = own_runs(tmp_path / "record", with_ids(TEXTS[:40]), runs=1)
    arguments = transformers.TrainingArguments(output_dir=str(tmp_path / "out"), report_to=[], use_cpu=True, disable_tqdm=True)  # fmt: skip
    bare = [{"input_ids": each["input_ids"], "label": each["label"]} for each in TEXTS]
    trainer = transformers.Trainer(classifier(), arguments, data_collator=pad, train_dataset=bare)
    record_run(trainer, run)
    with pytest.raises(InvalidData, match=r"no ids. Give the Trainer train_dataset=run.train"):
        trainer.train()
