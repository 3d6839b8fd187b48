"""Memorization of the groups of a record: duplicates, one person's rows."""

from jaxtyping import Shaped
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.evidence.evaluate import LEVEL
from byrote.evidence.outcomes import read_outcomes
from byrote.record import Record
from byrote.scores.group_memorization import Groups, group_memorization


@checked(text=("groups",))
def memorized_groups(
    record: Record, *, groups: Shaped[ndarray, " example"] | None = None, level: float = LEVEL
) -> Groups:
    """Return the memorization of each group: 1 is predicted only by runs that were trained on it; see `group_memorization`.

    `groups` has a name per example of the record, empty for none (default: the groups that the task has declared).
    Raises MissingEvidence without a run, for a prediction that is missing at the last step, without a group, and where none
    is left out whole in any run.
    """
    named = record.population.groups if groups is None else groups
    if len(named) != len(record.population):
        raise InvalidData(
            f"{len(named)} groups were given for the {len(record.population)} examples of {record.directory}. "
            "Give one name per example, in the order of the record."
        )
    outcomes = read_outcomes(record)
    return group_memorization(outcomes.correct, outcomes.member, named, level=level)
