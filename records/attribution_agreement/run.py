"""Do gradients of a few models agree with retraining? TracIn and TRAK against influence from many runs.

byrote audit fashion --runs 134 --out audits/fashion
python records/attribution_agreement/run.py --record audits/fashion
"""

import argparse
from collections.abc import Iterator

import numpy as np
import torch

import byrote
from byrote.attribution import Agreement, Block, agreement, tracin, trak
from byrote.attribution.attribute import divided
from byrote.locate import Checkpoint, checkpoints
from byrote.task.loading import load_task

MODELS, TARGETS, SKETCH = 5, 200, 2048
AT = (10, 20, 30)


def whole(values: np.ndarray) -> Iterator[Block]:
    yield np.arange(values.shape[1]), values


def said(name: str, found: Agreement) -> None:
    sums, rank, linear, again = found.linear_datamodeling, found.spearman, found.pearson, found.reliability
    print(
        f"{name:39s} LDS {sums.value:+.3f} [{sums.low:+.3f}, {sums.high:+.3f}]; pairs: Spearman {rank.value:+.4f} [{rank.low:+.4f}, {rank.high:+.4f}], Pearson {linear.value:+.4f} [{linear.low:+.4f}, "
        f"{linear.high:+.4f}]; influence with that of as many new runs {again.value:.3f} [{again.low:.3f}, {again.high:.3f}]",
        flush=True,
    )


def main() -> None:
    """Train, attribute, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", default="audits/fashion")
    record, task = byrote.Record(parser.parse_args().record), load_task("fashion")
    population = record.population
    train, targets = np.flatnonzero(population.where("train")), divided(record, TARGETS, 0)
    pixels, labels = torch.from_numpy(population.inputs).float() / 255, torch.from_numpy(population.labels).long()
    pixels = pixels[:, None] if pixels.ndim == 3 else pixels
    asked = pixels[train], labels[train], pixels[targets], labels[targets]
    print(
        f"influence from {len(record.runs)} runs; {MODELS} models trained on all {len(train)}; {TARGETS} targets that runs are most divided on; sketch {SKETCH}"
    )
    everyone: list[list[Checkpoint]] = []
    for seed in range(MODELS):
        everyone.append(list(checkpoints(task, population, population.where("train"), 1000 + seed, epochs=AT)))
    summed = np.zeros((MODELS, len(train), len(targets)))
    for number, found in enumerate(everyone):
        models, rates = [each.model for each in found], [each.learning_rate for each in found]
        for part, value in tracin(models, rates, *asked, sketch=SKETCH, seed=number):
            summed[number][:, part] = value
    ends = [found[-1].model for found in everyone]
    likeness = -((asked[0].flatten(1)[:, None, ::4] - asked[2].flatten(1)[None, :, ::4]) ** 2).mean(-1).numpy()
    same = asked[1][:, None].numpy() == asked[3][None].numpy()
    lowest = likeness.min()
    ways = {
        "TracIn, 1 model": summed[0],
        f"TracIn, {MODELS} models": summed.mean(axis=0),
        "TRAK, 1 model": np.concatenate([v for _, v in trak(ends[:1], *asked, sketch=490)], axis=1),
        f"TRAK, {MODELS} models": np.concatenate([v for _, v in trak(ends, *asked, sketch=490)], axis=1),
        "same label or not, no model": same.astype(np.float64),
        "likeness, signed by the label, no model": np.where(same, likeness - lowest, lowest - likeness),
    }
    for name, values in ways.items():
        said(name, agreement(whole(values), record, train, targets))


if __name__ == "__main__":
    main()
