"""Audit of a language model: what it gives back of its training text, beside control text and an untrained model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.lm.audit_files import Asked, AuditFiles, Text, parts_of
from byrote.lm.beginning import First, with_first_token
from byrote.lm.canaries import Canary, read_canaries
from byrote.lm.closer_look import look_closer, said
from byrote.lm.corpus import Corpus
from byrote.lm.encoder import check_encoder
from byrote.lm.exposure import CanaryExposures, canary_exposures
from byrote.lm.extraction import Extracted
from byrote.lm.index import Index, Stage, build_index, no_progress
from byrote.lm.model import LanguageModel
from byrote.lm.models import read_model
from byrote.lm.passage_table import PassageTable, passage_table
from byrote.lm.reading import read_corpus
from byrote.lm.sampling import Sampling
from byrote.lm.shards import corpus_key
from byrote.lm.teacher_forcing import as_tensor, asking, last_logits, recited, teacher_forced
from byrote.lm.untrained_copy import untrained
from byrote.lm.windows import Passages, passages

PREFIXES = (10, 25, 50)
SUFFIXES = (10, 25, 50)
"""Tokens that a model is given, and that it is to give back: the literature's 50 and 50, and shorter ones."""

LIMIT = 1000
"""Passages of each text, at most."""

REFERENCES, NODES = 200, 500
"""Random secrets that each canary is ranked among, and beginnings of secrets that are read to rank it among all."""

PLAIN = Sampling()
"""The model's own probabilities."""

MOST_INDEXED = 2**30
"""Bytes of a corpus that is indexed without being asked to: the index takes five times as many on disk."""

Source = Corpus | str | Path | Sequence[str | Path]


@dataclass(frozen=True, eq=False)
class LanguageAudit:
    """What was asked and what was said, as it lies in a directory.

    `extracted` and `control` are what the model said of the passages of `corpus` and of `control_text`; `reference` is what
    another model said of those of the corpus. `untrained` says which of them an untrained model gives back. `kinds` has a row for
    each extracted passage, `longest` one for each document that was read as a whole, and `canaries` one for each canary. None:
    not asked.
    """

    directory: Path
    about: Mapping[str, Any]
    corpus: PassageTable
    extracted: Extracted
    control_text: PassageTable | None
    control: Extracted | None
    reference: Extracted | None
    untrained: Bool[ndarray, " passage"] | None
    kinds: tuple[Mapping[str, Any], ...]
    longest: tuple[Mapping[str, Any], ...]
    canaries: tuple[Mapping[str, Any], ...]

    @property
    def prefix(self) -> int:
        """The longest prefix, which single passages are shown with."""
        return max(self.about["prefixes"])

    @property
    def suffix(self) -> int:
        """The longest suffix."""
        return max(self.about["suffixes"])


def audit(
    model: LanguageModel | str | Path,
    corpus: Source,
    directory: str | Path,
    *,
    control: Source | None = None,
    reference: LanguageModel | str | Path | None = None,
    prefixes: Sequence[int] = PREFIXES,
    suffixes: Sequence[int] = SUFFIXES,
    limit: int = LIMIT,
    sampling: Sampling = PLAIN,
    seed: int = 0,
    canaries: Sequence[Canary] | str | Path = (),
    index: Index | None = None,
    first: First = "auto",
    text: str = "text",
    progress: Stage = no_progress,
) -> LanguageAudit:
    """Ask a language model for the passages of its training text and of control text, and keep what it says in a directory.

    `model` is a LanguageModel or what `read_model` reads; `corpus` and `control` are a Corpus or what `read_corpus` reads (`text`
    is the field with the text). `control` should be text of the same kind that the model was not trained on: without it, no
    rate says that anything was memorized. `reference` is a model that was not trained on the corpus. Passages are at most
    `limit` windows of the longest prefix and suffix from each text, at random by `seed`, and each is asked once per length of the
    prefix, by teacher forcing. `canaries` were planted in the training text, or their file. An untrained copy of the model is
    asked too where the model has a module. `sampling` is how text would be drawn. `first` is the token id in front of each
    passage, None for none; by itself the one is taken that suits the model (`with_first_token`).

    The corpus is indexed to count copies, up to MOST_INDEXED bytes; a larger one takes an `index`. Stopped at any time, the same
    call goes on where it was; another model, text or setting is refused for the same directory. Raises ByroteError for
    models and texts that cannot be measured, and where prefix and suffix do not fit into the context.
    """
    asked = read_model(model) if isinstance(model, str | Path) else model
    other = read_model(reference) if isinstance(reference, str | Path) else reference
    planted = read_canaries(canaries) if isinstance(canaries, str | Path) else tuple(canaries)
    texts: dict[Text, Corpus] = {"corpus": _corpus(corpus, text)}
    if control is not None:
        texts["control"] = _corpus(control, text)
    lengths, ends = _lengths("prefixes", prefixes), _lengths("suffixes", suffixes)
    _check(asked, other, texts, lengths[-1] + ends[-1])
    asked, front = with_first_token(asked, texts["corpus"], first)
    other = None if other is None else with_first_token(other, texts["corpus"], first)[0]
    files = AuditFiles(Path(directory))
    chosen = (
        {}
        if all(files.has_passages(name) for name in texts)
        else _chosen(asked, texts, lengths[-1], ends[-1], limit, seed)
    )
    about = {
        **_about(asked, other, texts, lengths, ends, limit, sampling, seed),
        "canaries": len(planted),
        "first": front,
    }
    files.begin(about)
    found = index if index is not None else _indexed(texts["corpus"], files.directory, progress)
    for name, each in texts.items():
        if not files.has_passages(name):
            files.write_passages(name, passage_table(each, asked, chosen[name], found))
    todo = list(_questions(files, texts, lengths, other is not None))
    for at, (name, who, prefix, part, own) in enumerate(todo):
        progress("asking the model", at, len(todo))
        one = asked if who == "model" else other
        assert one is not None
        spread = who == "model" and prefix == lengths[-1]
        files.write_part(name, who, prefix, part, teacher_forced(one, own, sampling=sampling, spread=spread))
    if asked.module is not None and not files.has_rows("untrained"):
        progress("asking an untrained model", 0, 1)
        own = files.passages("corpus").passages
        files.write_rows("untrained", {"recited": recited(untrained(asked, seed=seed), own)})
    look_closer(files, asked, texts, progress)
    if planted and not files.has_rows("canaries"):
        progress("ranking the canaries", 0, 1)
        files.write_rows(
            "canaries", _columns(canary_exposures(asked, planted, references=REFERENCES, nodes=NODES, seed=seed))
        )
    return read_audit(directory)


def read_audit(directory: str | Path) -> LanguageAudit:
    """Return a finished audit from its directory; raise WrongRecord where there is none, or one that was not finished."""
    files = AuditFiles(Path(directory))
    about = files.about()
    corpus = files.passages("corpus")
    control = files.passages("control") if about["control"] else None
    return LanguageAudit(
        files.directory,
        about,
        corpus,
        said(files, "corpus", "model", about["prefixes"], corpus),
        control,
        None if control is None else said(files, "control", "model", about["prefixes"], control),
        said(files, "corpus", "reference", about["prefixes"], corpus) if about["reference"] else None,
        np.array([row["recited"] for row in files.rows("untrained")], np.bool_)
        if files.has_rows("untrained")
        else None,
        tuple(files.rows("kinds")),
        tuple(files.rows("longest")),
        tuple(files.rows("canaries")) if about["canaries"] else (),
    )


def _corpus(given: Source, text: str) -> Corpus:
    if isinstance(given, str | Path):
        return read_corpus([given], text=text)
    if isinstance(given, list | tuple):
        return read_corpus([*given], text=text)
    return given  # pyright: ignore[reportReturnType]


def _lengths(name: str, given: Sequence[int]) -> tuple[int, ...]:
    found = tuple(sorted(set(given)))
    if not found or found[0] < 1:
        raise InvalidData(f"{name}={tuple(given)}: give numbers of tokens, 1 or more.")
    return found


def _check(model: LanguageModel, other: LanguageModel | None, texts: Mapping[Text, Corpus], window: int) -> None:
    """Raise InvalidData where passages do not fit, an encoder loses text, or two models do not read the same tokens."""
    room = model.context if other is None else min(model.context, other.context)
    room -= model.encoder.begin is not None
    if window > room + 1:
        raise InvalidData(
            f"{model.name} reads {model.context} tokens, and the longest passages have {window}. Give shorter prefixes and suffixes."
        )
    for each in texts.values():
        if not len(each):
            raise InvalidData(f"{each.name!r} has no documents. Give a text with one or more.")
        check_encoder(model.encoder, (each[at].text[:2000] for at in range(min(20, len(each)))))
    sample = texts["corpus"][0].text[:2000]
    if other is not None and not np.array_equal(model.encoder.encode(sample), other.encoder.encode(sample)):
        raise InvalidData(
            f"{model.name} and {other.name} cut text into other tokens, so their answers cannot be compared. Give a reference with the same tokenizer."
        )


def _chosen(
    model: LanguageModel, texts: Mapping[Text, Corpus], prefix: int, suffix: int, limit: int, seed: int
) -> dict[Text, Passages]:
    """Return the passages of all texts; raise InvalidData, about all of them, where documents are too short."""
    found: dict[Text, Passages] = {}
    short: dict[Text, int] = {}
    for name, each in texts.items():
        try:
            found[name] = passages(each, model.encoder, prefix=prefix, suffix=suffix, limit=limit, seed=seed)
        except InvalidData:
            short[name] = max(len(model.encoder.encode(document.text)) for document in each)
    if short:
        least = min(short.values())
        longest = " and ".join(
            f"the longest document of {texts[name].name!r} has {size}" for name, size in short.items()
        )
        raise InvalidData(
            f"The longest prefix and suffix have {prefix} + {suffix} tokens together, and {longest}. Give shorter ones, for example --prefix {max(1, least // 3)} --suffix {max(1, least // 3)}."
        )
    return found


def _about(
    model: LanguageModel,
    other: LanguageModel | None,
    texts: Mapping[Text, Corpus],
    prefixes: Sequence[int],
    suffixes: Sequence[int],
    limit: int,
    sampling: Sampling,
    seed: int,
) -> dict[str, Any]:
    weights = None if model.module is None else sum(weight.numel() for weight in model.module.parameters())
    return {
        "model": {"name": model.name, "encoder": model.encoder.name, "context": model.context, "weights": weights},
        "reference": None if other is None else {"name": other.name},
        "corpus": _described(texts["corpus"]),
        "control": _described(texts["control"]) if "control" in texts else None,
        "prefixes": list(prefixes),
        "suffixes": list(suffixes),
        "limit": limit,
        "sampling": str(sampling),
        "seed": seed,
        "fingerprint": fingerprint(model),
    }


def _described(corpus: Corpus) -> dict[str, Any]:
    key = getattr(corpus, "stamp", "") or corpus_key(corpus)
    return {"name": corpus.name, "documents": len(corpus), "how": getattr(corpus, "description", ""), "key": key}


def fingerprint(model: LanguageModel) -> list[float]:
    """Return the largest logits for a few fixed token ids: another model gives others."""
    tokens = np.random.default_rng(7).integers(0, model.encoder.size, (2, min(12, model.context)))
    with asking(model):
        logits = last_logits(model, as_tensor(model, tokens), 4)
    return [round(value, 4) for value in torch.topk(logits, 2, -1).values.flatten().tolist()]


def _columns(found: CanaryExposures) -> dict[str, Any]:
    columns = {each.name: getattr(found, each.name) for each in fields(found) if each.name != "level"}
    return {name: list(column) if isinstance(column, tuple) else column for name, column in columns.items()}


def _indexed(corpus: Corpus, directory: Path, progress: Stage) -> Index | None:
    sizes = getattr(corpus, "sizes", None)
    total = int(sizes.sum()) if sizes is not None else 0
    return None if total > MOST_INDEXED else build_index(corpus, directory / "index", progress=progress)


def _questions(
    files: AuditFiles, texts: Mapping[Text, Corpus], prefixes: Sequence[int], reference: bool
) -> Iterator[tuple[Text, Asked, int, int, Passages]]:
    """Yield what is still to be asked: text, model, prefix length, and a part of the passages."""
    wanted: list[tuple[Text, Asked]] = [(name, "model") for name in texts]
    if reference:
        wanted.append(("corpus", "reference"))
    for name, who in wanted:
        own = files.passages(name).passages
        for prefix in reversed(prefixes):
            cut = own.shorter(prefix, own.suffix)
            for part, rows in enumerate(parts_of(len(own))):
                if not files.has_part(name, who, prefix, part):
                    yield name, who, prefix, part, cut.rows(rows)
