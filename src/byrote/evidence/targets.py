"""How the target of an example is written: its class, its labels, or its numbers."""

import numpy as np

from byrote.record import Record


def target_text(record: Record, position: int) -> str:
    """Return the target of the example at `position` in words: a class name, the labels that it has, numbers, or
    how many tokens a text has."""
    target = np.atleast_1d(record.population.labels[position])
    match record.objective.name:
        case "classification":
            return record.classes[int(target[0])]
        case "multilabel":
            return ", ".join(record.classes[at] for at in np.flatnonzero(target)) or "no label"
        case "tokens":
            number = int((target >= 0).sum())
            return f"{number} token{'' if number == 1 else 's'}"
        case _:
            return ", ".join(f"{number:g}" for number in target)
