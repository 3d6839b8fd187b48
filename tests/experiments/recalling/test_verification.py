"""Verification and few-shot learning where the answer is known: keys that tell all characters apart, and keys that tell none."""

import numpy as np
import torch

from byrote.experiments.recalling import few_shot, verification
from byrote.recall.episodes import draw_episodes
from byrote.task.examples import Examples


def examples(characters: int = 250, each: int = 8) -> Examples:
    labels = np.repeat(np.arange(characters), each)
    return Examples(np.zeros((len(labels), 2), np.float32), labels)


def keys(labels: np.ndarray, noise: float, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(labels.max() + 1, 32))
    return torch.from_numpy((centres[labels] + noise * rng.normal(size=(len(labels), 32))).astype(np.float32))


def test_characters_that_are_apart_are_recognized_and_others_accepted_as_rarely_as_stated() -> None:
    given = examples()
    apart, alike = keys(given.labels, 0.05), keys(given.labels, 30.0)
    accepted, blind = [], []
    for seed in range(12):
        split = verification._split(given, np.random.default_rng(seed))
        parts = [split.enrolled, split.genuine.ravel(), split.calibrating, split.impostors.ravel()]
        assert len(np.unique(np.concatenate(parts))) == sum(map(len, parts))
        for way in (verification._by_memory(apart, split), verification._by_weights(apart, split, 0)):
            assert np.nanmean(way.recognized) > 0.99
        nothing = verification._by_memory(alike, split)
        accepted.append(np.nanmean(nothing.accepted))
        blind.append(np.nanmean(nothing.recognized))
    assert abs(np.mean(accepted) - verification.FALSE_ACCEPT) < 0.03
    assert np.mean(blind) < 0.02


def test_few_shot_learners_on_keys_that_tell_all_or_nothing() -> None:
    labels = examples().labels
    for answer in (few_shot._memory, lambda vectors: few_shot._layer(vectors, 0)):
        episodes = [draw_episodes(labels, way, 1, queries=5, count=40, seed=0) for way in few_shot.WAYS]
        sure, blind = (few_shot._measure(answer(keys(labels, noise)), episodes) for noise in (0.01, 1e3))
        assert all(size.value == 1 for size in sure.accuracy)
        for size, way in zip(blind.accuracy, few_shot.WAYS, strict=True):
            assert abs(size.value - 1 / way) < 0.06
