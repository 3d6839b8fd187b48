"""The first token: it is found by asking, and taken only where it is clearly better than what the encoder names."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from byrote.findings.language import language_findings
from byrote.lm import Bytes, LanguageModel, Texts
from byrote.lm.auditing import audit
from byrote.lm.beginning import Beginning, with_first_token
from byrote.lm.models import language_model
from byrote.report.language_sentences import language_sentences
from lm.recall import Recall

START = 256
TRAIN = ["".join(np.random.default_rng(at).choice(list("abcdefgh "), 50)) for at in range(40)]
CONTROL = ["".join(np.random.default_rng(at).choice(list("abcdefgh "), 50)) for at in range(100, 140)]


@dataclass(frozen=True)
class Quiet(Bytes):
    """Bytes with a special token that may stand in front, and does not say so, as many tokenizers."""

    starts: tuple[int, ...] = (START,)

    @property
    def size(self) -> int:
        return 257


def only_behind_the_start() -> LanguageModel:
    """Return a model that knows its texts by heart, but only behind the first token that it was trained with."""
    known = Recall(TRAIN, Quiet())

    def logits(tokens: Tensor) -> Tensor:
        begins = (tokens[:, :1] == START).float()[:, :, None]
        return known(tokens) * begins

    return language_model(logits, Quiet(), 128, name="behind the start")


def test_the_first_token_that_a_model_was_trained_with_is_found() -> None:
    found, about = with_first_token(only_behind_the_start(), Texts.of(TRAIN))
    assert found.encoder.begin == START
    assert about["id"] == START
    assert about["named"] is None
    assert about["tried"][str(START)] < about["tried"]["None"] - 1


def test_what_the_encoder_names_stays_where_nothing_is_clearly_better() -> None:
    model = language_model(Recall(TRAIN, Quiet()), Quiet(), 128)
    found, about = with_first_token(model, Texts.of(TRAIN))
    assert found is model
    assert about["id"] is None
    assert set(about["tried"]) == {"None", str(START)}
    assert with_first_token(language_model(Recall(TRAIN, Bytes()), Bytes(), 128), Texts.of(TRAIN))[1]["tried"] == {}


@pytest.mark.parametrize("first", [None, START])
def test_it_can_be_set(first: int | None) -> None:
    found, about = with_first_token(only_behind_the_start(), Texts.of(TRAIN), first)
    assert isinstance(found.encoder, Beginning)
    assert found.encoder.begin == first
    assert about == {"id": first, "tried": {}, "named": first}


def test_an_audit_does_not_miss_what_is_recited_behind_the_first_token(tmp_path: Path) -> None:
    lengths = {"prefixes": (20,), "suffixes": (20,)}
    texts = {"corpus": Texts.of(TRAIN), "control": Texts.of(CONTROL)}
    made = {
        first: language_findings(
            audit(only_behind_the_start(), directory=tmp_path / str(first), first=first, **texts, **lengths)
        )
        for first in ("auto", None)
    }
    assert made["auto"].headline.greedy.value > 0.9
    assert made[None].headline.greedy.value == 0
    assert any("Passages were asked with the token 256 in front" in each for each in language_sentences(made["auto"]))
    assert torch.is_tensor(only_behind_the_start().logits(torch.zeros(1, 3, dtype=torch.long)))
