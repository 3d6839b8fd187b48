"""Wanted lists: the same facts from every kind of file, passages cut at tokens, and what no list can be."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from byrote.errors import InvalidData
from byrote.lm import Bytes, Characters, Texts
from byrote.lm.variations import variations, wrong_letters
from byrote.lm.wanted import facts, read_wanted, wanted_passages

ROWS = [
    {"id": "a", "prompt": "Capital of Peru:", "answer": "Lima"},
    {"id": "b", "prompt": "Capital of Malí:", "answer": "Bamako"},
]


def written(folder: Path, kind: str) -> Path:
    path = folder / f"list.{kind}"
    if kind == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n\n", encoding="utf-8")
    elif kind == "csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(ROWS[0]))
            table.writeheader()
            table.writerows(ROWS)
    else:
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    return path


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_facts_are_the_same_from_every_kind_of_file(kind: str, tmp_path: Path) -> None:
    found = read_wanted(written(tmp_path, kind), Bytes())
    assert found.ids == ("a", "b")
    assert found.prompts[1] == "Capital of Malí:"
    assert [bytes(row.astype(np.uint8)).decode() for row in found.tokens] == [
        "Capital of Peru: Lima\n",
        "Capital of Malí: Bamako\n",
    ]
    assert found.given.tolist() == [16, 17]
    assert found.answer_tokens.tolist() == [6, 8]


def test_passages_are_cut_at_tokens_of_the_whole(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a long first passage\n\nand a second one\n")
    found = read_wanted(tmp_path / "list.txt", Bytes(), prefix=6)
    assert found.prompts == ("a long", "and a ")
    assert found.answers == (" first passage", "second one")
    (tmp_path / "list.jsonl").write_text('{"text": "one two three"}\n')
    (tmp_path / "list.csv").write_text("text\none two three\n")
    for name in ("list.jsonl", "list.csv"):
        assert read_wanted(tmp_path / name, Bytes(), prefix=3).answers == (" two three",)


def test_other_prompts_keep_the_tokens_of_the_answers() -> None:
    own = facts(Bytes(), ["left", "right hand"], ["one", "other"])
    found = own.prompted(Bytes(), ["lft", "the right hand"])
    for row, other, n, m in zip(own.tokens, found.tokens, own.given, found.given, strict=True):
        np.testing.assert_array_equal(row[n:], other[m:])
    assert found.given.tolist() == [3, 14]
    assert own.rows(np.array([1])).ids == ("1",)


def test_variations_change_what_they_name() -> None:
    prompts = ["Capital of Peru:", "2 + 2", "?"]
    found = variations(prompts, seed=1)
    assert found == variations(prompts, seed=1)
    for count in (1, 2, 4):
        rng = np.random.default_rng(count)
        changed = wrong_letters(prompts[0], count, rng)
        assert sum(a != b for a, b in zip(changed, prompts[0], strict=True)) == count
        assert [a for a, b in zip(changed, prompts[0], strict=True) if not b.isalnum()] == [" ", " ", ":"]
    assert found["4 wrong letters"][2] == "?"
    assert sum(a != b for a, b in zip(found["4 wrong letters"][1], prompts[1], strict=True)) == 2
    assert found["small letters"][0] == "capital of peru:"
    assert found["first word left out"] == ("of Peru:", "+ 2", "?")
    assert found["words in front"][0].endswith(prompts[0])


def test_refusals(tmp_path: Path) -> None:
    for prompts, answers, message in (
        (["a", "a"], ["b", "c"], "'b' and 'c'"),
        (["a"], [" "], "empty"),
        ([], [], "nothing wanted"),
        (["a"], [], "1 prompts, 0 answers"),
    ):
        with pytest.raises(InvalidData, match=message):
            facts(Bytes(), prompts, answers)
    with pytest.raises(InvalidData, match="not unique"):
        facts(Bytes(), ["a", "b"], ["c", "d"], ids=["x", "x"])
    with pytest.raises(InvalidData, match="1 of 2 passages"):
        wanted_passages(Characters("ab"), Texts.of(["aab", "ab"]), prefix=2)
    with pytest.raises(InvalidData, match="not there"):
        read_wanted(tmp_path / "none.jsonl", Bytes())
    (tmp_path / "list.csv").write_text("prompt,solution\na,b\n")
    with pytest.raises(InvalidData, match=r"'answer'; it has 'prompt', 'solution'"):
        read_wanted(tmp_path / "list.csv", Bytes())
    (tmp_path / "list.jsonl").write_text('{"prompt": "a", "answer": 3}\n')
    with pytest.raises(InvalidData, match="row 1"):
        read_wanted(tmp_path / "list.jsonl", Bytes())
    (tmp_path / "list.jsonl").write_text('{"prompt": \n')
    with pytest.raises(InvalidData, match=r"list\.jsonl"):
        read_wanted(tmp_path / "list.jsonl", Bytes())
