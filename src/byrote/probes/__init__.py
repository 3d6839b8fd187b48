"""Probes: measurements on one trained model, with one value per example. Each is in its own file.

Those in PROBES read a batch. The others need more than a batch (a reference set, checkpoints, training updates) and are
plain functions. None of them changes the model.
"""

from byrote.errors import unknown
from byrote.probes._asking import NO_QUESTIONS as NO_QUESTIONS
from byrote.probes._asking import Questions as Questions
from byrote.probes._asking import ask as ask
from byrote.probes._asking import check_asked as check_asked
from byrote.probes.critical import critical as critical
from byrote.probes.curvature import curvature as curvature
from byrote.probes.embedding import embedding as embedding
from byrote.probes.entropy import entropy as entropy
from byrote.probes.grand import grand as grand
from byrote.probes.input_gradient import input_gradient as input_gradient
from byrote.probes.loss_sensitivity import loss_sensitivity as loss_sensitivity
from byrote.probes.modified_entropy import modified_entropy as modified_entropy
from byrote.probes.prediction_depth import prediction_depth as prediction_depth
from byrote.probes.susceptibility import susceptibility as susceptibility
from byrote.probes.vog import vog as vog
from byrote.signature import Probe, parse_call

PROBES: dict[str, Probe] = {
    each.name: each for each in (input_gradient, curvature, grand, entropy, modified_entropy, critical)
}
"""Every probe by its name."""


def find_probe(text: str) -> Probe:
    """Return the probe that is spelled `name` or `name(option=value)`; raise ByroteError when there is none."""
    name, options = parse_call(text)
    if name not in PROBES:
        raise unknown("probe", name, PROBES)
    return PROBES[name].bind(**options)
