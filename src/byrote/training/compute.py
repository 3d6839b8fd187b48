"""Compute: what trains, and with how much of the machine."""

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Literal

from byrote.errors import InvalidData, refuses_unknown_names, unknown


@refuses_unknown_names
@dataclass(frozen=True, eq=False)
class Compute:
    """What trains the runs of a collection. None of it changes what is collected, but for rounding.

    `workers` processes train (default: one per core as far as memory goes, or one per GPU), or any `executor` does.
    `device` is torch's name of it: "cpu", "cuda", "cuda:1", "mps". `precision` "auto" computes in bfloat16 where the
    machine has it in hardware; "fp32" never does. `memory` is the budget in bytes of all that trains (default: what is
    free): it bounds the models trained at once. Raises InvalidData for values that cannot train.
    """

    workers: int | None = None
    executor: Executor | None = None
    device: str = "cpu"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    memory: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise InvalidData(f"{self.workers} workers cannot train. Give 1 or more.")
        if self.precision not in ("auto", "fp32", "bf16"):
            raise unknown("precision", str(self.precision), ("auto", "fp32", "bf16"))
