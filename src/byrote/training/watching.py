"""Watching: examples whose weights a rule sets anew after each epoch, from what a clean pass over them found."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Int
from numpy import ndarray
from torch import Tensor

from byrote.record import Observed, Population
from byrote.task.methods import ExampleRule, Watched


class Watching:
    """The examples that rules watch in the runs of a pack: what was found of them so far, and the weights that follow."""

    def __init__(self, rules: Sequence[ExampleRule], population: Population, runs: int) -> None:
        self.rules, self.population, self.runs = rules, population, runs
        self.of_rule = [rule.watched(population.ids) for rule in rules]
        self.positions: Int[ndarray, " watched"] = np.unique(np.concatenate([np.zeros(0, np.int64), *self.of_rule]))
        self.history: list[list[list[Watched]]] = [[[] for _ in range(runs)] for _ in rules]
        self.ended: Bool[ndarray, " run"] = np.zeros(runs, np.bool_)

    def weights(self, runs: Int[ndarray, " row"], shown: Tensor) -> Tensor | None:
        """Return the factor of the loss of each presentation, of these runs and examples; None where all are 1."""
        if not self.rules:
            return None
        factor = np.ones((self.runs, len(self.population)), np.float32)
        for rule, positions, histories in zip(self.rules, self.of_rule, self.history, strict=True):
            for run, history in enumerate(histories):
                factor[run, positions] *= rule.weights(history, len(positions))
        if (factor == 1).all():
            return None
        return torch.from_numpy(factor[runs, shown.cpu().numpy()]).to(shown.device)

    def columns(self, epoch: int, found: Sequence[Observed | None]) -> list[dict[str, float]]:
        """Take what a clean pass after this epoch found, and return the columns of each run. Runs that ended stay as they are."""
        columns: list[dict[str, float]] = [{} for _ in range(self.runs)]
        for rule, positions, histories in zip(self.rules, self.of_rule, self.history, strict=True):
            for run, (history, observed) in enumerate(zip(histories, found, strict=True)):
                assert observed is not None  # the pass holds all that is watched
                mean = float(rule.weights(history, len(positions)).mean())
                rows = np.searchsorted(observed.positions, positions)
                values = {name: column[rows] for name, column in observed.values.items()}
                history.append(Watched(epoch, rule.right(values, self.population.labels[positions])))
                self.ended[run] |= rule.ends(history)
                columns[run] |= {
                    rule.name: mean,
                    f"{rule.name}_recall": history[-1].recall,
                    f"{rule.name}_ended": float(self.ended[run]),
                }
        return columns
