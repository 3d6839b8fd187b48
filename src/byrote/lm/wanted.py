"""Wanted: what a language model is to recall, each with a prompt that is given and an answer that has to come back exactly."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.lm.corpus import Corpus, Texts
from byrote.lm.encoder import Encoder, joined
from byrote.lm.reading import read_corpus
from byrote.lm.text_files import JSON

BETWEEN, END = " ", "\n"
"""What stands between a prompt and its answer, and behind the answer: with the end, "12" is not taken for "123"."""

PREFIX = 16
"""Tokens of a passage that are given, by default."""


@dataclass(frozen=True, eq=False)
class Wanted:
    """Prompts with answers, as texts and as token ids: the first `given` of each row of `tokens` are the prompt.

    Prompt and answer of a fact are encoded apart, since the prompt is all that is given when it is asked for. Those of a
    passage are cut from the token ids of the whole.
    """

    ids: tuple[str, ...]
    prompts: tuple[str, ...]
    answers: tuple[str, ...]
    tokens: tuple[Int[ndarray, " _"], ...]
    given: Int[ndarray, " wanted"]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def answer_tokens(self) -> Int[ndarray, " wanted"]:
        """How many tokens each answer has."""
        return np.array([len(row) for row in self.tokens], np.int64) - self.given

    @checked
    def rows(self, which: Int[ndarray, " kept"]) -> "Wanted":
        """Return some of them, in this order."""
        kept = [int(i) for i in which]
        return Wanted(
            tuple(self.ids[i] for i in kept), tuple(self.prompts[i] for i in kept), tuple(self.answers[i] for i in kept),
            tuple(self.tokens[i] for i in kept), self.given[kept],
        )  # fmt: skip

    def prompted(self, encoder: Encoder, prompts: Sequence[str]) -> "Wanted":
        """Return the same answers, token by token, behind other prompts."""
        fronts = [encoder.encode(prompt) for prompt in prompts]
        rows = [joined([front, row[n:]]) for front, row, n in zip(fronts, self.tokens, self.given, strict=True)]
        return replace(
            self, prompts=tuple(prompts), tokens=tuple(rows), given=np.array([len(front) for front in fronts], np.int64)
        )


def facts(
    encoder: Encoder,
    prompts: Sequence[str],
    answers: Sequence[str],
    *,
    ids: Sequence[str] = (),
    between: str = BETWEEN,
    end: str = END,
) -> Wanted:
    """Return prompts with their answers; `between` stands in front of an answer, and `end` behind it.

    Raises InvalidData for empty prompts or answers, for ids that are not unique, and for a prompt that stands there with two
    answers: only one of them could be recalled.
    """
    names = [str(each) for each in ids] or [str(at) for at in range(len(prompts))]
    if not len(prompts) == len(answers) == len(names):
        raise InvalidData(
            f"There are {len(prompts)} prompts, {len(answers)} answers and {len(names)} ids. Give one each."
        )
    if not names:
        raise InvalidData("There is nothing wanted. Give one prompt and answer or more.")
    empty = [name for name, *texts in zip(names, prompts, answers, strict=True) if not all(map(str.strip, texts))]
    if empty:
        raise InvalidData(
            f"{len(empty)} prompts or answers are empty, for example that of {empty[0]!r}. Leave them out."
        )
    _check_unique(names, prompts, answers)
    fronts = [encoder.encode(prompt) for prompt in prompts]
    rows = [
        joined([front, encoder.encode(between + answer + end)]) for front, answer in zip(fronts, answers, strict=True)
    ]
    given = np.array([len(front) for front in fronts], np.int64)
    return Wanted(tuple(names), tuple(prompts), tuple(answers), tuple(rows), given)


def wanted_passages(encoder: Encoder, corpus: Corpus, *, prefix: int = PREFIX) -> Wanted:
    """Return the documents of a corpus as passages: the first `prefix` tokens of each are given, the others are the answer.

    Raises InvalidData for a document that has no token behind its prefix.
    """
    if prefix < 1:
        raise InvalidData(f"prefix={prefix}: give 1 token or more.")
    documents = list(corpus)
    rows = [encoder.encode(document.text) for document in documents]
    short = [document.id for document, row in zip(documents, rows, strict=True) if len(row) <= prefix]
    if short or not documents:
        raise InvalidData(
            f"{len(short)} of {len(documents)} passages have no token behind the {prefix} that are given, for example {(short or [''])[0]!r}. Give longer ones, or a shorter prefix."
        )
    return Wanted(
        tuple(document.id for document in documents),
        tuple(encoder.decode(row[:prefix]) for row in rows),
        tuple(encoder.decode(row[prefix:]) for row in rows),
        tuple(rows),
        np.full(len(rows), prefix, np.int64),
    )


def read_wanted(
    path: str | Path,
    encoder: Encoder,
    *,
    prefix: int = PREFIX,
    between: str = BETWEEN,
    end: str = END,
    text: str = "text",
    identifier: str = "id",
) -> Wanted:
    """Return what is wanted, from a file of prompts with answers or of passages.

    A `.jsonl`, `.csv` or `.parquet` whose fields are `prompt` and `answer` holds facts. Anything else is read as a corpus
    (`read_corpus`; a `.csv` by its column `text`), of which each document is a passage. Raises InvalidData for what cannot be
    read.
    """
    place = Path(path)
    rows = _table(place)
    if rows is None or (rows and "prompt" not in rows[0] and place.suffix != ".csv"):
        return wanted_passages(encoder, read_corpus(place, text=text, identifier=identifier), prefix=prefix)
    if not rows:
        raise InvalidData(f"{place} is empty. Give a file with text.")
    named = identifier in rows[0]
    ids = [str(row[identifier]) for row in rows] if named else [f"{place.name}:{at + 1}" for at in range(len(rows))]
    if "prompt" in rows[0]:
        prompts, answers = (_column(place, rows, name) for name in ("prompt", "answer"))
        return facts(encoder, prompts, answers, ids=ids, between=between, end=end)
    return wanted_passages(encoder, Texts.of(_column(place, rows, text), ids=ids), prefix=prefix)


def _table(path: Path) -> "Sequence[Mapping[str, Any]] | None":
    """Return the rows of a file that has fields; None for other files, and where it is not there."""
    if not path.is_file():
        return None
    try:
        if path.suffix == ".csv":
            with path.open(newline="", encoding="utf-8-sig") as file:
                return list(csv.DictReader(file))
        if path.suffix in JSON:
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
            return lines if all(isinstance(line, dict) for line in lines) else None
        if path.suffix == ".parquet":
            return pq.read_table(path).to_pylist()
    except UnicodeDecodeError as error:
        raise InvalidData(f"{path} is no UTF-8 at byte {error.start}. Save it as UTF-8.") from None
    except (ValueError, csv.Error, pa.ArrowInvalid):
        return None  # read_corpus finds the place of the fault, and names it
    return None


def _column(path: Path, rows: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    missing = [at for at, row in enumerate(rows) if not isinstance(row.get(name), str)]
    if missing:
        raise InvalidData(
            f"{path}: row {missing[0] + 1} has no text in {name!r}; it has {', '.join(map(repr, rows[0]))}. Give one in every row."
        )
    return [row[name] for row in rows]


def _check_unique(names: Sequence[str], prompts: Sequence[str], answers: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise InvalidData("Ids of the wanted list are not unique. Give every entry an id of its own.")
    first: dict[str, str] = {}
    for prompt, answer in zip(prompts, answers, strict=True):
        if first.setdefault(prompt, answer) != answer:
            raise InvalidData(
                f"The prompt {prompt!r} stands there with the answers {first[prompt]!r} and {answer!r}, of which only one can be recalled. Keep one."
            )
