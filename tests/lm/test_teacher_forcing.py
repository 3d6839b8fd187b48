"""One pass against real generation, passes of their own for each token, and enumeration."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from byrote.errors import InvalidData
from byrote.lm import LanguageModel
from byrote.lm.sampling import Sampling, log_probabilities
from byrote.lm.teacher_forcing import (
    Forced,
    asking,
    candidates_forced,
    documents_forced,
    recited,
    teacher_forced,
)
from small_lm import Remembering, drawn, enumerated, extracting, generated, next_logprobs, some, tiny


def same(one: Forced, other: Forced) -> None:
    for field in fields(Forced):
        np.testing.assert_allclose(getattr(one, field.name), getattr(other, field.name), atol=1e-5)


def test_the_greedy_verdict_is_that_of_generation() -> None:
    model, tokens = tiny(), extracting(tiny(), 60, 6, 6)
    truth = np.array([generated(model, row[:6], 6) == row[6:].tolist() for row in tokens])
    assert truth.sum() == 30
    assert (teacher_forced(model, some(tokens, 6)).greedy.all(1) == truth).all()
    assert (recited(model, some(tokens, 6)) == truth).all()
    assert (recited(Remembering.of(model), some(tokens, 6)) == truth).all()
    assert (recited(model, some(tokens[:, :7], 6)) == teacher_forced(model, some(tokens[:, :7], 6)).greedy[:, 0]).all()


def test_each_column_is_that_of_a_pass_for_each_token() -> None:
    model, tokens = tiny(), drawn(20, 10)
    found = teacher_forced(model, some(tokens, 4), spread=True)
    for i, row in enumerate(tokens):
        for j in range(6):
            logprobs = next_logprobs(model, row[: 4 + j])
            token = row[4 + j]
            assert found.logprob[i, j] == pytest.approx(logprobs[token], abs=1e-5)
            assert found.rank[i, j] == (logprobs > logprobs[token]).sum()
            assert found.greedy[i, j] == (logprobs.argmax() == token)
            p = np.exp(logprobs)
            assert found.mean[i, j] == pytest.approx((p * logprobs).sum(), abs=1e-4)
            assert found.deviation[i, j] == pytest.approx(np.sqrt(p @ (logprobs - p @ logprobs) ** 2), abs=1e-4)
    assert found.sampled is not None
    assert (found.sampled == found.logprob).all()
    assert np.isnan(teacher_forced(model, some(tokens, 4)).mean).all()


def test_p_z_is_that_of_enumeration_and_the_frequency_of_samples() -> None:
    model, prefix, scheme = tiny(), drawn(1, 4)[0], Sampling(temperature=2.0)
    everything = np.array(list(enumerated(model, prefix, 4, temperature=2.0)))
    exact = np.array(list(enumerated(model, prefix, 4, temperature=2.0).values()))
    assert exact.sum() == pytest.approx(1)
    texts = np.concatenate([np.tile(prefix, (len(everything), 1)), everything], 1)
    found = np.exp(teacher_forced(model, some(texts, 4), sampling=scheme).sampled.astype(float).sum(1))
    np.testing.assert_allclose(found, exact, rtol=1e-4)
    # 20,000 samples by the scheme's own logits: chi-square on 9 frequent texts and the rest has 9 degrees of freedom
    rng, count = np.random.default_rng(0), 20_000
    text = np.tile(prefix, (count, 1))
    with asking(model):
        for _ in range(4):
            logits = model.logits(torch.from_numpy(text))[:, -1]
            noise = rng.gumbel(size=logits.shape)
            text = np.column_stack([text, (log_probabilities(logits, scheme).numpy() + noise).argmax(1)])
    place = text[:, 4:] @ 5 ** np.arange(3, -1, -1)
    often = np.argsort(-exact)[:9]
    seen = np.append((place[:, None] == often).sum(0), (~np.isin(place, often)).sum())
    expected = count * np.append(found[often], 1 - found[often].sum())
    assert ((seen - expected) ** 2 / expected).sum() < 27.9, "exceeded once in a thousand seeds"


def test_memory_and_batches_change_nothing() -> None:
    model, tokens = tiny(), drawn(150, 9)
    whole = teacher_forced(model, some(tokens, 5), spread=True)
    same(whole, teacher_forced(model, some(tokens, 5), spread=True, memory=1))
    same(whole.first(2), teacher_forced(model, some(tokens[:, :7], 5), spread=True))
    assert teacher_forced(model, some(tokens[:0], 5)).logprob.shape == (0, 4)


def test_the_first_token_is_put_in_front_where_the_encoder_names_one() -> None:
    model = tiny(context=10)
    begun = replace(model, encoder=replace(model.encoder, begin=3))
    tokens = drawn(7, 9)
    fronted = np.column_stack([np.full(7, 3), tokens])
    same(teacher_forced(begun, some(tokens, 4)), teacher_forced(model, some(fronted, 5)))
    with pytest.raises(InvalidData, match="reads 10 tokens, and 11 are needed"):
        teacher_forced(begun, some(drawn(2, 11), 4))


def test_candidates_behind_one_prefix_are_read_with_and_without_a_cache() -> None:
    model, prefix, candidates = tiny(), drawn(1, 5)[0], drawn(90, 4, seed=3)
    texts = np.concatenate([np.tile(prefix, (90, 1)), candidates], 1)
    expected = teacher_forced(model, some(texts, 5))
    same(candidates_forced(model, prefix, candidates), expected)
    remembering = Remembering.of(model)
    same(candidates_forced(remembering, prefix, candidates), expected)
    assert remembering.logits is None, "with a cache nothing else is asked"
    same(candidates_forced(remembering, prefix, candidates[:, :1]), expected.first(1))


def test_documents_are_read_in_windows_that_judge_each_token_once() -> None:
    model = tiny(context=8)
    documents = [drawn(1, n, seed=n)[0] for n in (0, 1, 5, 9, 30)]
    for begin in (None, 2):
        asked = replace(model, encoder=replace(model.encoder, begin=begin))
        front = [] if begin is None else [begin]
        reach = 8 - len(front)
        for stride in (1, 3, reach):
            found = documents_forced(asked, documents, stride=stride)
            for tokens, forced in zip(documents, found, strict=True):
                assert forced.logprob.shape == (1, len(tokens))
                for at, token in enumerate(tokens):
                    if at == 0 and not front:
                        assert np.isnan(forced.logprob[0, 0])
                        assert (forced.rank[0, 0], forced.greedy[0, 0]) == (-1, False)
                        continue
                    window = 0 if at <= reach else -(-(at - reach) // stride) * stride
                    start = min(window, max(0, len(tokens) - reach - 1))
                    expected = next_logprobs(model, [*front, *tokens[start:at]])[token]
                    assert forced.logprob[0, at] == pytest.approx(expected, abs=1e-4)


def test_what_cannot_be_measured_is_refused_in_a_sentence() -> None:
    model, passages = tiny(), some(drawn(3, 8), 4)
    with pytest.raises(
        InvalidData, match=r"Tiny reads 12 tokens, and 13 are needed for passages of 14. Give a shorter"
    ):
        teacher_forced(model, some(drawn(1, 14), 4))
    with pytest.raises(InvalidData, match=r"token ids go from 0 to 7, and characters has 5"):
        teacher_forced(model, some(np.full((1, 8), 7) * [0, 1, 0, 0, 0, 0, 0, 0], 4))
    shapes = {
        r"shape \(3, 5\) for token ids of the shape \(3, 7\)": lambda t: model.logits(t)[:, -1],
        "gives 4 logits, and its encoder characters has 5": lambda t: model.logits(t)[..., :4],
        "NaN or infinite": lambda t: model.logits(t) * float("nan"),
    }
    for message, logits in shapes.items():
        with pytest.raises(InvalidData, match=message):
            teacher_forced(LanguageModel(logits, model.encoder, 12), passages)
    with pytest.raises(InvalidData, match="cannot be cut to 5"):
        teacher_forced(model, passages).first(5)
    with pytest.raises(InvalidData, match="stride=13"):
        documents_forced(model, [drawn(1, 4)[0]], stride=13)


def test_a_logit_of_minus_infinity_is_a_token_that_never_comes() -> None:
    model = tiny()

    def masked(tokens: torch.Tensor) -> torch.Tensor:
        return torch.where(torch.arange(5) == 2, -torch.inf, model.logits(tokens))

    asked = LanguageModel(masked, model.encoder, 12)
    tokens = drawn(20, 8)
    found = teacher_forced(asked, some(tokens, 4), spread=True)
    assert (np.isneginf(found.logprob) == (tokens[:, 4:] == 2)).all()
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.deviation).all()


def test_the_module_is_in_evaluation_mode_while_it_is_asked_and_trains_on_afterwards() -> None:
    model = tiny()
    model.module.train()
    teacher_forced(model, some(drawn(2, 6), 3))
    assert model.module.training
    assert model.module.dropout.training
