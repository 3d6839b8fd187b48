"""Doors without an extra: callables, modules and Python files; and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from byrote.errors import ByroteError, InvalidData
from byrote.lm import Bytes
from byrote.lm.models import language_model, read_model
from byrote.lm.teacher_forcing import teacher_forced
from small_lm import LETTERS, Tiny, drawn, some

FILE = """
import torch
from byrote.lm import Characters
from byrote.lm.models import language_model

table = torch.randn(5, 5, generator=torch.Generator().manual_seed(0))

def model():
    return language_model(lambda tokens: table[tokens], Characters("abcde"), 12, name="table")
"""


class Answer:
    def __init__(self, logits: Tensor) -> None:
        self.logits = logits


def test_a_callable_a_module_and_their_usual_answers_are_the_same_model() -> None:
    net = Tiny().eval()
    passages = some(drawn(5, 8), 4)
    expected = teacher_forced(language_model(net, LETTERS, 12), passages).logprob
    ways: list[Any] = [lambda t: net(t), lambda t: (net(t), "more"), lambda t: Answer(net(t)), net]
    for way in ways:
        np.testing.assert_array_equal(teacher_forced(language_model(way, LETTERS, 12), passages).logprob, expected)
    named = language_model(net, LETTERS, 12)
    assert (named.name, named.device, named.module) == ("Tiny", "cpu", net)
    half = language_model(Tiny().to(torch.bfloat16), LETTERS, 12)
    assert teacher_forced(half, passages).logprob.dtype == np.float32


def test_a_python_file_defines_a_model(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FILE)
    found = read_model(tmp_path / "mine.py")
    assert (found.name, found.context) == ("table", 12)
    broken = {
        "x = 1": "does not define 'model'",
        "model = 5": "`model` in .* is int",
        "def model():\n    raise ValueError('no')": "raises ValueError: no",
        "def model():\n    return 5": "is int. Write",
        "1 / 0": "line 1, raises ZeroDivisionError",
    }
    for text, message in broken.items():
        (tmp_path / "mine.py").write_text(text)
        with pytest.raises(InvalidData, match=message):
            read_model(tmp_path / "mine.py")


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ByroteError, match="There is no language model at"):
        read_model(tmp_path / "nothing")
    with pytest.raises(ByroteError, match=r"There is no file .*nothing\.gguf"):
        read_model(tmp_path / "nothing.gguf")
    with pytest.raises(InvalidData, match="How many tokens the model reads is not known"):
        language_model(Tiny(), LETTERS)
    with pytest.raises(InvalidData, match="The encoder is str"):
        language_model(Tiny(), "letters", 12)
    with pytest.raises(InvalidData, match="gives dict for token ids"):
        language_model(lambda tokens: {"a": tokens}, LETTERS, 12)


def test_folders_without_safe_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ByroteError, match=r"has no config\.json"):
        read_model(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InvalidData, match="has no weights and no safetensors"):
        read_model(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(
        InvalidData, match=r"has pytorch_model.bin and no safetensors, and pickled weights are not read"
    ):
        read_model(tmp_path)


def test_each_check_before_work_refuses_in_a_sentence() -> None:
    table = torch.randn(5, 5, generator=torch.Generator().manual_seed(0))
    noise = nn.Dropout(0.5).train()
    bad: dict[str, Any] = {
        "gives 4 logits, and its encoder characters has 5": lambda t: table[t][..., :4],
        "shape": lambda t: table[t][:, -1],
        "NaN or infinite": lambda t: table[t] / 0,
        "other logits when it is asked again": lambda t: noise(table[t]),
        "alone in its batch": lambda t: table[t] - table[t].mean(0),
        "is not causal": lambda t: table[t] + table[t.roll(-1, 1)],
        "mean over all": lambda t: table[t] + table[t].mean(1, keepdim=True),
    }
    for message, logits in bad.items():
        with pytest.raises(InvalidData, match="is not causal" if message == "mean over all" else message):
            language_model(logits, LETTERS, 12)
    assert language_model(lambda t: table[t], LETTERS, 2).context == 2
    with pytest.raises(InvalidData, match="gives 5 logits, and its encoder bytes has 256"):
        language_model(lambda t: table[t.clamp(max=4)], Bytes(), 12)


def test_a_faster_way_to_ask_that_gives_other_logits_is_refused() -> None:
    from dataclasses import replace

    from byrote.lm.model_checks import check_model
    from small_lm import Remembering

    model = language_model(Tiny(), LETTERS, 12)
    with pytest.raises(InvalidData, match="`ending` gives other logits"):
        check_model(replace(model, ending=lambda tokens, count: model.logits(tokens)[:, -count:] + 1))
    reading = Remembering.of(model).reading
    assert reading is not None
    check_model(replace(model, reading=reading))
    with pytest.raises(InvalidData, match="`reading` gives other logits"):
        check_model(replace(model, reading=lambda tokens, count, cache: reading(tokens, count, None)))
