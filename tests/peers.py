"""Other implementations of the attacks, where they are installed: without what they depend on, which attacks do not need."""

import importlib.util
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, files
from types import ModuleType
from typing import Any


def tensorflow_privacy_lira() -> Callable[..., Any] | None:
    """Return `compute_score_lira` of `pip install --no-deps tensorflow-privacy==0.8.12`; None where it is not installed."""
    try:
        found = [file for file in files("tensorflow-privacy") or () if file.name == "advanced_mia.py"]
    except PackageNotFoundError:
        return None
    if not found:
        return None
    utils = "tensorflow_privacy.privacy.privacy_tests.utils"
    had = sys.modules.get(utils)
    sys.modules[utils] = ModuleType(utils)
    sys.modules[utils].log_loss = None  # pyright: ignore
    try:
        specification = importlib.util.spec_from_file_location("advanced_mia", found[0].locate())
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
    finally:
        if had is None:
            del sys.modules[utils]
        else:
            sys.modules[utils] = had
    return module.compute_score_lira
