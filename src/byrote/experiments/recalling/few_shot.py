"""Few-shot: classes that were never trained on, after one example of each, on characters of new alphabets."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor, nn

from byrote.experiments.recalling.glyph_networks import glyph_networks
from byrote.experiments.recalling.measuring import timed
from byrote.experiments.recalling.way import MEMORY, Change, Problem, Way
from byrote.probes.embedding import embedding
from byrote.recall import Memory
from byrote.recall.episodes import Episodes, accuracy_over_episodes, draw_episodes
from byrote.recall.few_shot.fine_tuning import fine_tuned_scores
from byrote.stats.estimate import Estimate
from byrote.task.datasets.glyphs import glyphs
from byrote.training.compute import Compute
from byrote.training.progress import Watcher
from byrote.training.tensors import as_read

WAYS = (5, 20)
EPISODES = 300

Answer = Callable[[Int[ndarray, "way shot"], Int[ndarray, " query"]], Int[ndarray, " query"]]
"""From positions of the labelled examples and of the queries of one episode to the class that each query is given."""


@dataclass(frozen=True)
class Measured:
    """Accuracy of one learner with 5 and with 20 classes, seconds to learn an episode's classes, and of a query."""

    accuracy: tuple[Estimate, ...]
    seconds_to_learn: float
    seconds_each: float


def on_few_shot(
    directory: Path, *, seed: int = 0, compute: Compute = Compute(), progress: Watcher | None = None
) -> Problem:
    """Compare ways of telling 5 or 20 characters of new alphabets apart, after one example of each.

    The network has learned the characters of 10 other alphabets. Learners that are trained by episodes are in
    `byrote.recall.few_shot`.
    """
    _, examples = glyphs()
    (model,) = glyph_networks(directory, 1, seed=seed, compute=compute, progress=progress)
    inputs = as_read(examples.inputs, "cpu")
    pixels, embedded = inputs.flatten(1), embedding(model, inputs)
    answers: dict[str, tuple[Answer, float]] = {
        f"{MEMORY} of inputs": (_memory(pixels), 4.0 * pixels.shape[1]),
        f"{MEMORY} of embeddings": (_memory(embedded), 4.0 * embedded.shape[1]),
        "in the weights of a new last layer": (_layer(embedded, seed), 4.0 * embedded.shape[1]),
    }
    episodes = [draw_episodes(examples.labels, way, 1, queries=5, count=EPISODES, seed=seed) for way in WAYS]
    ways = tuple(_way(name, _measure(answer, episodes), size) for name, (answer, size) in answers.items())
    notes = (
        f"{EPISODES} episodes of {WAYS[0]} and of {WAYS[1]} characters, one labelled example of each; chance is {100 / WAYS[0]:g} and {100 / WAYS[1]:g} %. Intervals are over characters.",
        "One network, trained on characters of other alphabets; its embedding is the key.",
    )
    return Problem("few-shot", "glyphs", "of queries are right with 5 new classes", "are with 20", ways, notes)


def _memory(keys: Tensor) -> Answer:
    def answer(support: Int[ndarray, "way shot"], query: Int[ndarray, " query"]) -> Int[ndarray, " query"]:
        memory = Memory(keys.shape[1])
        memory.add(keys[support.ravel()], np.repeat(np.arange(len(support)), support.shape[1]))
        return memory.look_up(keys[query]).values[:, 0].astype(np.int64)

    return answer


def _layer(keys: Tensor, seed: int) -> Answer:
    def answer(support: Int[ndarray, "way shot"], query: Int[ndarray, " query"]) -> Int[ndarray, " query"]:
        return fine_tuned_scores(nn.Identity(), keys[support], keys[query], seed=seed).argmax(1).numpy()

    return answer


def _measure(answer: Answer, episodes: list[Episodes]) -> Measured:
    found: list[Estimate] = []
    learning: list[float] = []
    for drawn in episodes:
        right: list[Float[ndarray, ""]] = []
        for support, query in zip(drawn.support, drawn.query, strict=True):
            seconds, answers = timed(partial(answer, support, query.ravel()))
            learning.append(seconds)
            right.append((answers.reshape(query.shape) == np.arange(len(query))[:, None]).mean())
        found.append(accuracy_over_episodes(np.array(right), drawn.classes))
    return Measured(tuple(found), float(np.median(learning)), float(np.median(learning)) / episodes[0].query[0].size)


def _way(name: str, measured: Measured, size: float) -> Way:
    few, many = measured.accuracy
    seconds = Estimate(measured.seconds_to_learn, np.nan, np.nan, EPISODES, "episodes")
    return Way(
        name, few, name.startswith(MEMORY), new=many, bytes_each=size, seconds_each=measured.seconds_each, update=Change(seconds, Estimate.undefined("episodes"))
    )  # fmt: skip
