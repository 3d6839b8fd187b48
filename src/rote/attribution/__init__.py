"""Attribution by gradients: which training examples serve which targets, from one or a few models instead of hundreds.

These are proxies. `agreement` holds them against `influence`, which retrains, on the user's own record.
"""

from rote.attribution.agreement import Agreement as Agreement
from rote.attribution.agreement import agreement as agreement
from rote.attribution.sketch import Sketch as Sketch
from rote.attribution.tracin import Block as Block
from rote.attribution.tracin import tracin as tracin
from rote.attribution.trak import trak as trak
