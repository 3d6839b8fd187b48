"""Do more steps, more views or the models' embedding tell more of memorization than runs do already?

    python records/fewer_runs/sources.py DIRECTORY

It collects two records of 60 runs of `fashion` with the usual canaries, in the small blocks of `--until`, into DIRECTORY
(9 minutes of two cores; finished runs are kept). The truth are the last 48 runs of the same record. It trains the first eight
runs again, with clean passes over all examples at seven epochs, over moved, mirrored and noisy pictures, and with the last
hidden layer (2 minutes), and gives each source to `shrunk_memorization`: in place of the margins, or as features of the examples.
"""

import sys
import warnings
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import byrote
from byrote.evidence.columns import stack
from byrote.scores import memorization, shrunk_memorization
from byrote.scores._empirical_bayes import posteriors
from byrote.scores._held_out import held_out
from byrote.summaries import held_out_reliability
from byrote.task.loading import default_canaries, load_task
from byrote.training import planning
from byrote.training.job import run_seed
from byrote.training.pack import Pack
from byrote.training.tensors import to_tensors

SEEDS, RUNS, FIRST, AGAIN, SHOWN = (0, 1), 60, 12, 8, (4, 5, 6, 7, 8, 10, 12)
MEMBER, FEATURE = 3, 5
LATE = (12, 16, 20, 23, 26, 28, 30)
MOVED = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
NEIGHBOURS = 15

Array = np.ndarray[Any, Any]


def columns(record: byrote.Record, runs: Sequence[int]) -> list[Array]:
    return [stack(need, record, runs, shrunk_memorization, record.at_step) for need in shrunk_memorization.needs]


class Truth:
    """Memorization of the training examples by the runs that no estimate here has seen, and its reliability."""

    def __init__(self, record: byrote.Record) -> None:
        correct, *_, member = columns(record, record.runs[FIRST:])[: MEMBER + 1]
        self.real = record.population.split == "train"
        member, right = member.astype(bool)[:, self.real], correct.astype(float)[:, self.real]
        self.value = np.asarray(memorization(correct[:, self.real], member))
        error = sum(self._variance(right, mask) for mask in (member, ~member))
        self.reliability = 1 - np.nanmean(error) / np.nanvar(self.value)

    @staticmethod
    def _variance(right: Array, mask: Array) -> Array:
        runs = mask.sum(axis=0)
        share = np.where(mask, right, 0).sum(axis=0) / runs
        return share * (1 - share) / (runs - 1)

    def judge(self, name: str, given: list[Array]) -> None:
        p_in, p_out = posteriors(*given[:FEATURE], np.column_stack(given[FEATURE:]))
        assert p_in.predictions is not None
        assert p_out.predictions is not None
        means = p_in.mean, p_out.mean
        seen = held_out(means, p_in.predictions(), p_out.predictions()).where(self.real)
        member = given[MEMBER].astype(bool)
        value = np.where(member.any(axis=0) & ~member.all(axis=0), means[0] - means[1], np.nan)[self.real]
        shown = held_out_reliability(value, *(getattr(seen, field.name) for field in fields(seen)))
        known = np.isfinite(value) & np.isfinite(self.value)
        true = np.corrcoef(value[known], self.value[known])[0, 1] ** 2 / self.reliability
        print(f"| {name} | {shown.value:.3f} | {true:.3f} |", flush=True)


def again(record: byrote.Record, task: byrote.Task, seed: int) -> list[dict[str, Array]]:
    """Train the first runs once more; return the margins of every clean pass, and the last hidden layer."""
    population, objective = record.population, record.objective
    engine = planning.choose(task.model, population, task.recipe, runs=AGAIN, objective=objective)
    inputs, targets = to_tensors(population, objective, "cpu")

    def margins(network: nn.Module, pictures: torch.Tensor) -> Array:
        with torch.no_grad():
            outputs = torch.cat([network(part) for part in pictures.split(256)])
        return objective.observe(outputs.float(), targets)["margin"]

    found: list[dict[str, Array]] = []
    for run in record.runs[:AGAIN]:
        pack = Pack(
            task.model, population, objective, record.member(run)[None], task.recipe, [run_seed(seed, run)], engine,
            (inputs, targets),
        )  # fmt: skip
        network, one = pack.networks.one(0), dict[str, Array]()
        for epoch in range(1, task.recipe.epochs + 1):
            pack.epoch(epoch, np.zeros(0, np.int64))
            if epoch in LATE:
                pack.networks.mode(training=False)
                one[f"epoch {epoch}"] = margins(network, inputs)
        for name, move in MOVED.items():
            one[name] = margins(network, torch.roll(inputs, move, (1, 2)))
        one["mirrored"] = margins(network, inputs.flip(2))
        noise = torch.randn(inputs.shape, generator=torch.Generator().manual_seed(run))
        one["noisy"] = margins(network, inputs + 0.05 * inputs.float().std() * noise)
        with torch.no_grad():
            hidden = torch.cat([nn.Sequential(*list(network.children())[:-1])(part) for part in inputs.split(256)])
        one["agreement"] = agreement(hidden.numpy(), record.member(run), population.labels)
        found.append(one)
    return found


def agreement(hidden: Array, member: Array, labels: Array) -> Array:
    """Return the log-odds that a neighbour among the members, in the last hidden layer, has the label of the example."""
    unit = hidden / (np.linalg.norm(hidden, axis=1, keepdims=True) + 1e-9)
    members = np.flatnonzero(member)
    near = unit @ unit[members].T
    near[members, np.arange(len(members))] = -np.inf
    chosen = np.argpartition(-near, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    same = (labels[members][chosen] == labels[:, None]).sum(axis=1)
    return np.log((same + 0.5) / (NEIGHBOURS - same + 0.5))


def sources(known: list[Array], found: list[dict[str, Array]]) -> dict[str, list[Array]]:
    """Return the columns with each source; features are means over the runs that were trained on the example."""
    runs, member = len(known[MEMBER]), known[MEMBER].astype(bool)

    def of(names: Sequence[str]) -> Array:
        return np.mean([[one[name] for one in found[:runs]] for name in names], axis=0)

    def inside(*names: str) -> Array:
        return np.where(member, of(names), 0).sum(axis=0) / np.where(member.any(axis=0), member.sum(axis=0), np.nan)

    def instead(*names: str) -> list[Array]:
        return [known[0], of(names), *known[2:]]

    def also(*features: Array) -> list[Array]:
        return [*known, *features]

    views = (*MOVED, "mirrored", "noisy")
    return {
        "as it is": known,
        "mean margin of epochs 20 to 30": instead(*(f"epoch {epoch}" for epoch in LATE if epoch >= 20)),
        "mean margin of epochs 12 to 30": instead(*(f"epoch {epoch}" for epoch in LATE)),
        "mean margin of the picture and four moved by a pixel": instead("epoch 30", *MOVED),
        "a feature: neighbours in the last hidden layer": also(inside("agreement")),
        "a feature: the margin of four moved pictures": also(inside(*MOVED)),
        "features: moved, mirrored and noisy pictures": also(*(inside(name) for name in views)),
        "features: these and neighbours": also(inside("agreement"), *(inside(name) for name in views)),
    }


def main(directory: Path) -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    task = load_task("fashion")
    for seed in SEEDS:
        record = byrote.collect(
            task, directory / f"truth{seed}", until="error=0.001", runs=RUNS, canaries=default_canaries(task), seed=seed
        )
        truth = Truth(record)
        print(f"\n| seed {seed}, runs | reliability shown | measured |\n|---|---|---|")
        for runs in SHOWN:
            truth.judge(str(runs), columns(record, record.runs[:runs]))
        found = again(record, task, seed)
        for runs in (4, 6, 8):
            print(f"\n| seed {seed}, {runs} runs: source | reliability shown | measured |\n|---|---|---|")
            for name, given in sources(columns(record, record.runs[:runs]), found).items():
                truth.judge(name, given)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
