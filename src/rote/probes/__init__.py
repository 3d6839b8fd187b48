"""Probes: questions to one trained model, answered with one value per example. Each is in its own file.

Those in PROBES read a batch. The others need more than a batch (a reference set, checkpoints, a training step) and are
plain functions, with the same care for the model.
"""

from rote.errors import unknown
from rote.probes.critical import critical as critical
from rote.probes.curvature import curvature as curvature
from rote.probes.embedding import embedding as embedding
from rote.probes.entropy import entropy as entropy
from rote.probes.grand import grand as grand
from rote.probes.input_gradient import input_gradient as input_gradient
from rote.probes.loss_sensitivity import loss_sensitivity as loss_sensitivity
from rote.probes.modified_entropy import modified_entropy as modified_entropy
from rote.probes.prediction_depth import prediction_depth as prediction_depth
from rote.probes.susceptibility import susceptibility as susceptibility
from rote.probes.vog import vog as vog
from rote.signature import Probe, parse_call

PROBES: dict[str, Probe] = {
    each.name: each for each in (input_gradient, curvature, grand, entropy, modified_entropy, critical)
}
"""Every probe by its name."""


def find_probe(text: str) -> Probe:
    """Return the probe that is spelled `name` or `name(option=value)`; raise RoteError when there is none."""
    name, options = parse_call(text)
    if name not in PROBES:
        raise unknown("probe", name, PROBES)
    return PROBES[name].bind(**options)
