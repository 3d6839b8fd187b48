"""Packs on one device, a GPU or the CPU: are they right, how many models a minute, in how much memory, and what is the limit?

For each network, number of models in a pack, and precision, a process of its own trains the pack for some epochs by byrote's
loop (columns are recorded, nothing is written), after one epoch that is not timed. Beside it, on the same device: the plain
DataLoader loop, model by model, and the limit, a loop that nobody would write: stacked weights, the whole step (forward,
backward, SGD) captured once in a CUDA graph and replayed, nothing recorded. Without CUDA the limit is left out.

First, the same pack is trained on the CPU and on the device in fp32 for two epochs with the same seeds; shown are the largest
difference of what the models say of all examples, relative to the spread of their outputs, and the share of equal predictions.

    python benchmarks/packs_on_device.py [--device cuda] [--packs 1 16 64 256] [--network mlp cnn] [--epochs 4] [--rounds 3]
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from loops import BATCH, NETWORKS, SHARE, dataloader_loop, scaled
from side_by_side import machine, median_interval, spread, table
from torch import Tensor, nn

import byrote
from byrote.objectives import Classification
from byrote.record import Population
from byrote.task.canaries import Canaries, plant
from byrote.task.datasets.fashion_mnist import CLASSES, fashion
from byrote.training.engine import Engine
from byrote.training.loop import packs, train

RATE, MOMENTUM = 0.05, 0.9


def task(network: str, epochs: int) -> byrote.Task:
    data, test = fashion()
    recipe = byrote.Recipe(epochs=epochs, batch_size=BATCH, optimizer="sgd", learning_rate=RATE, momentum=MOMENTUM)
    shape, build = data.inputs.shape[1:], NETWORKS[network]
    return byrote.Task(lambda: build(shape, len(CLASSES)), data, test, recipe, CLASSES)


def members(population: Population, models: int) -> np.ndarray:
    """Return random 70 % of the training examples for each model."""
    member, rng = np.zeros((models, len(population)), np.bool_), np.random.default_rng(0)
    trained = np.flatnonzero(population.where("train"))
    for own in member:
        own[rng.permutation(trained)[: int(SHARE * len(trained))]] = True
    return member


def wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def collected(network: str, device: str, models: int, precision: str, epochs: int) -> float:
    """Return the seconds of the epochs after the first, by byrote's loop."""
    this = task(network, epochs + 1)
    population = plant(this, Canaries(), 0)
    engine = Engine(device, precision, "highest", models)  # type: ignore[arg-type]
    steps = train(this.model, population, members(population, models), this.recipe, range(models), engine)
    next(steps)
    wait(device)
    start = time.perf_counter()
    for _ in steps:
        pass
    wait(device)
    return time.perf_counter() - start


def plain(network: str, device: str, models: int, precision: str, epochs: int) -> float:
    """Return the seconds of so many epochs by a DataLoader loop, model by model; an epoch before them is not timed."""
    this = task(network, epochs)
    x, y = (part.to(device) for part in scaled(this.train))
    rng, seconds = np.random.default_rng(0), 0.0
    for seed in range(models):
        torch.manual_seed(seed)
        keep = torch.from_numpy(rng.permutation(len(x))[: int(SHARE * len(x))]).to(device)
        model = this.model().to(device)
        if seed == 0:
            next(dataloader_loop(model, x[keep], y[keep], this.recipe))
        wait(device)
        start = time.perf_counter()
        for _ in dataloader_loop(model, x[keep], y[keep], this.recipe):
            pass
        wait(device)
        seconds += time.perf_counter() - start
    return seconds


def limit(network: str, device: str, models: int, precision: str, epochs: int) -> float:
    """Return the seconds of so many epochs with stacked weights and the step as one CUDA graph; nothing is recorded."""
    this = task(network, epochs)
    x, y = (part.to(device) for part in scaled(this.train))
    kept = int(SHARE * len(x))
    networks = [this.model().to(device) for _ in range(models)]
    weights, _ = torch.func.stack_module_state(networks)
    velocity = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    shown = torch.zeros(models, BATCH, dtype=torch.int64, device=device)

    def losses(own: dict[str, Tensor], inputs: Tensor, labels: Tensor) -> Tensor:
        output = torch.func.functional_call(networks[0], own, (inputs,))
        return nn.functional.cross_entropy(output.float(), labels)

    each = torch.vmap(losses, randomness="different")

    def step() -> None:
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
            each(weights, x[shown], y[shown]).sum().backward()
        with torch.no_grad():
            for name, weight in weights.items():
                velocity[name].mul_(MOMENTUM).add_(weight.grad)
                weight.sub_(velocity[name], alpha=RATE)
                weight.grad.zero_()

    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):  # as torch asks for before a capture
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    wait(device)
    start = time.perf_counter()
    for _ in range(epochs):
        orders = torch.stack([torch.randperm(len(x), device=device)[:kept] for _ in range(models)])
        for batch in range(kept // BATCH):
            shown.copy_(orders[:, batch * BATCH : (batch + 1) * BATCH])
            graph.replay()
    wait(device)
    return time.perf_counter() - start


ARMS: dict[str, Callable[[str, str, int, str, int], float]] = {"byrote": collected, "plain": plain, "limit": limit}


def compared(network: str, device: str, models: int) -> tuple[float, float]:
    """Return the largest difference between outputs on CPU and device by their standard deviation, and equal predictions."""
    this = task(network, 2)
    population = plant(this, Canaries(), 0)
    said: list[Tensor] = []
    for where in ("cpu", device):
        found = packs(
            this.model, population, members(population, models), this.recipe, range(models), Engine(where, pack=models), Classification()
        )  # fmt: skip
        ((_, pack),) = found
        for epoch in (1, 2):
            pack.epoch(epoch, np.zeros(0, np.int64))
        said.append(pack.outputs().float().cpu())
    one, other = said
    return float((one - other).abs().max() / one.std()), float((one.argmax(-1) == other.argmax(-1)).float().mean())


def measure(arm: str, network: str, device: str, models: int, precision: str, epochs: int) -> tuple[float, float]:
    """Return models of 15 epochs a minute, and the peak memory in MB: of the GPU, or of the process on a CPU."""
    options = ["--arm", arm, "--network", network, "--device", device, "--packs", str(models)]
    options += ["--precision", precision, "--epochs", str(epochs)]
    said = subprocess.run([sys.executable, __file__, *options], stdout=subprocess.PIPE, text=True, check=True).stdout
    seconds, peak = json.loads(said.splitlines()[-1])
    return 60 * models / (seconds / epochs * 15), peak


def alone(arm: str, network: str, device: str, models: int, precision: str, epochs: int) -> None:
    if device == "cpu":
        torch.set_num_threads(1)
    seconds = ARMS[arm](network, device, models, precision, epochs)
    on_gpu = device.startswith("cuda")
    peak = torch.cuda.max_memory_allocated() if on_gpu else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([seconds, peak / 1e6]))


def rows(network: str, asked: argparse.Namespace) -> list[Sequence[object]]:
    arms = ["byrote", "plain", *(["limit"] if asked.device.startswith("cuda") else [])]
    found: list[Sequence[object]] = []
    for models in asked.packs:
        for precision in asked.precision:
            speeds: dict[str, list[tuple[float, float]]] = {arm: [] for arm in arms}
            for number in range(asked.rounds):
                for arm in arms if number % 2 == 0 else arms[::-1]:
                    count = min(models, asked.plain) if arm == "plain" else models  # one by one, and so proportional
                    speeds[arm].append(measure(arm, network, asked.device, count, precision, asked.epochs))
                    print(f"{network}, {models}, {precision}, {arm}: {speeds[arm][-1]}", file=sys.stderr)
            for arm, each in speeds.items():
                ratios = [mine[0] / theirs[0] for mine, theirs in zip(each, speeds["plain"], strict=True)]
                ratio = "1" if arm == "plain" else "{:.2f} ({:.2f} to {:.2f})".format(*median_interval(ratios))
                kind = precision if arm != "plain" else "fp32"
                found.append([network, models, kind, arm, spread([s for s, _ in each], 1), ratio, spread([m for _, m in each], 0)])  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--packs", type=int, nargs="+", default=[1, 16, 64, 256])
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--precision", nargs="+", choices=["fp32", "bf16"], default=["fp32", "bf16"])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plain", type=int, default=4, help="models that the plain loop is timed on")
    parser.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.arm:
        alone(asked.arm, asked.network[0], asked.device, asked.packs[0], asked.precision[0], asked.epochs)
        return
    checks = [[network, models, *(f"{number:.2g}" for number in compared(network, asked.device, models))]
              for network in asked.network for models in (1, min(16, max(asked.packs)))]  # fmt: skip
    print("\nThe same pack on the CPU and on the device, fp32, two epochs\n")
    print(table(["network", "pack", "largest difference, by the spread of outputs", "equal predictions"], checks))
    print(f"\nModels of 15 epochs a minute, batch {BATCH}, one process, {asked.rounds} alternating rounds; median (smallest to largest)\n")  # fmt: skip
    found = [row for network in asked.network for row in rows(network, asked)]
    print(
        table(["network", "pack", "precision", "loop", "models a minute", "ratio to plain", "peak memory, MB"], found)
    )
    on = torch.cuda.get_device_name() if asked.device.startswith("cuda") else "cpu"
    print(f"\ndevice {on}; {machine()}")


if __name__ == "__main__":
    main()
