"""Explain: for the most memorized examples, a cause with the evidence for it. Measured, not guessed."""

from rote.explain.causes import CAUSES as CAUSES
from rote.explain.dependents import Dependent as Dependent
from rote.explain.explanation import Explanation as Explanation
from rote.explain.explanation import explain as explain
from rote.explain.influence_pairs import InfluencePair as InfluencePair
from rote.explain.influence_pairs import PairList as PairList
from rote.explain.influence_pairs import influence_pairs as influence_pairs
from rote.explain.neighbours import Neighbour as Neighbour
