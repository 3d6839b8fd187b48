"""What `locate` found, as rows of plain values and as a verdict in words."""

from typing import Any

import numpy as np

from byrote.locate.neurons import CriticalNeurons, Flipped
from byrote.locate.survey import Layer, NeuronSurvey, Survey
from byrote.stats.estimate import Estimate

Row = dict[str, Any]


def layer_rows(survey: Survey) -> list[Row]:
    """Return one row per layer: shares from 0 to 1 with the ends of their intervals, of memorized and of clean examples.

    `gradient` is the share of an example's squared gradient that lies in the layer; `rewound` and `retrained` are the
    shares of examples that are predicted as labelled after the layer was rewound or retrained.
    """
    rows: list[Row] = []
    for layer in survey.layers:
        row: Row = {"layer": layer.name, "kind": layer.kind, "weights": layer.weights}
        analyses = {"gradient": layer.accounted, "rewound": layer.rewound, "retrained": layer.retrained}
        for name, found in analyses.items():
            row |= found.memorized.cells(f"{name} memorized") | found.clean.cells(f"{name} clean")
        rows.append(row)
    return rows


def neuron_rows(survey: NeuronSurvey, *, level: float = 0.9) -> list[Row]:
    """Return one row for memorized and one for clean examples: the median number of silenced neurons that flips one.

    `critical` are silenced in greedy order, `random` in random order. `rest kept` is the share of other predictions that were
    then as before, and `mostly in` the layer with most of the critical ones, with its share of them and of all neurons.
    """
    found = survey.neurons
    pairs = {"memorized": (found.memorized, found.random_memorized), "clean": (found.clean, found.random_clean)}
    rows: list[Row] = []
    for name, (critical, random) in pairs.items():
        row: Row = {"examples": name, "count": len(critical.count), "neurons": len(found.layer)}
        row |= critical.median(level=level).cells("critical") | random.median(level=level).cells("random")
        row |= critical.mean_kept(level=level).cells("rest kept") | {"mostly in": _mostly(found, critical, level)}
        rows.append(row)
    return rows


def layer_verdict(survey: Survey) -> str:
    """Return one sentence: which layer keeps what was memorized, or that no single one does."""
    rewound, retrained = survey.by_rewinding, survey.by_retraining
    if len(survey.layers) == 1:
        return "This model has one layer, so all that it memorized is there."
    if rewound is not None and rewound == retrained:
        return _one_layer(survey, survey.layers[rewound])
    return (
        f"No single layer keeps most of what run {survey.run} memorized: "
        f"{_points(survey, 'rewinding', rewound)}, and {_points(survey, 'retraining', retrained)}."
    )


def neuron_verdict(survey: NeuronSurvey, *, level: float = 0.9) -> str:
    """Return in words whether memorized predictions depend on fewer neurons than clean ones."""
    memorized, clean = (each.median(level=level) for each in (survey.neurons.memorized, survey.neurons.clean))
    random = survey.neurons.random_memorized.median(level=level)
    counts = (
        f"Median number of silenced neurons that flips an example of run {survey.run}: memorized {_count(memorized)}, "
        f"clean {_count(clean)}; memorized with random neurons {_count(random)}."
    )
    if memorized.high < clean.low:
        return (
            f"{counts} Memorized examples need fewer (the intervals do not overlap). They also have smaller margins, so "
            "this alone does not show that these neurons keep them."
        )
    return f"{counts} Memorized examples do not clearly need fewer."


def _one_layer(survey: Survey, layer: Layer) -> str:
    return (
        f"Layer {_named(layer)} keeps most of what run {survey.run} memorized: without what it learned after epoch {survey.earlier}, "
        f"{_percent(layer.rewound.memorized)} of the memorized and {_percent(layer.rewound.clean)} of the clean examples are still predicted as labelled, "
        f"and retrained on clean examples alone it gives back {_percent(layer.retrained.memorized)} of the memorized ones."
    )


def _points(survey: Survey, how: str, place: int | None) -> str:
    if place is None:
        return f"by {how} no layer stands out (intervals overlap)"
    return f"{how} points to layer {_named(survey.layers[place])}"


def _named(layer: Layer) -> str:
    return f"{layer.name} ({layer.kind})"


def _percent(size: Estimate) -> str:
    return f"{100 * size.value:.0f} % [{100 * size.low:.0f}, {100 * size.high:.0f}]"


def _count(size: Estimate) -> str:
    if np.isnan(size.value):
        return "unknown"
    value, *ends = (
        f"{number:g}" if np.isfinite(number) else "not reached" for number in (size.value, size.low, size.high)
    )
    return value if np.isnan(size.low) else f"{value} [{', '.join(ends)}]"


def _mostly(found: CriticalNeurons, critical: Flipped, level: float) -> str:
    shares = {name: size.value for name, size in found.by_layer(critical, level=level).items()}
    known = {name: share for name, share in shares.items() if np.isfinite(share)}
    if not known:
        return ""
    name = max(known, key=lambda each: known[each])
    return f"{name} ({100 * known[name]:.0f} %; it has {100 * found.layer.count(name) / len(found.layer):.0f} % of all)"
