"""The cost of large audits, computed: FLOPs, hours, money, bytes. Only the bytes per row are measured; prices are assumptions.

python benchmarks/arithmetic.py
"""

from dataclasses import dataclass

from side_by_side import table

BYTES_PER_STEP = 16.2  # per example and step, members or not: record_size.py
BYTES_CLEAN = 21.1  # per row of a last step at which all examples were evaluated: record_size.py
GPU_DOLLARS, CORE_DOLLARS, STORE_DOLLARS = 2.5, 0.04, 0.023  # an hour of an H100-class GPU, of a core; a GB-month
GPU_FLOPS, CORE_FLOPS = 790e12, 200e9  # dense bf16 of an H100-class GPU, fp32 of a core with AVX2: peaks


@dataclass(frozen=True)
class Audit:
    name: str
    runs: int
    examples: int  # all examples that are evaluated
    members: int  # trained on, per run
    epochs: int
    forward: float  # FLOPs of one example's forward pass
    busy: float  # share of the peak that training reaches
    gpu: bool

    @property
    def flops(self) -> float:
        """Training is three forward passes per member and epoch; then all examples are evaluated once."""
        return self.runs * self.forward * (3 * self.members * self.epochs + self.examples)

    @property
    def hours(self) -> float:
        return self.flops / (self.busy * (GPU_FLOPS if self.gpu else CORE_FLOPS)) / 3600

    def row(self) -> list[object]:
        traces = self.runs * self.examples * self.epochs * BYTES_PER_STEP / 1e9
        last = self.runs * self.examples * BYTES_CLEAN / 1e9
        price = self.hours * (GPU_DOLLARS if self.gpu else CORE_DOLLARS)
        return [
            self.name, f"{self.runs:,}", f"{self.examples:,}", f"{self.flops:.1e}",
            f"{self.hours:,.0f} {'GPU' if self.gpu else 'core'}-hours", f"${price:,.0f}",
            f"{last:,.1f} GB", f"{traces:,.0f} GB", f"${traces * STORE_DOLLARS:,.2f}",
        ]  # fmt: skip


AUDITS = (
    Audit("fashion (ships with byrote), CNN", 20, 6_000, 3_500, 30, 2 * 0.7e6, 0.15, gpu=False),
    Audit("CIFAR-10, ResNet-18", 2_000, 60_000, 35_000, 30, 2 * 0.56e9, 0.25, gpu=True),
    Audit("CIFAR-10, 9-layer ResNet of speed runs", 2_000, 60_000, 35_000, 15, 2 * 0.3e9, 0.25, gpu=True),
    Audit("ImageNet, ResNet-50", 2_000, 1_331_167, 896_817, 30, 2 * 4.1e9, 0.3, gpu=True),
    Audit("tabular, 5,000 rows, a million runs", 1_000_000, 5_000, 3_500, 30, 2 * 20e3, 0.05, gpu=False),
)


def main() -> None:
    head = [
        "audit",
        "runs",
        "examples",
        "FLOPs",
        "at the stated share of peak",
        "price",
        "last step",
        "with every step",
        "a month",
    ]
    print(table(head, [audit.row() for audit in AUDITS]))
    print(
        f"\nPeaks: {GPU_FLOPS / 1e12:.0f} TFLOP/s per GPU (bf16), {CORE_FLOPS / 1e9:.0f} GFLOP/s per core (fp32). Shares of the peak: "
        + ", ".join(f"{audit.name.split(',')[0]} {audit.busy:.0%}" for audit in AUDITS)
        + f". Prices: ${GPU_DOLLARS} per GPU-hour, ${CORE_DOLLARS} per core-hour, ${STORE_DOLLARS} per GB and month."
    )


if __name__ == "__main__":
    main()
