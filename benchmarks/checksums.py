"""What page checksums cost: one run file of 60,000 examples and ten steps, written and read with and without them.

python benchmarks/checksums.py [--rounds 7] [--examples 60000] [--steps 10]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from byrote.objectives import Classification
from byrote.record import Layout, Observed, Step, write_run


def written(path: Path, examples: int, steps: int) -> None:
    """Write a run as a collection does, with checksums."""
    rng, positions = np.random.default_rng(0), np.arange(examples)
    columns = {name: rng.random(examples).astype(np.float32) for name in Classification().columns()}
    columns |= {"correct": columns["correct"] > 0.5, "prediction": (10 * columns["prediction"]).astype(np.int32)}
    seen = Observed(positions, columns)
    every = [Step(step, seen if step == steps else None, seen) for step in range(1, steps + 1)]
    ids = np.array([f"train/{i}" for i in positions])
    write_run(path, every, positions % 2 == 0, ids, {"run": 0, "key": ""}, Layout.of(Classification()))


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rounds", 7), ("examples", 60_000), ("steps", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, plain = Path(folder) / "with.parquet", Path(folder) / "without.parquet"
        written(path, options.examples, options.steps)
        table = pq.read_table(path)
        found: dict[str, list[float]] = {"write": [], "read": []}
        for _ in range(options.rounds):  # alternating, so that a busy machine slows both
            write = [
                seconds(lambda p=p, on=on: pq.write_table(table, p, compression="zstd", write_page_checksum=on))
                for p, on in ((path, True), (plain, False))
            ]
            read = [
                seconds(lambda on=on: pq.read_table(path, columns=["loss_seen"], page_checksum_verification=on))
                for on in (True, False)
            ]
            found["write"].append(write[0] / write[1])
            found["read"].append(read[0] / read[1])
        size = path.stat().st_size / plain.stat().st_size
    print(
        f"{options.examples:,} examples x {options.steps} steps, {options.rounds} alternating rounds: with / without checksums"
    )
    print("| | median ratio | smallest | largest |\n|---|---|---|---|")
    for name, ratios in found.items():
        print(f"| {name} | {statistics.median(ratios):.3f} | {min(ratios):.3f} | {max(ratios):.3f} |")
    print(f"| size | {size:.5f} | | |")


if __name__ == "__main__":
    main()
