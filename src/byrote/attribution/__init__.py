"""Attribution by gradients: which training examples serve which targets, from one or a few models instead of hundreds.

These are proxies. `agreement` holds them against `influence`, which retrains, on the user's own record.
"""

from byrote.attribution.agreement import agreement as agreement
from byrote.attribution.attribute import METHODS as METHODS
from byrote.attribution.attribute import attribute as attribute
from byrote.attribution.kept import About as About
from byrote.attribution.kept import Agreement as Agreement
from byrote.attribution.kept import Attribution as Attribution
from byrote.attribution.kept import read_attribution as read_attribution
from byrote.attribution.kept import write_attribution as write_attribution
from byrote.attribution.sketch import Sketch as Sketch
from byrote.attribution.tracin import Block as Block
from byrote.attribution.tracin import tracin as tracin
from byrote.attribution.trak import trak as trak
