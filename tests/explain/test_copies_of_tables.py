"""Copies in a table whose columns have few values: rows that are alike by chance are no copies."""

from dataclasses import replace

import numpy as np
from torch import nn

from byrote import Examples, Task
from byrote.explain import space
from byrote.explain.contaminated import contaminated
from byrote.record import Population
from byrote.task.canaries import Canaries, plant


def table(copies: int) -> Population:
    """Half of the rows lie in a dense region, so every other distance is far below the median; `copies` are planted exactly."""
    rng = np.random.default_rng(0)
    n, tests = 1500, 600
    spread = np.where(rng.random(n + tests) < 0.25, 0.05, 1.0)[:, None]
    rows = np.concatenate([rng.normal(size=(n + tests, 6)) * spread, rng.integers(0, 3, (n + tests, 2))], axis=1)
    rows = rows.astype(np.float32)
    rows[n : n + copies] = rows[:copies]
    labels = rng.integers(0, 2, n + tests)
    labels[n : n + copies] = labels[:copies]
    task = Task(lambda: nn.Linear(8, 2), Examples(rows[:n], labels[:n]), Examples(rows[n:], labels[n:]))
    return plant(task, Canaries(), 0)


def test_rows_of_a_dense_region_are_no_copies() -> None:
    population = table(5)
    points = space(population)
    found = contaminated(population, points=points)
    exact = [each for each in found if each.duplicates[0].distance == 0]
    assert len(exact) == 5
    assert len(found) - 5 < 0.03 * 600  # 1 % by the rule, up to chance
    old = replace(points, rare={})
    assert len(contaminated(population, points=old)) > 0.1 * 600
