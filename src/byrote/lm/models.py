"""Doors: what is taken for a language model, and where it is read from; each is asked a few tokens first (`check_model`)."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from byrote.errors import ByroteError, InvalidData, Remedy
from byrote.lm.encoder import Encoder
from byrote.lm.model import LanguageModel
from byrote.lm.model_checks import check_model
from byrote.task.loading import module_from


def read_model(path: str | Path, device: str = "cpu") -> LanguageModel:
    """Return the language model at a path, checked.

    A folder that Hugging Face's `save_pretrained` wrote (weights as safetensors, with its tokenizer), a folder of a LoRA
    adapter whose base model lies on this disk, a GGUF file with its tokenizer, or a Python file that defines `model`: a
    LanguageModel, or a function without arguments that returns one. Weights are read as fp32. Nothing is downloaded or
    unpickled, and no code but that of a Python file is run. Raises ByroteError, in a sentence, for anything else.
    """
    place = Path(path)
    if place.suffix == ".py":
        found = _defined(place)
    elif place.is_dir() or place.suffix == ".gguf":
        from byrote.lm import huggingface

        found = huggingface.read(place, device)
    else:
        raise ByroteError(
            f"There is no language model at {str(path)!r}. Give a folder with config.json and safetensors, a .gguf file, or a .py file that defines `model`."
        )
    check_model(found)
    return found


def language_model(
    model: "Callable[[Tensor], Any] | nn.Module",
    encoder: Any,
    context: int | None = None,
    *,
    name: str = "",
    device: str | None = None,
    begin: int | None = None,
) -> LanguageModel:
    """Return a language model of the user's own, checked: a torch module or any callable from token ids to logits.

    `model` maps token ids `[sequence, token]` to logits `[sequence, token, vocabulary]`, or to a tuple that begins with them,
    or to an object whose `logits` they are. `encoder` is an Encoder, a tokenizer of transformers or one of tokenizers;
    `begin` is the id in front of a document, where a tokenizer does not say. `context` is how many tokens it reads; a model
    of transformers says so itself. A method `hidden(tokens, count)` of the model gives its states (see LanguageModel). A
    module is asked on the device of its weights. Raises InvalidData, in a sentence, where the answers cannot be measured.
    """
    known = encoder if _is_encoder(encoder) else _encoder_of(encoder, begin)
    if "transformers" in sys.modules and isinstance(model, sys.modules["transformers"].PreTrainedModel):
        from byrote.lm import huggingface

        found = huggingface.of_module(model, known, context, name or type(model).__name__)
    elif context is None:
        raise InvalidData("How many tokens the model reads is not known. Give its context length.")
    else:
        module = model if isinstance(model, nn.Module) else None
        place = device or ("cpu" if module is None else str(next(iter(module.parameters()), torch.zeros(0)).device))
        title = name or (type(model).__name__ if module is not None else getattr(model, "__name__", "model"))
        found = LanguageModel(
            _logits_of(model), known, context, title, place, module, hidden=getattr(model, "hidden", None)
        )
    check_model(found)
    return found


def _logits_of(model: "Callable[[Tensor], Any]") -> "Callable[[Tensor], Tensor]":
    def logits(tokens: Tensor) -> Tensor:
        found = model(tokens)
        found = found[0] if isinstance(found, tuple) else getattr(found, "logits", found)
        if not isinstance(found, Tensor):
            raise InvalidData(
                f"The model gives {type(found).__name__} for token ids. Give one that returns a tensor of logits [sequence, token, vocabulary]."
            )
        return found

    return logits


def _is_encoder(given: Any) -> bool:
    return all(hasattr(given, name) for name in ("size", "begin", "name", "encode", "decode"))


def _encoder_of(tokenizer: Any, begin: int | None) -> Encoder:
    if not hasattr(tokenizer, "get_vocab"):
        raise InvalidData(
            f"The encoder is {type(tokenizer).__name__}. Give byrote.lm.Bytes(), Characters.of(texts), or a tokenizer of transformers or tokenizers."
        )
    from byrote.lm import huggingface

    return huggingface.encoder_of(tokenizer, begin=begin)


def _defined(path: Path) -> LanguageModel:
    """Return the `model` of a Python file."""
    module = module_from(path)
    found = getattr(module, "model", None)
    if found is None:
        raise InvalidData(
            f"{path} does not define 'model'. Write `model = byrote.lm.language_model(module, encoder, context)` in it."
        )
    if not isinstance(found, LanguageModel) and not isinstance(found, nn.Module) and callable(found):
        try:
            found = found()
        except ByroteError:
            raise
        except Exception as error:
            raise InvalidData(
                f"The function `model` in {path} raises {type(error).__name__}: {error}. Correct it.",
                Remedy("traceback"),
            ) from error
    if not isinstance(found, LanguageModel):
        raise InvalidData(
            f"`model` in {path} is {type(found).__name__}. Write `model = byrote.lm.language_model(module, encoder, context)`."
        )
    return found
