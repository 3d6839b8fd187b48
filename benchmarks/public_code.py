"""Seconds that public code takes for the same number as a score, where it is installed (tests/peers.py says how).

Each gets a slice of arrays in memory, with nothing to read and no model to run. The time is extrapolated to the examples,
steps, runs and targets outside the slice. An example is in 70 % of the runs, and presented at each step of those.
"""

import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from peers import data_iq, subsampled_influence, tensorflow_privacy_lira

SHARE, BATCH, CLASSES, TARGETS = 0.7, 128, 10, 100


def aum(runs: int, steps: int, examples: int) -> float | None:
    """The authors' calculator, one epoch of one run in batches."""
    if find_spec("aum") is None:
        return None
    import torch
    from aum import AUMCalculator

    n = min(examples, 12_800)
    logits, labels, ids = torch.randn(n, CLASSES), torch.randint(CLASSES, (n,)), np.arange(n).tolist()
    asked = AUMCalculator("unused")
    start = time.perf_counter()
    for at in range(0, n, BATCH):
        asked.update(logits[at : at + BATCH], labels[at : at + BATCH], ids[at : at + BATCH])
    return (time.perf_counter() - start) * runs * steps * SHARE * examples / n


def data_map(runs: int, steps: int, examples: int) -> float | None:
    """Data-IQ, one epoch of one run, without its gradients. All three numbers at once."""
    peer = data_iq()
    if peer is None:
        return None
    import torch

    n = min(examples, 2_000)
    answer = torch.randn(CLASSES).softmax(0)
    model: Any = type("Told", (torch.nn.Module,), {"forward": lambda self, x: answer})()
    asked = peer(np.zeros((n, 1), np.float32), np.zeros(n, np.int64))
    start = time.perf_counter()
    asked.on_epoch_end(model)
    return (time.perf_counter() - start) * runs * steps * SHARE * examples / n


def influence(runs: int, steps: int, examples: int) -> float | None:
    """OpenDataVal's estimator for one target, in a few runs."""
    peer = subsampled_influence(lambda target, said: said)
    if peer is None:
        return None
    some = min(runs, 16)
    asked = peer(num_models=some, proportion=SHARE, random_state=0)
    nothing = {"fit": lambda self, x, y: None, "predict": lambda self, x: 1.0, "clone": lambda self: self}
    asked.pred_model = type("Told", (), nothing)()
    asked.input_data(np.arange(examples), np.arange(examples), None, None)
    start = time.perf_counter()
    asked.train_data_values()
    asked.evaluate_data_values()
    return (time.perf_counter() - start) * runs / some * TARGETS


def lira(runs: int, steps: int, examples: int) -> float | None:
    """TensorFlow Privacy, one target; the other runs are sorted as it requires."""
    peer = tensorflow_privacy_lira()
    if peer is None:
        return None
    rng, n = np.random.default_rng(0), min(examples, 4_000)
    value, member = rng.normal(size=(runs, n)), rng.random((runs, n)).argsort(axis=0) < SHARE * runs
    start = time.perf_counter()
    inside, outside = ([value[1:][side[1:, i], i][:, None] for i in range(n)] for side in (member, ~member))
    peer(value[0][:, None], inside, outside, "both", True, "mean")
    return (time.perf_counter() - start) * runs * examples / n


PUBLIC: dict[str, tuple[str, Callable[[int, int, int], float | None]]] = {
    "aum": ("aum 1.0.2, the authors'", aum),
    "confidence": ("Data-IQ 0.0.1", data_map),
    "variability": ("Data-IQ 0.0.1", data_map),
    "correctness": ("Data-IQ 0.0.1", data_map),
    "influence": ("OpenDataVal 1.3.0", influence),
    "lira": ("TensorFlow Privacy 0.8.12", lira),
}
