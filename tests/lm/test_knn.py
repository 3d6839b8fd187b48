"""A memory beside a language model: against a brute force over all stored states, and what deletion leaves of a document."""

import inspect
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from byrote.errors import InvalidData, Unsupported
from byrote.lm import LanguageModel, Texts
from byrote.lm.knn import (
    datastore,
    document_entries,
    fit_memory,
    forget_document,
    known_mixture,
    memory_columns,
    mixed_logprob,
    store_documents,
    with_memory,
)
from byrote.lm.model_checks import check_model
from byrote.lm.models import language_model, read_model
from byrote.lm.states import document_states
from byrote.lm.teacher_forcing import asking, recited, teacher_forced
from small_lm import LETTERS, Tiny, byte_pairs, drawn, save_model, some, tiny


def texts(rows: int = 6, tokens: int = 9, seed: int = 3) -> Texts:
    return Texts.of([LETTERS.decode(row) for row in drawn(rows, tokens, seed)])


def state_after(model: LanguageModel, tokens: np.ndarray) -> np.ndarray:
    assert model.hidden is not None
    with asking(model):
        return model.hidden(torch.as_tensor(tokens)[None], 1)[1][0, 0].numpy()


def brute(
    model: LanguageModel, corpus: Texts, tokens: np.ndarray, weight: float, k: int, temperature: float
) -> np.ndarray:
    """The mixture after one text, from a pass for each stored token."""
    keys, values = [], []
    for document in corpus:
        row = LETTERS.encode(document.text)
        for at in range(1, len(row)):
            keys.append(state_after(model, row[:at]))
            values.append(row[at])
    squares = np.square(np.array(keys, np.float64) - state_after(model, tokens)).sum(1)
    near = np.argsort(squares, kind="stable")[:k]
    shares = np.exp(-squares[near] / temperature)
    found = np.zeros(5)
    np.add.at(found, np.array(values)[near], shares / shares.sum())
    with asking(model):
        own = torch.softmax(model.logits(torch.as_tensor(tokens)[None])[0, -1].double(), 0).numpy()
    return (1 - weight) * own + weight * found


@pytest.mark.parametrize(("weight", "k", "temperature"), [(0.3, 4, 5.0), (0.9, 1, 0.5), (1.0, 40, 50.0)])
def test_the_mixture_is_that_of_a_brute_force(weight: float, k: int, temperature: float) -> None:
    model, corpus = tiny(), texts()
    mixed = with_memory(model, datastore(model, corpus), weight=weight, k=k, temperature=temperature)
    for row in drawn(4, 7, seed=9):
        with asking(mixed):
            found = torch.softmax(mixed.logits(torch.as_tensor(row)[None])[0, -1].double(), 0).numpy()
        np.testing.assert_allclose(found, brute(model, corpus, row, weight, k, temperature), atol=2e-6)
    check_model(mixed)


def test_without_weight_it_is_the_model_and_alone_the_memory_recites_what_it_holds() -> None:
    model, corpus = tiny(), texts(rows=20)
    rows = some([LETTERS.encode(document.text) for document in corpus], 4)
    memory = datastore(model, corpus)
    none = teacher_forced(with_memory(model, memory, weight=0), rows)
    np.testing.assert_array_equal(none.logprob, teacher_forced(model, rows).logprob)
    assert recited(model, rows).mean() < 0.2
    assert recited(with_memory(model, memory, weight=1, k=1), rows).all()


def test_a_forgotten_document_is_recited_no_more_and_the_others_are() -> None:
    model, corpus = tiny(), texts(rows=12)
    rows = some([LETTERS.encode(document.text) for document in corpus], 4)
    memory = datastore(model, corpus)
    mixed = with_memory(model, memory, weight=1, k=1)
    before = memory.fingerprint
    deletion = forget_document(memory, "5")
    assert (len(deletion.ids), deletion.never_held) == (8, True)
    begun = [document.text[:n] for document in corpus for n in range(1, 9) if document.id != "5"]
    assert deletion.copies_left == sum(begun.count(corpus[5].text[:n]) for n in range(1, 9)), "the same beginnings"
    assert document_entries(memory, "5") == ()
    assert not set(deletion.answers.ids.ravel()) & set(deletion.ids)
    expected = np.ones(12, bool)
    expected[5] = False
    np.testing.assert_array_equal(recited(mixed, rows), expected)
    assert (
        recited(mixed, rows)[5]
        == recited(
            with_memory(model, datastore(model, Texts(corpus.documents[:5] + corpus.documents[6:])), weight=1, k=1),
            rows,
        )[5]
    )
    store_documents(memory, model, Texts(corpus.documents[5:6]))
    assert memory.fingerprint == before
    with pytest.raises(InvalidData, match="'nobody'"):
        forget_document(memory, "nobody")


def test_a_document_that_is_read_from_several_tokens_on_is_recalled_from_each() -> None:
    model, corpus = tiny(), texts(rows=8, tokens=11)
    rows = np.stack([LETTERS.encode(document.text)[2:] for document in corpus])
    plain, more = datastore(model, corpus), datastore(model, corpus, starts=(0, 2))
    assert (len(plain), len(more)) == (80, 80 + 64)
    assert more.ids[-1] in {f"{at}:{place}@2" for at in range(8) for place in range(3, 11)}
    assert not recited(with_memory(model, plain, weight=1, k=1), some(rows, 6)).all()
    assert recited(with_memory(model, more, weight=1, k=1), some(rows, 6)).all()
    assert len(document_entries(more, "3")) == 18
    assert len(forget_document(more, "3").ids) == 18
    with pytest.raises(InvalidData, match="starts="):
        datastore(model, corpus, starts=(0, 0))


def test_long_documents_are_stored_in_windows_each_token_once() -> None:
    model = tiny()
    rows = [drawn(1, length, seed=length)[0] for length in (30, 1, 9, 2)]
    found = list(document_states(model, rows, stride=4))
    places = sorted((int(d), int(p)) for each in found for d, p in zip(each.document, each.position, strict=True))
    assert places == [(0, p) for p in range(1, 30)] + [(2, p) for p in range(1, 9)] + [(3, 1)]
    for each in found:
        for state, token, document, at in zip(each.state, each.token, each.document, each.position, strict=True):
            assert token == rows[document][at]
            if document == 0 and at > 12:
                reach = [state_after(model, rows[0][at - length : at]) for length in range(8, 13)]
                assert min(np.abs(one - state).max() for one in reach) < 1e-4
            else:
                np.testing.assert_allclose(state, state_after(model, rows[document][:at]), atol=1e-4)


def test_columns_give_every_mixture() -> None:
    model, corpus = tiny(), texts()
    memory, rows = datastore(model, corpus), some(drawn(7, 8, seed=11), 3)
    columns = memory_columns(model, memory, rows, temperatures=(0.5, 20.0), k=6)
    for at, temperature in enumerate(columns.temperatures):
        for weight in (0.0, 0.2, 1.0):
            mixed = with_memory(model, memory, weight=weight, k=6, temperature=temperature)
            expected = teacher_forced(mixed, rows).logprob
            np.testing.assert_allclose(known_mixture(columns, at, weight), expected, atol=1e-4)
    assert mixed_logprob(np.log([[0.5]]), np.array([[-np.inf]]), 0.5)[0, 0] == pytest.approx(np.log(0.25))


def test_the_fit_uses_the_memory_on_stored_text_and_leaves_it_on_random_text() -> None:
    model, corpus = tiny(), texts(rows=20)
    memory = datastore(model, corpus)
    stored = some([LETTERS.encode(document.text) for document in corpus], 2)
    fitted = fit_memory(memory_columns(model, memory, stored, temperatures=(0.1, 1.0, 10.0), k=4))
    assert (fitted.weight, fitted.temperature) == (0.9, 0.1)
    assert fitted.loss < 0.15 * fitted.alone


def test_a_calibrated_memory_leaves_what_it_does_not_know_to_the_model() -> None:
    model, corpus = tiny(), texts(rows=20)
    memory = datastore(model, corpus)
    strangers = np.concatenate(
        [each.state[each.position > 5] for each in document_states(model, list(drawn(60, 9, seed=77)))]
    )
    memory.calibrate(strangers, 0.05)
    mixed, rows = with_memory(model, memory, weight=1, k=1), some(drawn(40, 9, seed=78), 6)
    same = np.isclose(teacher_forced(mixed, rows).logprob, teacher_forced(model, rows).logprob, atol=1e-5).mean()
    assert same > 0.85
    assert recited(mixed, some([LETTERS.encode(document.text) for document in corpus], 6)).all()
    empty = with_memory(model, datastore(model, Texts(())), weight=1)
    np.testing.assert_allclose(teacher_forced(empty, rows).logprob, teacher_forced(model, rows).logprob, atol=1e-5)


def test_refusals() -> None:
    model = tiny()
    memory = datastore(model, texts())
    for options in ({"weight": 1.5}, {"temperature": 0.0}, {"weight": float("nan")}):
        with pytest.raises(InvalidData, match=next(iter(options))):
            with_memory(model, memory, **options)
    with pytest.raises(Unsupported, match="gives no states"):
        datastore(replace(model, hidden=None), texts())
    with pytest.raises(InvalidData, match="already"):
        store_documents(memory, model, texts())

    class Wrong(Tiny):
        def hidden(self, tokens: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
            found, states = super().hidden(tokens, count)
            return found, states.mean(2)

    with pytest.raises(InvalidData, match="`hidden`"):
        language_model(Wrong(), LETTERS, 12)


def test_an_architecture_without_states_is_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transformers = pytest.importorskip("transformers")
    save_model(tmp_path, "gpt2", byte_pairs())
    usual = transformers.GPT2LMHeadModel.forward

    def forward(self: object, *args: object, output_hidden_states: object = None, **options: object) -> object:
        return usual(self, *args, **options)

    forward.__signature__ = inspect.signature(usual)  # type: ignore[attr-defined]
    monkeypatch.setattr(transformers.GPT2LMHeadModel, "forward", forward)
    model = read_model(tmp_path)
    assert model.hidden is None
    with pytest.raises(Unsupported, match="gives no states"):
        datastore(model, Texts.of(["the cat sat"]))


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_a_folder_of_hugging_face_recites_what_is_stored(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    save_model(tmp_path, kind, byte_pairs())
    model = read_model(tmp_path)
    corpus = Texts.of(["the cat sat on the log, the dog on the mat", "the mat sat on the dog on the log, the cat"])
    mixed = with_memory(model, datastore(model, corpus), weight=1, k=1)
    for document in corpus:
        rows = some([model.encoder.encode(document.text)], 5)
        assert recited(mixed, rows).all()
        assert not recited(model, rows).any()
