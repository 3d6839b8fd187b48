"""The cost of the three lines of byrote.Recorder in an ordinary loop: epochs with and without them take turns, in one process.

Two loops: a DataLoader (batch 128, shuffled, no workers), and the fastest plain loop, which indexes tensors in
memory. A ratio compares two neighbouring epochs; a recorded one has ids in its batches, `seen`, and `end_step` with its file.
The share is the time inside `seen` and `end_step`: it varies less than the ratio on a busy machine, but does not include ids in
the batch. Completing the run, after the last epoch, is timed separately. With --cpu all times are processor time of the process,
else wall time.

    python benchmarks/recorder_overhead.py [--epochs 30] [--threads 1] [--network mlp cnn] [--cpu]
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator

import torch
from side_by_side import machine, median_interval, spread, table
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import byrote
from byrote.task.datasets.fashion_mnist import CLASSES, fashion
from byrote.task.models import cnn, mlp

BATCH = 128
NETWORKS = {"mlp": mlp, "cnn": cnn}
Batches = Callable[[], Iterator[tuple[Tensor, ...]]]


class Loop:
    """One training, an epoch at a time."""

    def __init__(
        self, network: str, recorder: byrote.Recorder | None, batches: Batches, clock: Callable[[], float]
    ) -> None:
        torch.manual_seed(0)
        self.model: nn.Module = NETWORKS[network]((28, 28), len(CLASSES))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.9)
        self.recorder, self.batches = recorder, batches
        self.clock, self.inside = clock, 0.0

    def epoch(self, number: int) -> float:
        start = self.clock()
        self.inside = 0.0
        self.model.train()
        for inputs, labels, *ids in self.batches():
            logits = self.model(inputs)
            loss = nn.functional.cross_entropy(logits, labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            if self.recorder:
                began = self.clock()
                self.recorder.seen(ids[0], logits, labels)
                self.inside += self.clock() - began
        if self.recorder:
            began = self.clock()
            self.recorder.end_step(number)
            self.inside += self.clock() - began
        return self.clock() - start


def loaders(x: Tensor, y: Tensor) -> dict[str, tuple[Batches, Batches]]:
    """Return, for each kind of loop, its batches without and with ids."""
    data = TensorDataset(x, y)
    plain, with_ids = (DataLoader(each, BATCH, shuffle=True) for each in (data, byrote.with_ids(data)))

    def indexed(ids: bool) -> Iterator[tuple[Tensor, ...]]:
        for batch in torch.randperm(len(x)).split(BATCH):
            yield (x[batch], y[batch], batch) if ids else (x[batch], y[batch])

    return {
        "DataLoader": (lambda: iter(plain), lambda: iter(with_ids)),
        "tensors in memory": (lambda: indexed(False), lambda: indexed(True)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--cpu", action="store_true")
    asked = parser.parse_args()
    clock = time.process_time if asked.cpu else time.perf_counter
    torch.set_num_threads(asked.threads)
    train, _ = fashion()
    x, y = torch.from_numpy(train.inputs).float().div(255), torch.from_numpy(train.labels)
    rows: list[list[object]] = []
    for network in asked.network:
        for name, (without, with_ids) in loaders(x, y).items():
            with tempfile.TemporaryDirectory() as directory:
                plain = Loop(network, None, without, clock)
                recorded = Loop(network, byrote.Recorder(directory, steps=asked.epochs + 2), with_ids, clock)
                pairs: list[tuple[float, float]] = []
                shares: list[float] = []
                for number in range(1, asked.epochs + 2):
                    loops = (plain, recorded) if number % 2 else (recorded, plain)
                    times = [loop.epoch(number) for loop in loops]
                    pairs.append((times[0], times[1]) if number % 2 else (times[1], times[0]))
                    shares.append(100 * recorded.inside / (pairs[-1][1] - recorded.inside))
                recorded.epoch(asked.epochs + 2)
            pairs, shares = pairs[1:], shares[1:]  # the first epoch warms up
            ratio, low, high = median_interval([100 * (ours / theirs - 1) for theirs, ours in pairs])
            cells = [spread([1000 * t for t in times], 1) for times in zip(*pairs, strict=True)]
            share = "{:.1f} % ({:.1f} to {:.1f})".format(*median_interval(shares))
            finish = f"{1000 * recorded.inside:.0f}"
            rows.append([network, name, *cells, f"{ratio:+.1f} % ({low:+.1f} to {high:+.1f})", share, finish])
    print(
        f"{asked.epochs} pairs of epochs, {len(x)} images, batch {BATCH}, {asked.threads} threads; median (smallest to largest),"
    )
    print("overhead and share: median of the pairs (90 % bootstrap interval)\n")
    head = [
        "network",
        "loop",
        "ms an epoch, plain",
        "ms an epoch, recorded",
        "overhead",
        "share",
        f"completing {asked.epochs + 2} steps, ms",
    ]
    print(table(head, rows))
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
