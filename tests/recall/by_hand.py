"""Keys drawn at random, and their distances as the definitions say."""

import numpy as np


def keys(count: int, width: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def brute(queries: np.ndarray, stored: np.ndarray, metric: str) -> np.ndarray:
    q, s = queries.astype(np.float64), stored.astype(np.float64)
    if metric == "euclidean":
        return np.sqrt(((q[:, None] - s) ** 2).sum(2))
    return 1 - (q @ s.T) / np.linalg.norm(q, axis=1)[:, None] / np.linalg.norm(s, axis=1)
