"""What `locate` found, as rows of plain values and as one sentence."""

from typing import Any

import numpy as np

from byrote.locate.neurons import CriticalNeurons, Flipped
from byrote.locate.survey import Layer, NeuronSurvey, Survey
from byrote.stats.estimate import Estimate

Row = dict[str, Any]


def layer_rows(survey: Survey) -> list[Row]:
    """Return one row per layer: shares from 0 to 1 with the ends of their intervals, of memorized and of clean examples.

    `gradient` is the share of an example's squared gradient that lies in the layer; `rewound` and `retrained` are
    predicted as labelled after that was done to the layer.
    """
    rows: list[Row] = []
    for layer in survey.layers:
        row: Row = {"layer": layer.name, "kind": layer.kind, "weights": layer.weights}
        for what, said in (("gradient", layer.accounted), ("rewound", layer.rewound), ("retrained", layer.retrained)):
            row |= said.memorized.cells(f"{what} memorized") | said.clean.cells(f"{what} clean")
        rows.append(row)
    return rows


def neuron_rows(survey: NeuronSurvey, *, level: float = 0.9) -> list[Row]:
    """Return one row for memorized and one for clean examples: the median count of silenced neurons that flips one.

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
        layer = survey.layers[rewound]
        return (
            f"L{_named(layer)[1:]} keeps most of what run {survey.run} memorized: without what it learned after epoch {survey.earlier}, "
            f"{_percent(layer.rewound.memorized)} of the memorized and {_percent(layer.rewound.clean)} of the clean examples are still predicted as labelled, "
            f"and retrained on clean examples alone it gives back {_percent(layer.retrained.memorized)} of the memorized ones."
        )
    told = [_points(survey, "rewinding", rewound), _points(survey, "retraining", retrained)]
    return f"No single layer can be said to keep what run {survey.run} memorized: {told[0]}, and {told[1]}."


def neuron_verdict(survey: NeuronSurvey, *, level: float = 0.9) -> str:
    """Return one sentence: do memorized predictions hang on fewer neurons than clean ones?"""
    memorized, clean = (each.median(level=level) for each in (survey.neurons.memorized, survey.neurons.clean))
    control = survey.neurons.random_memorized.median(level=level)
    counts = f"{_count(memorized)} silenced neurons flip a memorized example of run {survey.run}, {_count(clean)} a clean one (medians)"
    fewer = memorized.high < clean.low
    told = "fewer, surely" if fewer else "which the intervals cannot tell apart"
    chance = f"random ones take {_count(control)} for a memorized one"
    caveat = (
        " Memorized examples also have smaller margins, so fewer neurons need not mean that these keep them."
        if fewer
        else ""
    )
    return f"{counts}: {told}; {chance}.{caveat}"


def _points(survey: Survey, how: str, place: int | None) -> str:
    if place is None:
        return f"by {how} no layer stands out (intervals overlap)"
    return f"{how} points to {_named(survey.layers[place])}"


def _named(layer: Layer) -> str:
    return f"layer {layer.name} ({layer.kind})"


def _percent(size: Estimate) -> str:
    return f"{100 * size.value:.0f} % [{100 * size.low:.0f}, {100 * size.high:.0f}]"


def _count(size: Estimate) -> str:
    if np.isnan(size.value):
        return "no known number of"
    value, *ends = (f"{number:g}" if np.isfinite(number) else "all" for number in (size.value, size.low, size.high))
    return value if np.isnan(size.low) else f"{value} [{', '.join(ends)}]"


def _mostly(found: CriticalNeurons, critical: Flipped, level: float) -> str:
    shares = {name: size.value for name, size in found.by_layer(critical, level=level).items()}
    known = {name: share for name, share in shares.items() if np.isfinite(share)}
    if not known:
        return ""
    name = max(known, key=lambda each: known[each])
    return f"{name} ({100 * known[name]:.0f} %; it has {100 * found.layer.count(name) / len(found.layer):.0f} % of all)"
