"""Memories at scale: seconds to build, latency, bytes, recall against brute force, one addition and one deletion, files.

python benchmarks/recall.py [--count 1000000] [--width 64] [--rounds 5] [--hnsw]

Keys are clustered, as embeddings are: 5,000 centres with Gaussian noise of .4 in each coordinate; queries are further ones.
byrote's exact and approximate memories beside faiss used directly: IndexFlat, and IndexIVFFlat with the same number of lists
and visits. --hnsw adds IndexHNSWFlat (M 16, efConstruction 40, efSearch 64), which takes minutes to build. Programs take turns
in each round; a number is the median of the rounds. Both use all cores.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import torch
from side_by_side import machine, spread, table

from byrote.recall import Approximate, Memory, open_memory, recall_at_k

VISITS = 32


def drawn(count: int, width: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(5000, width)).astype(np.float32)
    keys = centres[rng.integers(len(centres), size=count)]
    for start in range(0, count, 1 << 16):
        keys[start : start + (1 << 16)] += 0.4 * rng.normal(size=keys[start : start + (1 << 16)].shape)
    return keys / np.linalg.norm(keys, axis=1, keepdims=True)


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def memory(index: str, keys: np.ndarray) -> Memory:
    made = Memory(keys.shape[1], index=Approximate(keys.shape[1], visits=VISITS) if index == "approximate" else index)
    made.add(keys, np.arange(len(keys)) % 10)
    return made


def inverted(keys: np.ndarray) -> Any:
    lists = int(2 * np.sqrt(len(keys)))
    made = faiss.IndexIVFFlat(faiss.IndexFlatL2(keys.shape[1]), keys.shape[1], lists)
    made.cp.niter, made.cp.max_points_per_centroid, made.nprobe = 10, 40, VISITS
    made.train(keys[:: max(1, len(keys) // (40 * lists))])
    made.add(keys)
    return made


def added(made: Any, keys: np.ndarray) -> Any:
    made.add(keys)
    return made


def hnsw(width: int) -> Any:
    made = faiss.IndexHNSWFlat(width, 16)
    made.hnsw.efConstruction, made.hnsw.efSearch = 40, 64
    return made


def changes(index: str, made: Memory, keys: np.ndarray, folder: Path) -> list[object]:
    """Milliseconds of one addition, one deletion and one update, and seconds of saving, saving after a deletion, opening."""
    add, delete, update = list[float](), list[float](), list[float]()
    for turn in range(21):
        add.append(seconds(lambda turn=turn: made.add(keys[turn : turn + 1] + 1, [0], [f"new {turn}"])))
        update.append(seconds(lambda turn=turn: made.update([f"new {turn}"], [1])))
        delete.append(seconds(lambda turn=turn: made.delete([f"new {turn}"])))
    target = folder / index
    first = seconds(lambda: made.save(target))
    made.delete(["5000"])
    again = seconds(lambda: made.save(target))
    opened = seconds(lambda: open_memory(target))
    shutil.rmtree(target)
    return [
        f"byrote {index}", *(f"{statistics.median(each) * 1e3:.2f}" for each in (add, update, delete)), f"{max(add) * 1e3:.0f}",
        *(f"{each:.1f}" for each in (first, again, opened)),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hnsw", action="store_true")
    given = parser.parse_args()
    threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    torch.set_num_threads(threads)
    faiss.omp_set_num_threads(threads)
    keys, queries = drawn(given.count, given.width, 1), drawn(256, given.width, 2)
    builds: dict[str, Callable[[], Any]] = {
        "byrote exact": lambda: memory("exact", keys),
        "faiss IndexFlat": lambda: added(faiss.IndexFlat(given.width), keys),
        "byrote approximate": lambda: memory("approximate", keys),
        "faiss IndexIVFFlat": lambda: inverted(keys),
    }
    if given.hnsw:
        builds["faiss IndexHNSWFlat"] = lambda: added(hnsw(given.width), keys)
    made, built = dict[str, Any](), dict[str, float]()
    for name, build in builds.items():
        built[name] = seconds(lambda name=name, build=build: made.update({name: build()}))
        print(f"{name}: {built[name]:.1f} s", file=sys.stderr, flush=True)
    single: dict[str, list[float]] = {name: [] for name in made}
    batch: dict[str, list[float]] = {name: [] for name in made}
    for turn in range(given.rounds):
        for name in list(made) if turn % 2 == 0 else reversed(made):
            find = made[name].look_up if name.startswith("byrote") else made[name].search
            single[name].append(statistics.median(seconds(lambda find=find, at=at: find(queries[at : at + 1], 10)) for at in range(20)))  # fmt: skip
            batch[name].append(seconds(lambda find=find: find(queries, 10)) / len(queries))
    true = made["faiss IndexFlat"].search(queries, 10)[0]
    rows = list[list[object]]()
    for name, index in made.items():
        if name.startswith("byrote"):
            recall, size = recall_at_k(index, queries, 10), f"{index.bytes / 1e6:.0f}"
        else:
            recall = f"{(index.search(queries, 10)[0] <= true[:, -1:] + 1e-6).mean():.3f}"
            size = f"{len(faiss.serialize_index(index)) / 1e6:.0f}"
        rows.append([name, f"{built[name]:.1f}", spread([each * 1e3 for each in single[name]]), spread([each * 1e3 for each in batch[name]]), size, recall])  # fmt: skip
    print(f"{given.count:,} keys of {given.width} numbers, {threads} threads, the 10 nearest.\n")
    print(table(["memory", "seconds to build", "ms, a query alone", "ms, a query of 256", "MB", "recall"], rows), end="\n\n")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        changed = [changes(index, made[f"byrote {index}"], keys, Path(folder)) for index in ("exact", "approximate")]
    head = ["memory", "ms to add one", "ms to update one", "ms to delete one", "the longest addition, ms", "seconds to save", "to save after a deletion", "to open"]  # fmt: skip
    print(table(head, changed), end="\n\n")
    print(machine())


if __name__ == "__main__":
    main()
