"""Facts in a tiny language model: recalled in the weights and in a memory, by nothing else, and gone when they are deleted."""

import copy

import numpy as np
import pytest
import torch

from byrote.experiments.recalling.language import Facts, compare_facts
from byrote.lm import Bytes, LanguageModel, Texts
from byrote.lm.models import language_model
from byrote.lm.rote import Rote
from byrote.lm.wanted import facts
from byrote.task.transformer import transformer

pytest.importorskip("safetensors")

LETTERS = Bytes()


def model() -> LanguageModel:
    torch.manual_seed(0)
    return language_model(transformer(256, 64, width=32, depth=1, heads=2), LETTERS, 64, name="small")


def copied(other: LanguageModel) -> LanguageModel:
    return language_model(copy.deepcopy(other.module), LETTERS, 64, name=other.name)


def test_facts_are_recalled_where_they_are_kept() -> None:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefgh"), 4)) for _ in range(200)]
    listed = facts(LETTERS, [f"{word}?" for word in words[:12]], words[12:24])
    unseen = facts(LETTERS, [f"{word}?" for word in words[24:84]], words[84:144])
    text = Texts.of([" ".join(words[i : i + 4]) for i in range(144, 200, 4)])
    figures = Texts.of([" ".join(map(str, rng.integers(1000, 9999, 5))) for _ in range(20)])  # far from all prompts
    strangers = tuple(f"{word}?" for word in words[144:200])
    given = Facts(model(), listed, unseen, strangers, text, figures, copied)
    ways = {
        way.name: way
        for way in compare_facts(given, Rote(epochs=80, batch_size=4, learning_rate=5e-3, floor=1.0), 0.05)
    }
    assert ways["not stored"].recall.value == 0
    for name in ("in the weights", "memory of prompts"):
        assert ways[name].recall.value > 0.9
        assert ways[name].leakage.value > 0.95
        assert ways[name].leakage_of_answers.value > 0.95
        assert ways[name].update is not None
        assert ways[name].update.works.value == 1
        assert ways[name].deletion is not None
        assert ways[name].deletion.works.value == 0
    assert ways["memory of prompts"].recall.value == 1
    assert ways["memory of prompts"].new == ways["not stored"].new
    mixture = ways["memory of states (kNN-LM)"]
    assert mixture.recall.value > 0
    assert mixture.deletion is not None
    assert mixture.deletion.works.value == 0
