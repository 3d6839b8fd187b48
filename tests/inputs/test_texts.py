"""A column of text as a task: the same ids in every process, the text as it stands in the file on the page."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.inputs.opening import open_task
from byrote.inputs.reading import Reading
from byrote.inputs.words import Shown, split_words, tokens_of, vocabulary

TEXTS = [f"{('The market fell' if at % 2 else 'Our team won')} again, on day {at % 40}!" for at in range(80)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rows = [{"body": text, "topic": "money" if at % 2 else "sport", "name": f"t{at}"} for at, text in enumerate(TEXTS)]
    rows[3]["body"] = ""
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_a_column_of_text_is_a_task(path: Path) -> None:
    task = open_task(path, Reading(label="topic", text="body", id="name"))
    assert task.classes == ("money", "sport")
    assert task.train.display.kind == "text"
    assert task.test is not None
    assert len(task.train) + len(task.test) == 79
    assert callable(task.train.show)
    assert task.train.show(task.train.inputs[0]) == TEXTS[int(task.train.ids[0][1:])]
    assert task.train.groups is not None, "the same text of two days is a copy"


def test_ids_of_words_do_not_depend_on_the_process() -> None:
    code = "from byrote.inputs.words import vocabulary; print(vocabulary([list('abcdefgh')] * 2))"
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert found == {"('', '<unknown>', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')\n"}


def test_words_marks_and_characters_of_other_scripts() -> None:
    assert split_words("Don't stop, Übung_1!") == ["don", "'", "t", "stop", ",", "übung_1", "!"]
    assert split_words("東京へ行く") == list("東京へ行く")
    words = vocabulary([["a", "b"], ["b", "a", "b"], ["c"]])
    assert words == ("", "<unknown>", "a", "b")
    tokens = tokens_of([["b", "c", "a", "a"], []], words, 3)
    assert tokens.tolist() == [[3, 1, 2], [0, 0, 0]]
    assert Shown({tokens[0].tobytes(): "B c, a a"}, words)(tokens[0]) == "B c, a a"
    assert Shown({}, words)(np.array([3, 1, 0])) == "b <unknown>"


def test_texts_that_share_no_words_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("body,y\n" + "".join(f"w{at},{'ab'[at % 2]}\n" for at in range(20)))
    with pytest.raises(InvalidData, match="share no two words"):
        open_task(tmp_path / "t.csv", Reading(label="y", text="body"))
