"""Saving: adapters for training, and a model with what it learned as a folder that can be read again."""

import shutil
from pathlib import Path
from typing import Any

import torch

from byrote.errors import InvalidData, Unsupported, missing_extra
from byrote.lm.huggingface import quiet
from byrote.lm.model import LanguageModel
from byrote.lm.rote import write_weights

PY = '''"""The model of {original}, with the weights that were trained by rote."""

from pathlib import Path

from byrote.lm.models import read_model
from byrote.lm.rote import with_weights

model = with_weights(read_model({original!r}), Path(__file__).parent / "weights.safetensors")
'''


def check_source(path: Path) -> None:
    """Raise Unsupported for what can be read and asked, but not trained and saved again: adapters and GGUF files."""
    if path.suffix == ".gguf" or (path / "adapter_config.json").is_file():
        raise Unsupported(
            f"{path} is an adapter or a GGUF file, which is not trained further. Give the folder of a whole model."
        )


def adapted(model: LanguageModel, method: str, rank: int, *, seed: int = 0) -> Any:
    """Make weights ready for training, in place: all of them ("full"), or a new LoRA adapter of this rank ("lora").

    Returns the network with its adapter, as a model of `peft`, or None without one. An adapter begins as `seed` says.

    Raises InvalidData for another method or rank, and for a model without a module; Unsupported for an adapter of a model that
    is not of transformers.
    """
    if model.module is None:
        raise InvalidData(f"{model.name} is a function without a module, so there are no weights to train.")
    if method == "full":
        for weight in model.module.parameters():
            if weight.is_floating_point():
                weight.requires_grad_(True)
        return None
    if method != "lora" or rank < 1:
        raise InvalidData(f"method={method!r}, rank={rank}: give 'full' or 'lora', and a rank of 1 or more.")
    if not _of_transformers(model.module):
        raise Unsupported(f"{model.name} is no model of transformers, so it takes no LoRA adapter. Train it in full.")
    try:
        import peft
    except ImportError:
        raise missing_extra("An adapter needs peft", "lm") from None
    settings = peft.LoraConfig(
        r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return peft.get_peft_model(model.module, settings)


def save_memorized(model: LanguageModel, adapter: Any, source: str | Path | None, folder: Path) -> None:
    """Save a trained model as a folder: of transformers as `save_pretrained` does, else its weights and how to read them.

    `source` is where it was read from: its tokenizer is copied, and a Python file that defined it is named in `model.py`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    given = None if source is None else Path(source).resolve()
    if adapter is not None:
        for settings in adapter.peft_config.values():
            settings.base_model_name_or_path = str(given or "")
        with quiet():
            adapter.save_pretrained(str(folder), safe_serialization=True)
    elif _of_transformers(model.module):
        with quiet():
            model.module.save_pretrained(str(folder), safe_serialization=True)
        for each in sorted(given.iterdir()) if given is not None and given.is_dir() else []:
            if each.suffix in (".json", ".txt", ".model", ".jinja") and not (folder / each.name).exists():
                shutil.copyfile(each, folder / each.name)
    else:
        write_weights(folder / "weights.safetensors", dict(model.module.named_parameters()), {})
        if given is not None:
            (folder / "model.py").write_text(PY.format(original=str(given)), encoding="utf-8")


def _of_transformers(module: Any) -> bool:
    return hasattr(module, "save_pretrained") and hasattr(module, "config")
