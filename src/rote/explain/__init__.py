"""Explain: for the most memorized examples, a cause with the evidence for it. Measured, not guessed."""

from rote.explain.causes import CAUSES as CAUSES
from rote.explain.contaminated import Contaminated as Contaminated
from rote.explain.contaminated import Contamination as Contamination
from rote.explain.contaminated import contaminated as contaminated
from rote.explain.contaminated import contamination as contamination
from rote.explain.dependents import NOBODY as NOBODY
from rote.explain.dependents import Answers as Answers
from rote.explain.dependents import Dependence as Dependence
from rote.explain.dependents import Dependences as Dependences
from rote.explain.dependents import find_dependences as find_dependences
from rote.explain.dependents import read_answers as read_answers
from rote.explain.explanation import Explanation as Explanation
from rote.explain.explanation import dependents_of as dependents_of
from rote.explain.explanation import explain as explain
from rote.explain.neighbours import Neighbour as Neighbour
from rote.explain.neighbours import Space as Space
from rote.explain.neighbours import space as space
from rote.explain.orders import orders as orders
from rote.explain.planted import CopyCheck as CopyCheck
from rote.explain.planted import check_copies as check_copies
from rote.explain.relabel import IssueCheck as IssueCheck
from rote.explain.relabel import Suggestion as Suggestion
from rote.explain.relabel import apply_labels as apply_labels
from rote.explain.relabel import check_issues as check_issues
from rote.explain.relabel import suggestions as suggestions
from rote.explain.relabel import undo_labels as undo_labels
