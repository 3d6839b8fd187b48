"""Models so small that everything about them can be counted: a bare causal transformer over five characters, and text of it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from byrote.lm import Characters, LanguageModel, Passages
from byrote.lm.models import language_model
from byrote.lm.teacher_forcing import asking

LETTERS = Characters("abcde")


class Tiny(nn.Module):
    """One causal attention layer with learned positions, and dropout that has to be off when it is asked."""

    def __init__(self, vocabulary: int = 5, width: int = 16, context: int = 12, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)

        def drawn(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator))

        self.token, self.place = drawn(vocabulary, width), drawn(context, width)
        self.query, self.key, self.value = drawn(width, width), drawn(width, width), drawn(width, width)
        self.head, self.dropout = drawn(width, vocabulary), nn.Dropout(0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.hidden(tokens, tokens.shape[1])[0]

    def hidden(self, tokens: Tensor, count: int) -> tuple[Tensor, Tensor]:
        x = self.token[tokens] + self.place[: tokens.shape[1]]
        scores = (x @ self.query) @ (x @ self.key).mT / x.shape[-1]
        later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        x = x + self.dropout(scores.masked_fill(later, float("-inf")).softmax(-1) @ (x @ self.value))
        x = x[:, -count:]
        return x @ self.head / x.shape[-1] ** 0.5, x


def tiny(**options: Any) -> LanguageModel:
    return language_model(Tiny(**options), LETTERS, options.get("context", 12))


def some(tokens: Any, prefix: int) -> Passages:
    array = np.asarray(tokens, np.int64)
    rows = np.arange(len(array))
    return Passages(array, prefix, rows, np.zeros(len(array), np.int64), tuple(map(str, rows)))


def drawn(rows: int, tokens: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 5, (rows, tokens))


def next_logprobs(model: LanguageModel, tokens: Any, temperature: float = 1.0) -> np.ndarray:
    """Log-probabilities of what follows one text, from a pass of its own, in double precision."""
    with asking(model):
        logits = model.logits(torch.as_tensor(np.asarray(tokens))[None])[0, -1].double() / temperature
    return torch.log_softmax(logits, -1).numpy()


def generated(model: LanguageModel, prefix: Any, count: int) -> list[int]:
    """Greedy decoding, one token after the other."""
    text = list(prefix)
    for _ in range(count):
        text.append(int(next_logprobs(model, text).argmax()))
    return text[len(prefix) :]


def enumerated(model: LanguageModel, prefix: Any, count: int, temperature: float = 1.0) -> dict[tuple[int, ...], float]:
    """The probability of every continuation of `count` tokens: one pass for each text that it begins with."""
    found: dict[tuple[int, ...], float] = {(): 1.0}
    for _ in range(count):
        found = {
            (*text, token): p * float(share)
            for text, p in found.items()
            for token, share in enumerate(np.exp(next_logprobs(model, [*prefix, *text], temperature)))
        }
    return found


@dataclass(frozen=True, eq=False)
class Remembering:
    """A cache that is the whole text; a model that has it is not asked in another way."""

    tokens: Tensor

    def rows(self, which: Tensor) -> "Remembering":
        return Remembering(self.tokens[which])

    @classmethod
    def of(cls, model: LanguageModel) -> LanguageModel:
        def reading(tokens: Tensor, count: int, cache: Any) -> tuple[Tensor, Any]:
            whole = tokens if cache is None else torch.cat([cache.tokens, tokens], 1)
            return model.logits(whole)[:, -count:], cls(whole)

        nothing: Any = None
        return replace(model, logits=nothing, reading=reading)


def extracting(model: LanguageModel, rows: int, prefix: int, suffix: int) -> np.ndarray:
    """Texts of which the suffixes of even rows are what the model goes on with, and the others miss in one random place."""
    rng = np.random.default_rng(1)
    texts = [[*p, *generated(model, p, suffix)] for p in drawn(rows, prefix, seed=2)]
    for text in texts[1::2]:
        at = prefix + rng.integers(suffix)
        text[at] = (text[at] + 1 + rng.integers(4)) % 5
    return np.array(texts)


def byte_pairs() -> Any:
    """A tokenizer of transformers over bytes, with a few merges."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made, level = Tokenizer(models.BPE()), pre_tokenizers.ByteLevel
    made.pre_tokenizer, made.decoder = level(add_prefix_space=False), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=280, special_tokens=["<s>"], initial_alphabet=level.alphabet(), show_progress=False
    )
    made.train_from_iterator(["the cat sat on the mat, the dog sat on the log"] * 20, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="<s>")


def save_model(folder: Path, kind: str, tokenizer: Any) -> None:
    """Save a Llama or a GPT-2 of random weights, of 40 tokens of context, with its tokenizer."""
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    usual: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "bos_token_id": 0,
        "eos_token_id": 0,
        "initializer_range": 0.5,
    }
    llama = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    llama |= {"num_key_value_heads": 2, "max_position_embeddings": 40}
    module = (
        LlamaForCausalLM(LlamaConfig(**llama, **usual))
        if kind == "llama"
        else GPT2LMHeadModel(GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=40, **usual))
    )
    module.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
