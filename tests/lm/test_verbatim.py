"""The longest recited run against real greedy generation."""

import numpy as np
import pytest

from byrote.errors import InvalidData, Unsupported
from byrote.lm.teacher_forcing import documents_forced
from byrote.lm.verbatim import Run, longest_recited, recited_blocks, share_recited
from small_lm import drawn, generated, tiny


def planted() -> np.ndarray:
    """A random text in which what the model goes on with follows at several places."""
    model, text = tiny(context=20), drawn(1, 3)[0].tolist()
    for count in (2, 5, 1):
        text += generated(model, text, count)
        wrong = generated(model, text, 1)[0]
        text.append((wrong + 1) % 5)
    return np.array(text)


def test_generation_gives_the_run_and_no_longer_one() -> None:
    model, text = tiny(context=20), planted()
    run = longest_recited(documents_forced(model, [text])[0].greedy[0])
    assert generated(model, text[: run.start], run.length) == text[run.start : run.end].tolist()
    longest = 0
    for start in range(1, len(text)):
        count = 0
        while start + count < len(text) and generated(model, text[:start], count + 1) == text[start : start + count + 1].tolist():  # fmt: skip
            count += 1
        longest = max(longest, count)
    assert run.length == longest >= 5


def test_over_the_border_of_windows_generation_is_given_its_last_tokens_again() -> None:
    """Reading 6 tokens at a time, each window 3 tokens on: at a border the last 3 and what is judged are read anew."""
    model = tiny(context=6)
    rng = np.random.default_rng(3)
    text = rng.integers(0, 5, 3).tolist()
    start = 0
    while len(text) < 31:  # the generation that the definition speaks of, from the text before it
        if len(text) == 7 or (len(text) > 7 and (len(text) - 7) % 3 == 0):
            start += 3
        text += generated(model, text[start:], 1)
    text[20] = (text[20] + 1) % 5
    greedy = documents_forced(model, [np.array(text)], stride=3)[0].greedy[0]
    assert greedy[3:20].all()
    assert not greedy[20]
    assert longest_recited(greedy).end == 20
    assert longest_recited(greedy).start <= 3


def test_runs_and_blocks_by_hand() -> None:
    greedy = np.array([c == "x" for c in "xx.xxxx..xxx.x"])
    assert longest_recited(greedy) == Run(3, 7)
    assert longest_recited(np.zeros(4, bool)) == Run(0, 0)
    with pytest.raises(Unsupported, match="`greedy` is empty"):
        longest_recited(np.zeros(0, bool))
    assert recited_blocks(greedy, least=3) == (Run(3, 7), Run(9, 12))
    assert recited_blocks(greedy, least=5, gap=1) == (Run(0, 7), Run(9, 14))
    assert recited_blocks(greedy, least=1, gap=2) == (Run(0, 14),)
    assert share_recited(recited_blocks(greedy, least=3), 14) == pytest.approx(7 / 14)
    assert np.isnan(share_recited((), 0))
    for options in ({"least": 0}, {"gap": -1}):
        with pytest.raises(InvalidData, match="give 1 or more, and 0 or more"):
            recited_blocks(greedy, **options)
