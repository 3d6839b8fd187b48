"""A closer look at what was extracted: what kind of text it is, and how much of whole documents is recited."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.lm.audit_files import Asked, AuditFiles, Text, parts_of
from byrote.lm.corpus import Corpus
from byrote.lm.extraction import Extracted, greedily_extracted
from byrote.lm.index import Stage
from byrote.lm.model import LanguageModel
from byrote.lm.passage_table import PassageTable
from byrote.lm.predictable import NGrams
from byrote.lm.recitation import kinds
from byrote.lm.teacher_forcing import documents_forced
from byrote.lm.verbatim import longest_recited, recited_blocks, share_recited

LOOKED_AT = 20
"""Documents that are read as a whole, for the longest run: those with the most extracted passages."""

MOST_READ = 100_000
"""Tokens that are read for that, at most."""

BLOCK = 50
"""Tokens of the shortest block that counts as recited."""


def look_closer(files: AuditFiles, model: LanguageModel, texts: Mapping[Text, Corpus], progress: Stage) -> None:
    """Say what kind each extracted passage is of, and read the documents with the most of them as a whole."""
    about, table = files.about(), files.passages("corpus")
    prefix = max(about["prefixes"])
    forced = said(files, "corpus", "model", [prefix], table).forced[prefix]
    at = np.flatnonzero(greedily_extracted(forced.greedy))
    if not files.has_rows("kinds"):
        progress("looking at what was extracted", 0, 1)
        ngrams = NGrams.of(_encoded(model, texts["control"])) if "control" in texts else None
        other = said(files, "corpus", "reference", [prefix], table).forced[prefix] if about["reference"] else None
        found = kinds(
            table.passages.rows(at), model.encoder, table.suffix_copies[at], ngrams=ngrams,
            reference=None if other is None else other.greedy[at],
        )  # fmt: skip
        files.write_rows(
            "kinds",
            {
                "passage": at, "kind": list(found.kind), "copies": found.copies, "in_context": found.in_context,
                "ngram": found.ngram, "reference": found.reference, "counted": found.counted, "predictable": found.predictable,
            },
        )  # fmt: skip
    if not files.has_rows("longest"):
        progress("reading whole documents", 0, 1)
        files.write_rows("longest", _longest(model, texts["corpus"], table, at))


def _encoded(model: LanguageModel, corpus: Corpus) -> Iterator[Int[ndarray, " token"]]:
    return (model.encoder.encode(document.text) for document in corpus)


def _longest(
    model: LanguageModel, corpus: Corpus, table: PassageTable, extracted: Int[ndarray, " extracted"]
) -> dict[str, Any]:
    """Return the longest recited run of the documents with the most extracted passages, and their share in recited blocks."""
    which, counts = np.unique(table.passages.document[extracted], return_counts=True)
    chosen = which[np.argsort(-counts, kind="stable")][:LOOKED_AT]
    rows: list[dict[str, Any]] = []
    left = MOST_READ
    for position in chosen.tolist():
        document = corpus[position]
        tokens = model.encoder.encode(document.text)[:left]
        left -= len(tokens)
        if not len(tokens):
            break
        greedy = documents_forced(model, [tokens])[0].greedy[0]
        run = longest_recited(greedy)
        rows.append(
            {
                "document": document.id,
                "tokens": len(tokens),
                "start": run.start,
                "length": run.end - run.start,
                "text": model.encoder.decode(tokens[run.start : run.end]),
                "share": share_recited(recited_blocks(greedy, least=BLOCK), len(tokens)),
            }
        )
    return {name: [row[name] for row in rows] for name in ("document", "tokens", "start", "length", "text", "share")}


def said(files: AuditFiles, text: Text, who: Asked, prefixes: Sequence[int], table: PassageTable) -> Extracted:
    """Return what a model said of the passages of a text, behind prefixes of these lengths."""
    parts = len(parts_of(len(table)))
    return Extracted({prefix: files.forced(text, who, prefix, parts) for prefix in prefixes}, table.cluster)
