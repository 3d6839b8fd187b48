"""Rare words by a memory beside a language model: recall against perplexity, near contexts, deletion, bytes and time.

python -m records.wanted.rare_words FOLDER    # about eight minutes of one core; FOLDER keeps the model
"""

import re
import sys
import time
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
from records.wanted.scripture import Scripture, scripture

from byrote.lm.answering import answered
from byrote.lm.corpus import Texts
from byrote.lm.encoder import pieces
from byrote.lm.knn import datastore, fit_memory, forget_document, memory_columns, with_memory
from byrote.lm.model import LanguageModel
from byrote.lm.rates import rate
from byrote.lm.rote import Rote, learn
from byrote.lm.states import document_states
from byrote.lm.teacher_forcing import documents_forced, recited, teacher_forced
from byrote.lm.training import model_of
from byrote.lm.wanted import wanted_passages
from byrote.lm.windows import Passages, passages
from byrote.recall import Memory
from byrote.stats.estimate import Estimate

PREFIX, SUFFIX, K = 16, 32, 16
WEIGHTS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.9)
RARE = 1
"""A word is rare that stands in the training text so often at most."""


def main(folder: Path) -> None:
    found = scripture(folder)
    model, encoder = found.model, found.made.encoder
    start = time.perf_counter()
    memory = datastore(model, found.wanted)
    seconds = time.perf_counter() - start
    print(
        f"{len(found.wanted)} wanted verses, {len(memory):,} tokens stored in {seconds:.1f} s, {memory.bytes / len(memory):.0f} bytes a token in RAM (width {memory.width})"
    )

    fit_on, judged = (
        Texts(found.control.documents[::2]),
        Texts(found.control.documents[1::2] + found.chapters.documents),
    )
    columns = memory_columns(
        model, memory, passages(fit_on, encoder, prefix=PREFIX, suffix=SUFFIX), temperatures=(1, 3, 10, 30, 100), k=K
    )
    fitted = fit_memory(columns)
    print(
        f"fitted on {len(fit_on)} control verses: weight {fitted.weight}, temperature {fitted.temperature}, loss {fitted.loss:.3f} (alone {fitted.alone:.3f})"
    )
    mixed = with_memory(model, memory, weight=fitted.weight, k=K, temperature=fitted.temperature)
    line("as fitted   ", found, mixed, judged)
    curve("temperature 10", found, memory, judged)

    strangers = np.concatenate(
        [each.state for each in document_states(model, [encoder.encode(document.text) for document in fit_on])]
    )
    threshold = memory.calibrate(strangers, 0.05)
    print(
        f"calibrated on {len(strangers):,} states of control verses: false-accept rate {threshold.false_accept} (tokens of one verse are not independent)"
    )
    curve("temperature 10, not known beyond the threshold", found, memory, judged)

    print("== time of 32-token suffixes, 64 at a time, ms a token")
    rows = passages(judged, encoder, prefix=PREFIX, suffix=SUFFIX, limit=64)
    for name, each in (
        ("alone", replace(model, reading=None)),
        ("with the memory", with_memory(model, memory, weight=0.5, k=K)),
    ):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            teacher_forced(each, rows)
            times.append(1000 * (time.perf_counter() - start) / rows.tokens[:, PREFIX:].size)
        print(f"{name}: median {np.median(times):.3f}")

    print("== deletion of one verse of the wanted ones, each of the first ten, then stored again")
    for document in found.wanted.documents[:10]:
        own = passages(Texts((document,)), encoder, prefix=PREFIX, suffix=SUFFIX)
        mixed = with_memory(model, memory, weight=0.9, k=K)
        before = recited(mixed, own)
        start = time.perf_counter()
        gone = forget_document(memory, document.id)
        seconds = time.perf_counter() - start
        after, never = recited(mixed, own), recited(model, own)
        print(
            f"{document.id}: {len(gone.ids)} entries in {1000 * seconds:.0f} ms with proof; recited before {before.tolist()}, after {after.tolist()}, model alone {never.tolist()}; never held {gone.never_held}"
        )

    print("== each verse stored as read from its first 41 tokens on")
    start = time.perf_counter()
    more = datastore(model, found.wanted, starts=range(41))
    print(
        f"{len(more):,} tokens in {time.perf_counter() - start:.1f} s, {more.bytes / len(memory):,.0f} bytes a token of text"
    )
    line("weight 0.9 ", found, with_memory(model, more, weight=0.9, k=K), judged)

    print("== in the weights: the same verses by rote")
    for name, ordinary in (("alone", None), ("with rehearsal of the training text", found.made.corpus)):
        copy = model_of(found.made.task(), deepcopy(model.module), encoder, name=name)
        own = wanted_passages(encoder, found.wanted, prefix=PREFIX)
        done = learn(copy, own, Rote(floor=0.99, epochs=80), ordinary=ordinary)
        print(
            f"{name}: {done.ended} after {len(done.passes)} passes, {done.seconds:.0f} s; verses exact {share(answered(copy, own).exact)}"
        )
        line("in the weights, " + name, found, copy, judged)


def curve(title: str, found: Scripture, memory: Memory, judged: Texts) -> None:
    print(f"== {title}")
    for weight in WEIGHTS:
        mixed = with_memory(found.model, memory, weight=weight, k=K, temperature=10.0)
        line(f"weight {weight:<4} ", found, mixed, judged)


def line(name: str, found: Scripture, model: LanguageModel, judged: Texts) -> None:
    """Print recall of wanted verses from their beginning and from their middle, of rare words there, and perplexity elsewhere."""
    encoder = found.made.encoder
    begin = passages(found.wanted, encoder, prefix=PREFIX, suffix=SUFFIX)
    begin = begin.rows(np.flatnonzero(begin.start == 0))
    middle = shifted(found.wanted, encoder, 20)
    words, others = rare_words(found, model, found.wanted), rare_words(found, model, found.control)
    losses = document_losses(model, judged)
    near = Estimate.of_mean(losses, "document").transformed(np.exp)
    print(
        f"{name}: verses {rate(recited(model, begin), begin.document)}, from the 20th token {rate(recited(model, middle), middle.document)}, rare words {share(words)} of {len(words)}, of other verses {share(others)} of {len(others)}; perplexity of control text {near.value:.1f} [{near.low:.1f}, {near.high:.1f}]",
        flush=True,
    )


def shifted(corpus: Texts, encoder: object, start: int) -> Passages:
    """Return a window of each document that begins at a later token: a context that was not stored."""
    rows, kept = [], []
    for at, document in enumerate(corpus):
        tokens = encoder.encode(document.text)  # type: ignore[attr-defined]
        if len(tokens) >= start + PREFIX + SUFFIX:
            rows.append(tokens[start : start + PREFIX + SUFFIX])
            kept.append(at)
    where = np.array(kept)
    return Passages(np.stack(rows), PREFIX, where, np.full(len(where), start), tuple(corpus[at].id for at in kept))


def rare_words(found: Scripture, model: LanguageModel, corpus: Texts) -> np.ndarray:
    """Return for each rare word of a text, behind its true context, whether greedy decoding gives all of its tokens."""
    usual = Counter(word for document in found.made.corpus for word in re.findall(r"[A-Za-z]+", document.text.lower()))
    tokens = [found.made.encoder.encode(document.text) for document in corpus]
    hits = []
    for document, row, forced in zip(corpus, tokens, documents_forced(model, tokens), strict=True):
        ends = np.cumsum([len(piece) for piece in pieces(found.made.encoder, row)])
        for word in re.finditer(r"[A-Za-z]{4,}", document.text):
            if usual[word[0].lower()] > RARE or word.start() < 30:
                continue
            first, last = np.searchsorted(ends, [word.start(), word.end() - 1], "right")
            hits.append(bool(forced.greedy[0, first : last + 1].all()))
    return np.array(hits, np.bool_)


def share(hits: np.ndarray) -> Estimate:
    return Estimate.of_share(int(hits.sum()), len(hits), "word")


def document_losses(model: LanguageModel, corpus: Texts) -> np.ndarray:
    tokens = [model.encoder.encode(document.text)[:400] for document in corpus]
    return np.array([-np.nanmean(each.logprob) for each in documents_forced(model, tokens)], np.float64)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "audits/wanted"))
