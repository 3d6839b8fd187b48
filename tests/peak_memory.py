"""Train in a process of its own, and print what was estimated and the largest resident set, in bytes. Run by test_needs.py."""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from byrote.record import Population
from byrote.task.recipe import Recipe
from byrote.training import hardware
from byrote.training.engine import Engine
from byrote.training.loop import train
from byrote.training.memory import prepare_process
from byrote.training.needs import needs
from people import people


def filters() -> nn.Module:
    layers = [nn.Conv2d(3, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, 24, 3, padding=1), nn.ReLU()]
    return nn.Sequential(nn.Unflatten(1, (3, 32, 32)), *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 3))


def broad() -> nn.Module:
    return nn.Sequential(nn.Linear(3072, 3000), nn.ReLU(), nn.Linear(3000, 3))


def everyone() -> Population:
    population = people(300)
    return population.with_inputs(np.random.default_rng(0).normal(size=(len(population), 3072)).astype(np.float32))


def main(model: str, batch_size: int, runs: int) -> None:
    prepare_process()
    hardware.fastest_matmul(
        "cpu"
    )  # the trial at the start of a collection, whose library stays: it is part of the process
    torch.set_num_threads(1)
    population, recipe = everyone(), Recipe(epochs=1, batch_size=batch_size, learning_rate=1e-4)
    build = {"filters": filters, "broad": broad}[model]
    estimate = needs(build, population, recipe, "cpu").bytes(runs)
    member = np.ones((runs, len(population)), np.bool_)
    for _ in train(build, population, member, recipe, list(range(runs)), Engine(pack=runs)):
        pass
    print(json.dumps([estimate, peak()]))


def peak() -> int:
    """Return the largest resident set of this program; `ru_maxrss` would begin with that of the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
