"""Corpora as tasks, and trained modules as language models."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from byrote.errors import InvalidData
from byrote.lm.corpus import Texts
from byrote.lm.encoder import Bytes, Characters, Encoder
from byrote.lm.training import filler, model_of, pieces_of, task_of, vocabulary_of
from byrote.objectives import Tokens
from byrote.record import Record
from byrote.task.designs import Everything
from byrote.task.recipe import Recipe
from byrote.task.transformer import transformer
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.models import read_model
from controls.tasks import text_task

CORPUS = Texts.of(["abcdefghij", "xy", "the same", "the same", "a"], ids=["long", "pair", "one", "two", "single"])
ENCODERS = [Bytes(begin=256), Bytes(), Characters.of(document.text for document in CORPUS)]


@pytest.mark.parametrize("encoder", ENCODERS, ids=["begin", "bytes", "characters"])
def test_every_token_is_predicted_once_from_those_before_it(encoder: Encoder) -> None:
    task = task_of(CORPUS, encoder, context=4, groups=["", "", "copies", "copies", ""])
    given = 0 if encoder.begin is not None else 1  # the first token is given, where nothing stands before it
    found: dict[str, list[int]] = {}
    for name, inputs, targets in zip(task.train.ids, task.train.inputs, task.train.labels, strict=True):
        there = targets >= 0
        np.testing.assert_array_equal(inputs[np.flatnonzero(there)[1:]], targets[: there.sum() - 1])
        assert (inputs[there.sum() :] == filler(encoder)).all()
        found.setdefault(name.partition(":")[0], []).extend(targets[there].tolist())
    for document in CORPUS:
        expected = encoder.encode(document.text)[given:].tolist()
        assert found.get(document.id, []) == expected
    assert task.learned == Tokens(vocabulary_of(encoder))
    assert task.train.show is not None
    assert task.train.show(task.train.inputs[0]) == "abcd"[: 3 if encoder.begin is not None else 4]  # pyright: ignore[reportCallIssue]


def test_pieces_say_where_they_begin_and_are_in_the_group_of_their_document() -> None:
    task = task_of(CORPUS, Bytes(begin=256), context=4)
    assert task.train.ids.tolist() == ["long", "long:3", "long:7", "pair", "one", "one:3", "two", "two:3", "single"]
    assert task.train.groups is not None
    assert task.train.groups.tolist() == ["long"] * 3 + [""] + ["one"] * 2 + ["two"] * 2 + [""]
    for start, piece in pieces_of(Bytes(begin=256), "abcdefghij", 4):
        assert bytes(piece[piece < 256].tolist()).decode() == "abcdefghij"[start : start + len(piece[piece < 256])]
    grouped = task_of(CORPUS, Bytes(begin=256), context=4, groups=["", "", "copies", "copies", ""]).train.groups
    assert grouped is not None
    assert grouped.tolist() == ["", "", "", "", *["copies"] * 4, ""]


def test_a_trained_module_is_a_language_model(tmp_path: Path) -> None:
    encoder = Bytes(begin=256)
    recipe = Recipe(epochs=2, learning_rate=0.01)
    task = task_of(
        CORPUS,
        encoder,
        context=8,
        model=partial(transformer, 257, 8, width=8, depth=1, heads=1),
        recipe=recipe,
        test=CORPUS,
    )
    collect(task, tmp_path, runs=1, design=Everything(), compute=Compute(workers=1), keep_models=True)
    model = model_of(task, read_model(task, tmp_path), encoder)
    assert (model.context, model.name) == (8, "corpus")
    with torch.no_grad():
        logits = model.logits(torch.from_numpy(task.train.inputs).long())
    said = task.learned.observe(logits, task.learned.to_tensor(task.train.labels))
    record = Record(tmp_path)
    train = record.population.where("train")
    np.testing.assert_allclose(record.at_step(0, "loss", 2)[train], said["loss"], rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"context": 1}, "leaves nothing to predict"),
        ({"groups": ["a"]}, "1 groups for 5 documents"),
        ({"test": Texts.of([""])}, "has a token to predict"),
    ],
)
def test_what_cannot_be_learned_is_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(InvalidData, match=match):
        task_of(CORPUS, Bytes(), **options)


def test_another_task_or_encoder_is_refused() -> None:
    task = task_of(CORPUS, ENCODERS[2], context=4)
    with pytest.raises(InvalidData, match="logits, and the encoder bytes has 256"):
        model_of(task, torch.nn.Linear(1, 1), Bytes())
    with pytest.raises(InvalidData, match="does not learn a text"):
        model_of(text_task(), torch.nn.Linear(1, 1), Bytes())
