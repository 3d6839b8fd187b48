"""The Trainer of transformers: twenty real steps, whose losses are recorded by the ids of the documents."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from byrote.controls import goldfish
from byrote.controls.goldfish import left_out
from byrote.errors import InvalidData
from byrote.integrations.huggingface import Collator, Loss, attach, following, mean_loss
from byrote.record import Record
from byrote.recorder import Recorder
from byrote.task.schedule import linear

transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")

RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(6, 17, 40)
DOCUMENTS = [{"input_ids": RNG.integers(1, 6, length).tolist(), "id": f"doc {at}"} for at, length in enumerate(LENGTHS)]
COLLATOR = Collator(length=16)


def model() -> Any:
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=30, n_positions=16, n_embd=16, n_layer=1, n_head=2, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0
    )
    return transformers.GPT2LMHeadModel(config)


def trainer(folder: Path, **options: Any) -> Any:
    arguments = transformers.TrainingArguments(
        output_dir=str(folder / "out"), per_device_train_batch_size=4, learning_rate=0.03, save_strategy="no", report_to=[],
        logging_strategy="no", disable_tqdm=True, remove_unused_columns=False, use_cpu=True, seed=0, **options,
    )  # fmt: skip
    return transformers.Trainer(model(), arguments, data_collator=COLLATOR, train_dataset=DOCUMENTS)


def test_twenty_steps_are_recorded_by_document(tmp_path: Path) -> None:
    made = trainer(tmp_path, num_train_epochs=2)
    attach(made, Recorder(tmp_path / "record", steps=2, objective="tokens"))
    made.train()
    assert made.state.global_step == 20
    record = Record(tmp_path / "record")
    assert str(record.objective) == "tokens(vocabulary=30)"
    assert set(record.population.ids) == {f"train/doc {at}" for at in range(40)}
    assert record.member(0).all()
    first, last = (record.at_step(0, "loss_seen", step) for step in (1, 2))
    assert np.isfinite(last).all()
    assert last.mean() < first.mean() - 0.1
    at = int(np.flatnonzero(record.population.ids == "train/doc 3")[0])
    expected = DOCUMENTS[3]["input_ids"]
    assert isinstance(expected, list)
    found = record.population.labels[at]
    assert found[found >= 0].tolist() == expected[1:]


def test_the_loss_is_that_of_transformers_and_accumulation_weighs_batches(tmp_path: Path) -> None:
    batch = COLLATOR(DOCUMENTS[:4])
    network = model().train()
    ours = Loss()(network, batch)
    theirs = network(**{name: value for name, value in batch.items() if name != "id"}).loss
    torch.testing.assert_close(ours, theirs)
    plain, attached = trainer(tmp_path, max_steps=3), trainer(tmp_path, max_steps=3)
    attach(attached)
    plain.data_collator = lambda rows: {k: v for k, v in COLLATOR(rows).items() if k != "id"}
    plain.model_accepts_loss_kwargs = False  # a mean over the tokens of each batch, as it was before it counted them
    for each in (plain, attached):
        each.train()
    for one, other in zip(plain.model.parameters(), attached.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_goldfish_leaves_tokens_out_of_the_loss_and_of_nothing_else(tmp_path: Path) -> None:
    batch, network = COLLATOR(DOCUMENTS[:8]), model()
    targets = following(batch["labels"])
    with torch.no_grad():
        logits = network(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        log_p = logits.log_softmax(2).gather(2, targets.clamp_min(0).unsqueeze(2)).squeeze(2)
    kept = (targets >= 0) & ~left_out(targets, 3.0)
    torch.testing.assert_close(mean_loss(logits, targets, goldfish(3)), -log_p[kept].mean())
    loss = Loss(goldfish=goldfish(3))
    with torch.no_grad():
        torch.testing.assert_close(loss(network.train(), batch), -log_p[kept].mean())
        torch.testing.assert_close(loss(network.eval(), batch), -log_p[targets >= 0].mean())
    with pytest.raises(InvalidData, match="Give a number"):
        mean_loss(logits, targets, goldfish(linear(4.0)))
    made = trainer(tmp_path, max_steps=2)
    attach(made, Recorder(tmp_path / "record", steps=1, objective="tokens"), goldfish=goldfish(4))
    made.train()
    assert np.isfinite(Record(tmp_path / "record").at_step(0, "loss_seen", 1)).sum() == 8


def test_a_batch_has_one_shape_and_keeps_what_is_given_and_not_learned() -> None:
    prompt = {"input_ids": [1, 2, 3, 4], "labels": [-100, -100, 3, 4], "id": 7}
    batch = COLLATOR([prompt, {"input_ids": list(range(1, 20)), "id": 8}])
    assert batch["input_ids"].shape == batch["labels"].shape == (2, 16)
    assert batch["id"] == [7, 8]
    assert batch["labels"][0].tolist() == [-100, -100, 3, 4, *[-100] * 12]
    assert batch["attention_mask"][0].tolist() == [1] * 4 + [0] * 12
    assert following(batch["labels"])[0].tolist() == [-1, 3, 4, *[-1] * 13]


def test_ids_that_were_dropped_are_asked_for() -> None:
    with pytest.raises(InvalidData, match="remove_unused_columns=False"):
        COLLATOR([{"input_ids": [1, 2]}])
    with pytest.raises(InvalidData, match="The batch has no ids"):
        Loss()(model(), {"input_ids": torch.zeros(1, 4)})
