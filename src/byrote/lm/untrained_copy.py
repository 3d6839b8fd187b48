"""An untrained model: the same network with new random weights. What it gives back of a text, chance gives."""

from copy import deepcopy
from typing import Any

import torch

from byrote.errors import InvalidData
from byrote.lm.model import LanguageModel
from byrote.lm.models import language_model

SCALE = 0.02
"""Standard deviation of the weights that no layer of torch draws by itself."""


def untrained(model: LanguageModel, *, seed: int = 0) -> LanguageModel:
    """Return the model with its weights drawn anew from `seed`; it knows no text. Raises InvalidData where there is no module.

    A model of transformers is made again from its configuration. Of any other module the layers draw their weights as when
    they were made, and what belongs to no layer that does so is drawn from a normal distribution of deviation .02.
    """
    if model.module is None:
        raise InvalidData(f"{model.name} is a function without a module, so its weights cannot be drawn anew.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = _again(model.module)
    return language_model(module, model.encoder, model.context, name=f"{model.name}, untrained")


def _again(module: Any) -> Any:
    config = getattr(module, "config", None)
    if config is not None and hasattr(module, "generate") and hasattr(type(module), "_from_config"):
        return type(module)(config).to(next(module.parameters()).device).eval()
    fresh = deepcopy(module)
    with torch.no_grad():
        for layer in fresh.modules():
            own = list(layer.parameters(recurse=False))
            if hasattr(layer, "reset_parameters"):
                layer.reset_parameters()
            else:
                for weight in own:
                    weight.normal_(0, SCALE)
    return fresh.eval()
