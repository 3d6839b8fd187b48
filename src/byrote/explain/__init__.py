"""Explain: for the most memorized examples, a cause and the evidence for it."""

from byrote.evidence.outcomes import Outcomes as Outcomes
from byrote.evidence.outcomes import read_outcomes as read_outcomes
from byrote.explain.causes import CAUSES as CAUSES
from byrote.explain.contaminated import Contaminated as Contaminated
from byrote.explain.contaminated import Contamination as Contamination
from byrote.explain.contaminated import contaminated as contaminated
from byrote.explain.contaminated import contamination as contamination
from byrote.explain.dependents import NO_DEPENDENCES as NO_DEPENDENCES
from byrote.explain.dependents import Dependence as Dependence
from byrote.explain.dependents import Dependences as Dependences
from byrote.explain.dependents import find_dependences as find_dependences
from byrote.explain.explanation import Explanation as Explanation
from byrote.explain.explanation import dependents_of as dependents_of
from byrote.explain.explanation import explain as explain
from byrote.explain.neighbours import Neighbour as Neighbour
from byrote.explain.neighbours import Space as Space
from byrote.explain.neighbours import space as space
from byrote.explain.planted import CopyCheck as CopyCheck
from byrote.explain.planted import check_copies as check_copies
from byrote.explain.relabel import IssueCheck as IssueCheck
from byrote.explain.relabel import Suggestion as Suggestion
from byrote.explain.relabel import apply_labels as apply_labels
from byrote.explain.relabel import check_issues as check_issues
from byrote.explain.relabel import suggestions as suggestions
from byrote.explain.relabel import undo_labels as undo_labels
