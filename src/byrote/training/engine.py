"""Engine: how models are trained on this machine. Chosen once, recorded with every run."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Engine:
    """How models are trained.

    `precision` "bf16" means that training passes compute in bf16 where that is safe (autocast), with fp32 weights, losses
    and clean passes. `matmul` is how fp32 matrix products are computed (torch.set_float32_matmul_precision). `pack` models
    are trained at once by one process, which needs about `memory` bytes (of the device; 0: not estimated).
    """

    device: str = "cpu"
    precision: Literal["fp32", "bf16"] = "fp32"
    matmul: Literal["highest", "high", "medium"] = "highest"
    pack: int = 1
    memory: int = 0

    def values(self) -> dict[str, str | int]:
        """Return what the bits of a run depend on, as it is recorded."""
        return {"device": self.device, "precision": self.precision, "matmul": self.matmul, "pack": self.pack}
