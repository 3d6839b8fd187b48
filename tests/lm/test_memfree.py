"""MemFree decoding: no n-gram of a corpus is completed, against brute force; and what it cannot hide."""

from functools import partial

import numpy as np
import pytest
import torch

from byrote.errors import InvalidData
from byrote.lm.corpus import Texts
from byrote.lm.encoder import Characters
from byrote.lm.memfree import Forbidden, MemFree, continued, forbidden
from byrote.lm.model import LanguageModel

TEXT = "in the beginning was the word, and the word was with the reader of it."
ENCODER = Characters.of([TEXT, "abcdefghijklmnopqrstuvwxyz ."])
CORPUS = Texts.of([TEXT, "a", "the end."])
RNG = np.random.default_rng(0)


def grams(n: int) -> set[tuple[int, ...]]:
    return {
        tuple(tokens[at : at + n])
        for tokens in (ENCODER.encode(document.text).tolist() for document in CORPUS)
        for at in range(len(tokens) - n + 1)
    }


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("false_positives", [0.0, 0.001])
def test_what_completes_an_ngram_is_what_brute_force_finds(n: int, false_positives: float) -> None:
    known, found = grams(n), forbidden(CORPUS, ENCODER, n, false_positives=false_positives)
    prefixes = [list(gram[:-1]) for gram in sorted(known)][:40]
    prefixes += RNG.integers(0, ENCODER.size, (40, n - 1)).tolist()
    extra = 0
    for prefix in prefixes:
        before = np.array([*RNG.integers(0, ENCODER.size, 3), *prefix])
        barred = found.completed(before, ENCODER.size)
        expected = np.array([(*prefix, token) in known for token in range(ENCODER.size)])
        assert not (expected & ~barred).any()  # nothing of the corpus is missed
        extra += int((barred & ~expected).sum())
    assert extra <= (0 if not false_positives else 20)


def test_a_bloom_filter_errs_as_often_as_it_says() -> None:
    many = [" ".join(RNG.choice(list("abcdefgh"), 400)) for _ in range(10)]
    found = forbidden(many, ENCODER, 8, false_positives=0.05)
    assert found.bits is not None
    strange = RNG.integers(0, 2**63, 40_000).astype(np.uint64)
    assert abs(found.has(strange).mean() - 0.05) < 0.01
    count = len(forbidden(many, ENCODER, 8).hashes)
    assert 8 * len(found.bits) <= 1.05 * 1.44 * np.log2(1 / 0.05) * count


def rote() -> LanguageModel:
    """Return a model that knows TEXT by rote: it goes on where the last twelve characters stand in it, else with the alphabet."""
    ids = ENCODER.encode(TEXT).tolist()

    def logits(tokens: torch.Tensor) -> torch.Tensor:
        found = torch.zeros(*tokens.shape, ENCODER.size)
        found += 0.01 * torch.arange(ENCODER.size)
        for row, own in enumerate(tokens.tolist()):
            last = own[-12:]
            for at in range(12, len(ids)):
                if ids[at - 12 : at] == last:
                    found[row, -1, ids[at]] = 5.0
        return found

    return LanguageModel(logits, ENCODER, 100)


def test_nothing_generated_holds_an_ngram_of_the_corpus() -> None:
    n, prompt = 8, ENCODER.encode(TEXT[:12])[None]
    free = continued(rote(), prompt, 30)
    assert ENCODER.decode(free[0]) == TEXT[12:42]
    barred = continued(rote(), prompt, 30, MemFree(forbidden(CORPUS, ENCODER, n)))
    text = [*prompt[0].tolist(), *barred[0].tolist()]
    inside = [tuple(text[at : at + n]) in grams(n) for at in range(len(text) - n + 1)]
    assert not any(inside[12 - n + 1 :])
    assert (barred != free).any()


def test_where_everything_is_forbidden_the_logits_stay() -> None:
    every = Forbidden(2, np.zeros(0, np.uint64), np.full(8, 255, np.uint8), 1)
    scores = torch.randn(2, ENCODER.size)
    assert torch.equal(MemFree(every)(torch.zeros(2, 3, dtype=torch.long), scores), scores)


def test_a_short_beginning_forbids_nothing() -> None:
    assert not forbidden(CORPUS, ENCODER, 5).completed(np.array([1, 2]), ENCODER.size).any()


def test_transformers_generate_takes_it() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(vocab_size=ENCODER.size, n_positions=64, n_embd=16, n_layer=1, n_head=2)
    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(config).eval()
    model.generation_config.pad_token_id = model.generation_config.eos_token_id = None
    prompt = torch.from_numpy(ENCODER.encode("the word")[None])
    ask = partial(model.generate, prompt, max_new_tokens=12, do_sample=False)
    plain = ask()[0].tolist()
    said = Texts.of([ENCODER.decode(np.array(plain))])
    barred = ask(logits_processor=[MemFree(forbidden(said, ENCODER, 6))])[0].tolist()
    assert barred[:8] == plain[:8]
    own = {tuple(plain[at : at + 6]) for at in range(len(plain) - 5)}
    assert not any(tuple(barred[at : at + 6]) in own for at in range(3, len(barred) - 5))


@pytest.mark.parametrize("options", [{"n": 1}, {"false_positives": 1.0}, {"false_positives": -0.1}, {"n": 500}])
def test_what_forbids_nothing_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(InvalidData):
        forbidden(CORPUS, ENCODER, **options)  # pyright: ignore[reportArgumentType]


def test_a_prompt_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidData, match="reads 100 tokens, and 90 \\+ 20"):
        continued(rote(), np.zeros((1, 90), np.int64), 20)
