"""Models and tokenizers of Hugging Face, from this disk only: no download, no remote code, nothing unpickled."""

import copy
import importlib
import inspect
import json
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Int
from numpy import ndarray
from torch import Tensor

from byrote.errors import ByroteError, InvalidData, Unsupported, missing_extra
from byrote.lm.encoder import Encoder
from byrote.lm.model import Cache, LanguageModel

Made = TypeVar("Made")

LONGEST = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")
"""Names that configurations have for the number of tokens that a model reads."""


def read(path: Path, device: str) -> LanguageModel:
    """Return the model of a folder, of an adapter's folder, or of a GGUF file, with its tokenizer."""
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ByroteError(f"There is no file {str(path)!r}. Give the path of a .gguf file.")
        return _read(path.parent, device, path.stem, gguf_file=path.name)
    if (path / "adapter_config.json").is_file():
        return _read_adapter(path, device)
    _check_folder(path)
    return _read(path, device, path.name)


def of_module(module: Any, encoder: Encoder, context: int | None, name: str) -> LanguageModel:
    """Return a loaded model of transformers as a language model; the context is that of its configuration if not given."""
    config = module.config.get_text_config() if hasattr(module.config, "get_text_config") else module.config
    longest = context or next((getattr(config, key) for key in LONGEST if getattr(config, key, None)), None)
    if longest is None:
        raise InvalidData(f"The configuration of {name} does not say how many tokens it reads. Give `context`.")

    keys = _keys(module)
    if isinstance(encoder, Tokens) and encoder.ordinary <= config.vocab_size < encoder.size:
        encoder = replace(encoder, size=config.vocab_size)

    def logits(tokens: Tensor) -> Tensor:
        return module(input_ids=tokens, use_cache=False).logits

    def ending(tokens: Tensor, count: int) -> Tensor:
        return module(input_ids=tokens, use_cache=False, logits_to_keep=count).logits

    def hidden(tokens: Tensor, count: int) -> tuple[Tensor, Tensor]:
        found = module(input_ids=tokens, use_cache=False, output_hidden_states=True)
        return found.logits[:, -count:], found.hidden_states[-1][:, -count:]

    def reading(tokens: Tensor, count: int, cache: Cache | None) -> tuple[Tensor, Cache]:
        kept = cache.fresh() if isinstance(cache, KeyValues) else None
        found = module(input_ids=tokens, use_cache=True, logits_to_keep=count, **{keys: kept})
        return found.logits, KeyValues(getattr(found, keys))

    fast = "logits_to_keep" in inspect.signature(module.forward).parameters
    return LanguageModel(
        logits,
        encoder,
        int(longest),
        name,
        str(module.device),
        module,
        ending if fast else None,
        reading if fast and _keeps_rows(module, keys) else None,
        hidden if _gives_states(module) else None,
    )


@dataclass(frozen=True, eq=False)
class KeyValues:
    """A cache of keys and values of transformers. Each use gets a copy of its lists, which shares the tensors."""

    cache: Any

    def fresh(self) -> Any:
        """Return a cache with the same tensors, for a model that adds to it."""
        found = copy.copy(self.cache)
        found.layers = [copy.copy(layer) for layer in self.cache.layers]
        return found

    def rows(self, which: Tensor) -> "KeyValues":
        """Return the cache of these rows."""
        found = self.fresh()
        for layer in found.layers:
            layer.keys, layer.values = layer.keys[which], layer.values[which]
        return KeyValues(found)


@dataclass(frozen=True, eq=False)
class Tokens:
    """The token ids of a tokenizer, without special tokens and without clean-up of spaces.

    Ids from `ordinary` on are special tokens, such as one for padding, which a model may not know. `starts` are the special
    tokens that may stand in front of a text: those for its beginning and its end.
    """

    name: str
    size: int
    ordinary: int
    begin: int | None
    to_tokens: Callable[[str], list[int]]
    to_text: Callable[[list[int]], str]
    starts: tuple[int, ...] = ()

    def encode(self, text: str) -> Int[ndarray, " token"]:
        """Return the token ids of a text."""
        return np.array(self.to_tokens(text), np.int64)

    def decode(self, tokens: Int[ndarray, " token"]) -> str:
        """Return the text of token ids."""
        return self.to_text([int(token) for token in tokens])


def encoder_of(tokenizer: Any, *, begin: int | None = None) -> Encoder:
    """Return the encoder of a tokenizer of transformers or of tokenizers.

    `begin` is the id in front of a document; a tokenizer of transformers says itself whether it puts its first token (`bos`)
    in front. Whether it gives texts back is checked on the texts of an audit (`check_encoder`).
    """
    if type(tokenizer).__module__.split(".")[0] == "tokenizers":
        return Tokens(
            f"tokenizers of {tokenizer.get_vocab_size()}",
            *_sizes(tokenizer.get_vocab(), tokenizer.get_added_tokens_decoder()),
            begin,
            lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
            lambda tokens: tokenizer.decode(tokens, skip_special_tokens=False),
        )
    bos, usual = tokenizer.bos_token_id, tokenizer.encode("a")
    first = bos if bos is not None and usual[:1] == [bos] else None
    name = Path(str(tokenizer.name_or_path or "")).name or type(tokenizer).__name__
    return Tokens(
        name,
        *_sizes(tokenizer.get_vocab(), tokenizer.added_tokens_decoder),
        first if begin is None else begin,
        lambda text: tokenizer.encode(text, add_special_tokens=False, verbose=False),
        lambda tokens: tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False),
        tuple(each for each in (bos, tokenizer.eos_token_id) if isinstance(each, int)),
    )


def _sizes(vocabulary: dict[str, int], added: dict[int, Any]) -> tuple[int, int]:
    """Return how many ids there are, and how many up to the last that is no special token."""
    special = {at for at, token in added.items() if token.special}
    return max(vocabulary.values()) + 1, max((at for at in vocabulary.values() if at not in special), default=-1) + 1


def _read(folder: Path, device: str, name: str, **options: Any) -> LanguageModel:
    transformers = _imported("transformers", f"Reading {name} needs transformers")
    if options:
        _imported("gguf", f"Reading {name} needs gguf")
    usual = {"local_files_only": True, "trust_remote_code": False, **options}
    auto, tokenizers = transformers.AutoModelForCausalLM, transformers.AutoTokenizer
    where = folder / options.get("gguf_file", "")
    module = _tried(
        where,
        lambda: auto.from_pretrained(folder, dtype=torch.float32, use_safetensors=None if options else True, **usual),
    )
    tokenizer = _tried(where, lambda: tokenizers.from_pretrained(folder, **usual))
    return of_module(module.to(device).eval(), encoder_of(tokenizer), None, name)


def _read_adapter(path: Path, device: str) -> LanguageModel:
    """Return the base model of a LoRA adapter with the adapter's changes added to its weights."""
    peft = _imported("peft", f"Reading the adapter {path.name} needs peft")
    config = json.loads((path / "adapter_config.json").read_text())
    if config.get("peft_type") != "LORA":
        raise Unsupported(f"{path} is an adapter of the kind {config.get('peft_type')}. Give a LoRA adapter.")
    if not (path / "adapter_model.safetensors").is_file():
        raise InvalidData(
            f"{path} has no adapter_model.safetensors. Save the adapter again, with safe_serialization=True."
        )
    base = Path(str(config.get("base_model_name_or_path") or ""))
    place = next((each for each in (base, path / base) if (each / "config.json").is_file()), None)
    if place is None:
        raise ByroteError(
            f"The base model of the adapter {path} is {str(base)!r}, which is no folder on this disk. Put its path into base_model_name_or_path of adapter_config.json."
        )
    _check_folder(place)
    under = _read(place, device, place.name)
    adapted = _tried(path, lambda: peft.PeftModel.from_pretrained(under.module, str(path), torch_device=device))
    return of_module(adapted.merge_and_unload().eval(), under.encoder, under.context, path.name)


def _check_folder(path: Path) -> None:
    """Raise ByroteError for a folder without a configuration or without weights that can be read safely."""
    if not (path / "config.json").is_file():
        raise ByroteError(f"{str(path)!r} has no config.json. Give a folder that save_pretrained wrote.")
    if not any(path.glob("*.safetensors")):
        pickled = sorted(each.name for kind in ("*.bin", "*.pt", "*.pth") for each in path.glob(kind))
        raise InvalidData(
            f"{str(path)!r} has {', '.join(pickled) or 'no weights'} and no safetensors, and pickled weights are not read because they can run code. Save the model again with save_pretrained."
        )


def _imported(name: str, what: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise missing_extra(what, "lm") from None


@contextmanager
def quiet() -> Generator[None]:
    """Keep the bars and warnings of transformers and peft from the terminal within this: what matters is raised."""
    logging = importlib.import_module("transformers.utils.logging")
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _tried(path: Path, read: Callable[[], Made]) -> Made:
    """Return what transformers reads, or raise InvalidData with the first line of what it says."""
    try:
        with quiet():
            return read()
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, ImportError, AttributeError) as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InvalidData(
            f"transformers cannot read {str(path)!r}: {said} Give a folder with the model and its tokenizer, as save_pretrained writes them."
        ) from error


def _keys(module: Any) -> str:
    """Return what this version of transformers calls the cache of keys and values."""
    return "cache" if "cache" in inspect.signature(module.forward).parameters else "past_key_values"


def _keeps_rows(module: Any, keys: str) -> bool:
    """Return whether the model keeps plain keys and values of all tokens, of which rows can be taken."""
    with torch.no_grad():
        found = module(input_ids=torch.zeros(1, 1, dtype=torch.long, device=module.device), use_cache=True)
    layers = getattr(getattr(found, keys, None), "layers", [None])
    return all(type(layer).__name__ == "DynamicLayer" for layer in layers)


def _gives_states(module: Any) -> bool:
    """Return whether the model gives the states of its last layer, which not every architecture does."""
    given = torch.zeros(1, 1, dtype=torch.long, device=module.device)
    try:
        with torch.no_grad():
            states = module(input_ids=given, use_cache=False, output_hidden_states=True).hidden_states
    except (TypeError, ValueError, AttributeError):
        return False
    return bool(states) and states[-1].ndim == 3
