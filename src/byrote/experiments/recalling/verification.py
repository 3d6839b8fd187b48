"""Verification: recognize what was enrolled once, and turn away what was not, on characters of alphabets that no network saw."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor, nn

from byrote.experiments.recalling.glyph_networks import glyph_networks
from byrote.experiments.recalling.measuring import median_seconds, timed
from byrote.experiments.recalling.way import MEMORY, Change, Problem, Way
from byrote.probes.embedding import embedding
from byrote.recall import Memory, threshold_at
from byrote.recall.few_shot.descent import descend
from byrote.stats.estimate import Estimate
from byrote.task.datasets.glyphs import glyphs
from byrote.task.examples import Examples
from byrote.training.compute import Compute
from byrote.training.progress import Watcher
from byrote.training.tensors import as_read

FALSE_ACCEPT = 0.05
ENROLLED, CALIBRATING = 100, 100
"""Characters that are enrolled, and others by which thresholds are set; all others are turned away or not."""

GENUINE = 5
"""Queries of each enrolled character, in other typefaces."""

QUERIES = 100
"""Single queries that are timed."""

SPLITS = 10
"""Random splits of the characters into enrolled, calibrating and others: a threshold from 100 characters varies."""

UPDATES, RATE = 300, 0.01
"""Full-batch updates of a new last layer, and Adam's learning rate."""


@dataclass(frozen=True, eq=False)
class Split:
    """Positions among the evaluation examples: enrolled [character], genuine [character query], impostors by use."""

    enrolled: Int[ndarray, " character"]
    genuine: Int[ndarray, "character query"]
    calibrating: Int[ndarray, " character"]
    impostors: Int[ndarray, "other query"]
    characters: Int[ndarray, " character"]
    others: Int[ndarray, " other"]


@dataclass(frozen=True, eq=False)
class Found:
    """What one way answers in one run and split: shares of genuine queries recognized, and of impostors accepted.

    Both are per character of the evaluation examples, NaN for those that play another part.
    """

    recognized: Float[ndarray, " character"]
    accepted: Float[ndarray, " character"]
    seconds_each: float
    seconds_to_add: float
    bytes_each: float


def on_verification(
    directory: Path, *, runs: int = 2, seed: int = 0, compute: Compute = Compute(), progress: Watcher | None = None
) -> Problem:
    """Compare ways of recognizing 100 characters that were enrolled with one typeface each, at FALSE_ACCEPT.

    Networks learn the characters of 10 alphabets; those that are enrolled, and those that have to be turned away, are of six
    others. All ways set their threshold by the same 100 characters that are not enrolled, and are tested on 50 others, over
    SPLITS random splits.
    """
    _, examples = glyphs()
    splits = [_split(examples, np.random.default_rng([seed, number])) for number in range(SPLITS)]
    networks = glyph_networks(directory, runs, seed=seed, compute=compute, progress=progress)
    inputs = as_read(examples.inputs, "cpu")
    pixels, embedded = inputs.flatten(1), [embedding(model, inputs) for model in networks]
    ways = (
        _way(f"{MEMORY} of inputs", [_by_memory(pixels, split) for split in splits]),
        _way(f"{MEMORY} of embeddings", [_by_memory(keys, split) for keys in embedded for split in splits]),
        _way("in the weights of a new last layer", [_by_weights(keys, split, seed) for keys in embedded for split in splits]),
    )  # fmt: skip
    notes = (
        f"{ENROLLED} characters are enrolled in one typeface each; {GENUINE} queries of each are in others. {len(splits[0].others)} other characters have to be turned away; {SPLITS} random splits.",
        f"Thresholds are set so that {100 * FALSE_ACCEPT:g} % of characters that are not enrolled are accepted, by {CALIBRATING} of them. Intervals are over characters.",
        f"{runs} networks, trained on characters of other alphabets.",
    )
    return Problem(
        "verification", "glyphs", "of queries in another typeface are recognized", "of characters not enrolled are turned away", ways, notes
    )  # fmt: skip


def _split(examples: Examples, rng: np.random.Generator) -> Split:
    characters = rng.permutation(int(examples.labels.max()) + 1)
    places = [rng.permutation(np.flatnonzero(examples.labels == character)) for character in characters]
    enrolled, others = places[:ENROLLED], places[ENROLLED + CALIBRATING :]
    return Split(
        np.array([each[0] for each in enrolled]),
        np.array([each[1 : GENUINE + 1] for each in enrolled]),
        np.array([each[0] for each in places[ENROLLED : ENROLLED + CALIBRATING]]),
        np.array([each[:GENUINE] for each in others]),
        characters[:ENROLLED],
        characters[ENROLLED + CALIBRATING :],
    )


def _by_memory(keys: Tensor, split: Split) -> Found:
    memory = Memory(keys.shape[1])
    seconds = median_seconds(lambda number: memory.add(keys[split.enrolled[number]][None], [number]), ENROLLED)
    memory.calibrate(keys[split.calibrating], FALSE_ACCEPT)

    def answer(at: Int[ndarray, " query"]) -> Int[ndarray, " query"]:
        found = memory.look_up(keys[at])
        return np.where(found.known, found.values[:, 0].astype(np.int64), -1)

    return _found(answer, split, seconds, memory.bytes / len(memory))


def _by_weights(keys: Tensor, split: Split, seed: int) -> Found:
    """Train a new last layer on the enrolled characters; the largest probability has to be beyond a threshold."""
    torch.manual_seed(seed)
    layer, targets = nn.Linear(keys.shape[1], ENROLLED), torch.arange(ENROLLED)

    def loss(_: int) -> Tensor:
        return nn.functional.cross_entropy(layer(keys[split.enrolled]), targets)

    seconds, _ = timed(lambda: descend(layer.parameters(), loss, updates=UPDATES, learning_rate=RATE))

    def sureness(at: Int[ndarray, " query"]) -> Tensor:
        with torch.no_grad():
            return layer(keys[at]).softmax(1)

    threshold = threshold_at(-sureness(split.calibrating).amax(1).numpy().astype(np.float64), FALSE_ACCEPT).distance

    def answer(at: Int[ndarray, " query"]) -> Int[ndarray, " query"]:
        found = sureness(at)
        return np.where(-found.amax(1).numpy() < threshold, found.argmax(1).numpy(), -1)

    size = sum(weight.numel() for weight in layer.parameters()) * 4 / ENROLLED
    return _found(answer, split, seconds, size)


def _found(
    answer: Callable[[Int[ndarray, " query"]], Int[ndarray, " query"]], split: Split, seconds_to_add: float, bytes_each: float
) -> Found:  # fmt: skip
    recognized = answer(split.genuine.ravel()).reshape(split.genuine.shape) == np.arange(ENROLLED)[:, None]
    accepted = answer(split.impostors.ravel()).reshape(split.impostors.shape) >= 0
    query = median_seconds(lambda at: answer(split.genuine.ravel()[at : at + 1]), QUERIES)
    shares = np.full((2, len(split.characters) + CALIBRATING + len(split.others)), np.nan)
    shares[0, split.characters], shares[1, split.others] = recognized.mean(1), accepted.mean(1)
    return Found(shares[0], shares[1], query, seconds_to_add, bytes_each)


def _way(name: str, runs: list[Found]) -> Way:
    recognized, accepted = (_mean([getattr(each, part) for each in runs]) for part in ("recognized", "accepted"))
    return Way(
        name,
        Estimate.of_mean(recognized, "character").within(0, 1),
        name.startswith(MEMORY),
        new=Estimate.of_mean(1 - accepted, "character").within(0, 1),
        bytes_each=runs[0].bytes_each,
        seconds_each=float(np.median([each.seconds_each for each in runs])),
        update=Change(Estimate.of_mean([each.seconds_to_add for each in runs], "run"), Estimate.undefined("character")),
    )


def _mean(shares: list[Float[ndarray, " character"]]) -> Float[ndarray, " character"]:
    """Return the mean of each character over the splits in which it plays this part; NaN where it never does."""
    table = np.array(shares)
    count = np.isfinite(table).sum(0)
    return np.where(count > 0, np.nansum(table, axis=0) / np.maximum(count, 1), np.nan)
