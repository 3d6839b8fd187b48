"""Objectives: what a network learns. Each is one file: its targets, its loss, its columns, and what counts as right."""

from byrote.errors import InvalidData, unknown
from byrote.objectives.classification import Classification as Classification
from byrote.objectives.multilabel import Multilabel as Multilabel
from byrote.objectives.objective import Column as Column
from byrote.objectives.objective import Objective as Objective
from byrote.objectives.regression import Regression as Regression
from byrote.objectives.tokens import Tokens as Tokens
from byrote.signature import parse_call

OBJECTIVES: dict[str, type[Classification] | type[Regression] | type[Multilabel] | type[Tokens]] = {
    kind.name: kind for kind in (Classification, Regression, Multilabel, Tokens)
}
"""Every objective by its name."""


def parse_objective(text: str) -> Objective:
    """Read an objective from its text, such as `regression(loss='huber')`; raise ByroteError when there is none of that name."""
    name, options = parse_call(text)
    if name not in OBJECTIVES:
        raise unknown("objective", name, OBJECTIVES)
    try:
        return OBJECTIVES[name](**options)
    except TypeError as error:
        raise InvalidData(
            f"{text!r} is not an objective: {error}. Write it like 'regression(loss=\"huber\")'."
        ) from None
