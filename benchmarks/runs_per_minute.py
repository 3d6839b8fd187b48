"""Models per minute: byrote.collect, against a DataLoader loop per model with default threads and two public ensemble trainers.

All train the same model on random 70 % of the embedded Fashion-MNIST sample, in batches of 128. The plain loop and byrote
evaluate the test images after each epoch and all examples at the end; byrote also records six columns and writes
them to disk. The other programs evaluate all examples once, at the end: scikit-learn's BaggingClassifier over skorch's nets, and
torchensemble's BaggingClassifier (it draws each batch with replacement), both with a process per core; their arms need these
packages. `limit` is the fastest loop that was found by hand for these two networks; it records nothing.
Every measurement is a fresh process; the arms take turns. Time is from the start of the work to the finished results.
It includes loading the data and starting the workers, but not the imports of the first process.

    python benchmarks/runs_per_minute.py [--models 32] [--epochs 15] [--rounds 3] [--network cnn mlp] [--arms plain byrote ...]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np
import psutil
import torch
from loops import BATCH, NETWORKS, SHARE, correct, dataloader_loop, limit, scaled, skorch, torchensemble
from side_by_side import machine, median_interval, spread, table
from torch.utils.data import DataLoader, TensorDataset

import byrote
from byrote.task.datasets.fashion_mnist import CLASSES, fashion


def plain(network: str, models: int, epochs: int) -> None:
    (train, test), rng = fashion(), np.random.default_rng(0)
    x, y = scaled(train)
    tested = DataLoader(TensorDataset(*scaled(test)), 1000)
    everyone = DataLoader(TensorDataset(x, y), 1000)
    for seed in range(models):
        torch.manual_seed(seed)
        keep = torch.from_numpy(rng.permutation(len(x))[: int(SHARE * len(x))])
        model = NETWORKS[network](train.inputs.shape[1:], len(CLASSES))
        for _ in dataloader_loop(model, x[keep], y[keep], recipe(epochs)):
            correct(model, tested)
        correct(model, everyone)


def recipe(epochs: int) -> byrote.Recipe:
    return byrote.Recipe(epochs=epochs, batch_size=BATCH, optimizer="sgd", learning_rate=0.05, momentum=0.9)


def collected(network: str, models: int, epochs: int) -> None:
    train, test = fashion()
    shape, build = train.inputs.shape[1:], NETWORKS[network]
    task = byrote.Task(lambda: build(shape, len(CLASSES)), train, test, recipe(epochs), CLASSES)
    with tempfile.TemporaryDirectory() as directory:
        byrote.collect(task, directory, runs=models, design=byrote.Subsets(SHARE))


ARMS = {"plain": plain, "byrote": collected, "limit": limit, "skorch": skorch, "torchensemble": torchensemble}


def measure(arm: str, network: str, models: int, epochs: int) -> tuple[float, float]:
    """Return models per minute, and the largest memory of the process and its children, in MB."""
    options = ["--arm", arm, "--network", network, "--models", str(models), "--epochs", str(epochs)]
    with subprocess.Popen([sys.executable, __file__, *options], stdout=subprocess.PIPE, text=True) as child:
        peak, done = [0.0], threading.Event()
        sampler = threading.Thread(target=sample, args=(psutil.Process(child.pid), peak, done))
        sampler.start()
        said, _ = child.communicate()
        done.set()
        sampler.join()
    if child.returncode:
        raise SystemExit(f"The {arm} loop ended with status {child.returncode}.")
    return 60 * models / json.loads(said.splitlines()[-1]), peak[0] / 1e6


def sample(process: psutil.Process, peak: list[float], done: threading.Event) -> None:
    while not done.wait(0.1):
        total = 0.0
        try:
            for each in [process, *process.children(recursive=True)]:
                try:
                    memory = each.memory_full_info()
                except psutil.Error:
                    continue
                total += getattr(memory, "pss", memory.uss)
        except psutil.Error:
            continue
        peak[0] = max(peak[0], total)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=["plain", "byrote"])
    parser.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.arm:
        start = time.perf_counter()
        ARMS[asked.arm](asked.network[0], asked.models, asked.epochs)
        print(json.dumps(time.perf_counter() - start))
        return
    rows: list[list[object]] = []
    for network in asked.network:
        found: dict[str, list[tuple[float, float]]] = {arm: [] for arm in asked.arms}
        for number in range(asked.rounds):
            for arm in asked.arms if number % 2 == 0 else asked.arms[::-1]:
                found[arm].append(measure(arm, network, asked.models, asked.epochs))
                print(f"{network}, round {number + 1}, {arm}: {found[arm][-1][0]:.2f} a minute", file=sys.stderr)
        first = asked.arms[0]
        for arm in asked.arms:
            speed, memory = zip(*found[arm], strict=True)
            ratios = [mine[0] / theirs[0] for mine, theirs in zip(found[arm], found[first], strict=True)]
            ratio = "{:.2f} ({:.2f} to {:.2f})".format(*median_interval(ratios)) if arm != first else "1"
            rows.append([network, arm, spread(speed), ratio, spread(memory, 0)])
    print(
        f"\n{asked.models} models of {asked.epochs} epochs, batch {BATCH}, {asked.rounds} alternating rounds; median (smallest to largest),"
    )
    print(
        "ratio: to the first arm, median of the rounds (90 % bootstrap interval); memory: proportional set size of the process tree, sampled every 0.1 s"
    )
    print()
    print(table(["network", "loop", "models a minute", "ratio", "peak memory, MB"], rows))
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
