"""Planning: which engine trains this task fastest on this machine, within its memory."""

import logging
from collections.abc import Callable
from typing import Literal

from torch import nn

from byrote.errors import ByroteError
from byrote.objectives import Classification, Objective
from byrote.record import Population
from byrote.task.recipe import Recipe
from byrote.training.engine import Engine
from byrote.training.hardware import Matmul, fastest_matmul, has_bf16, one_thread
from byrote.training.memory import available, spell_memory
from byrote.training.needs import needs
from byrote.training.stacked import obstacle
from byrote.training.tensors import to_tensors

logger = logging.getLogger("byrote")


PACK_ON_CPU, PACK_ON_GPU = 16, 64
"""Most models that are trained at once in a process."""


PACKS = 8
"""On a CPU, runs are split in this many packs at least, so that as many processes have something to do."""


SMALL_WEIGHTS, SMALL_ACTIVATIONS = 2**16, 2**20
"""Up to so many weights, and bytes of activations in a batch, a CPU spends an update on overhead: models are faster stacked."""


def choose(
    model: Callable[[], nn.Module],
    population: Population,
    recipe: Recipe,
    *,
    device: str = "cpu",
    precision: Literal["auto", "fp32", "bf16"] = "auto",
    memory: int | None = None,
    runs: int,
    objective: Objective = Classification(),
    matmul: Matmul | None = None,
) -> Engine:
    """Return the fastest engine for this task on this machine, within `memory` bytes (default: what is free now).

    How many models are packed follows from the model, the recipe, the memory and the number of runs, never from a
    stopwatch: as many as fit on a GPU; on a CPU several only when the model is small; one when a method of the recipe asks
    for gradients of single examples. `precision` "auto" is bf16 where
    the hardware multiplies such numbers, else fp32. `matmul` is how products are computed (None: the fastest). Raises
    ByroteError when not even one model fits.
    """
    with one_thread():
        need, budget = needs(model, population, recipe, device, objective), available(device, memory)
        if need.bytes(1) > budget:
            raise ByroteError(
                f"Training one model takes about {spell_memory(need.bytes(1))}, but {spell_memory(budget)} may be used. "
                "Use a smaller model or batch size, or allow more memory."
            )
        small = device == "cpu" and need.weights <= SMALL_WEIGHTS and need.activations <= SMALL_ACTIVATIONS
        if precision == "auto":
            precision = "bf16" if has_bf16(device) and not small else "fp32"
        matmul = (
            "highest" if need.attention else matmul or fastest_matmul(device)
        )  # fused attention is slow with others
        most = PACK_ON_GPU if device.startswith("cuda") else min(PACK_ON_CPU, runs // PACKS) if small else 1
        pack = max(1, min(most, runs, (budget - need.process) // max(need.model, 1)))
        pack = 1 if recipe.alone else pack
        if pack > 1 and (found := _obstacle(model, population, objective, device, precision)):
            logger.warning("This model cannot be trained in packs, so its runs are trained one by one: %s.", found)
            pack = 1
    return Engine(device, precision, matmul, pack, need.bytes(pack))


def _obstacle(
    model: Callable[[], nn.Module], population: Population, objective: Objective, device: str, precision: str
) -> str:
    inputs, targets = to_tensors(population, objective, device, slice(0, 4))
    return obstacle(model, inputs, targets, objective, precision)
