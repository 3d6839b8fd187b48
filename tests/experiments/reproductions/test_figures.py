"""Each figure: a very small one is trained, and from numbers as the paper has them it holds, from wrong ones it does not."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from byrote.experiments.reproductions.arpit import FIGURES as ARPIT
from byrote.experiments.reproductions.arpit.following import epochs_of
from byrote.experiments.reproductions.experiment import Bench, Experiment
from byrote.experiments.reproductions.figure import verdict
from byrote.experiments.reproductions.zhang import FIGURES as ZHANG
from byrote.experiments.reproductions.zhang import random_labels

BY_NAME = {(each.paper, each.name): each for each in (*ARPIT, *ZHANG)}
ARPIT_NAMES = [each.name for each in ARPIT]

MICRO: dict[tuple[str, str], dict[str, Any]] = {
    ("arpit2017", "figure 1"): {"network": "8", "examples": 64, "asked": 40, "runs": 4, "together": 2},
    ("arpit2017", "figure 3"): {"examples": 20, "updates": 4, "rows": 2, "seeds": 2, "own_seeds": 2, "batch": 10},
    ("arpit2017", "figure 5"): {"widths": (2, 4), "examples": 40, "seeds": 2, "epochs": 2},
    ("arpit2017", "figure 6"): {"widths": (8, 4), "sizes": (20, 40), "at": 20, "seeds": 2, "most": 3},
    ("arpit2017", "figure 7/8"): {"network": "8", "shares": (0.0, 0.4, 0.8), "examples": 40, "asked": 10, "seeds": 2, "epochs": 3, "iterations": 2},
    ("arpit2017", "figure 9"): {"network": "8", "examples": 40, "asked": 10, "seeds": 2, "epochs": 3, "at": (1, 2, 3), "iterations": 2},
    ("arpit2017", "figure 10"): {"network": "8", "dropouts": (0.5,), "decays": (1.0,), "examples": 40, "seeds": 2, "epochs": 2},
    ("zhang2017", "table 1"): {"network": "8", "examples": 40, "seeds": 2, "epochs": 2},
    ("zhang2017", "figure 1"): {"table": random_labels.Size(network="8", examples=40, seeds=2, epochs=2), "shares": (0.0, 1.0)},
    ("zhang2017", "theorem 1"): {"floating": (10,), "exact": (5,)},
}  # fmt: skip


@pytest.mark.parametrize("key", MICRO, ids=str)
def test_a_very_small_one_is_trained_drawn_and_judged(key: tuple[str, str]) -> None:
    experiment = BY_NAME[key]
    size = replace(experiment.sizes["tiny"], **MICRO[key])
    parts = experiment.parts(size, 0)
    assert len({part.name for part in parts}) == len(parts)
    found = {part.name: part.train(Bench(), **part.options) for part in parts}
    again = parts[0].train(Bench(), **parts[0].options)
    assert again == found[parts[0].name], "a part is a function of its options"
    shown = experiment.show(size, found)
    assert shown.panels
    for panel in shown.panels:
        assert panel.points, panel.title
        assert all(math.isfinite(point.y) for point in panel.points), panel.title
    assert verdict(shown.assertions) in ("holds", "partly", "does not hold", "not shown")


def jitter(options: Mapping[str, Any]) -> float:
    return 0.001 * math.sin(1 + 7 * options.get("seed", 0))


def easy(options: Mapping[str, Any], flip: bool) -> dict[str, Any]:
    rng = np.random.default_rng([len(options["kind"]), options["seeds"][0]])
    runs, asked = len(options["seeds"]), options["asked"]
    kind = {"real": "random inputs", "random inputs": "real"}.get(options["kind"], "") if flip else options["kind"]
    known = {"real": (np.arange(asked) % 2).astype(float), "random labels": 0.1 + 0.08 * np.sin(np.arange(asked))}
    return {"right": rng.binomial(runs, known.get(kind, np.full(asked, 0.1))).tolist()}


def sensitivity(options: Mapping[str, Any], flip: bool) -> dict[str, Any]:
    gini = {"real": 0.5, "half random inputs": 0.4, "random inputs": 0.3, "random labels": 0.35, "real, own classes": 0.3, "random inputs, own classes": 0.2}  # fmt: skip
    value = gini[options["kind"]]
    return {"gini": [(1 - value if flip else value) + jitter(options)] * options["rows"]}


def capacity(options: Mapping[str, Any], flip: bool) -> dict[str, Any]:
    width = math.log2(options["width"])
    clean, noisy = 0.8 - 0.01 * abs(width - 4), 0.4 + 0.04 * width
    value = (noisy if (options["share"] > 0) != flip else clean) + jitter(options)
    return {"training": 1.0, "validation": value}


def time(options: Mapping[str, Any], flip: bool) -> dict[str, Any]:
    slow = math.sqrt(options["examples"] / options["width"])
    return {"epochs": 20 * slow ** ((1 - options["share"] if flip else options["share"]) * (-1 if flip else 1)) + jitter(options)}  # fmt: skip


def following(options: Mapping[str, Any], flip: bool) -> dict[str, Any]:
    epochs, share = list(epochs_of(options["epochs"])), options["share"]
    labels = options["kind"] == "labels"
    up = np.linspace(0.3, 1.0, len(epochs))
    fall = share * np.linspace(0, 0.3, len(epochs)) if labels else 0 * up
    validation = (0.3 + 0.4 * up if flip and share else 0.8 - fall) + jitter(options)
    ratio = 0.2 + (0.5 - share / 2 if flip else share / 2)
    accuracy = [[fit, v, v] for fit, v in zip(up.tolist(), validation.tolist(), strict=True)]
    return {"epochs": epochs, "accuracy": accuracy, "ratios": [[ratio + jitter(options)]]}


def critical(options: Mapping[str, Any], flip: bool) -> dict[str, Any]:
    noise = (options["kind"] != "real") != flip
    course = [0.1, 0.5, 0.3] if noise else [0.1, 0.1, 0.1]
    return {"epochs": [], "accuracy": [], "ratios": [[v + jitter(options), v + jitter(options), v] for v in course]}


def regularized(options: Mapping[str, Any], flip: bool) -> dict[str, Any]:
    strength = options["dropout"] or options["decay"] / 8
    costs = (options["dropout"] == 0) != flip
    return {"fitted": 0.8 - 0.7 * strength + jitter(options), "best": 0.8 - 0.2 * strength * costs}


def fitted(options: Mapping[str, Any], flip: bool) -> dict[str, Any]:
    kind, share = options["kind"], options["share"]
    random = share if kind == "corrupted" else float(kind in ("random labels", "Gaussian"))
    slow = {"random labels": 2.0, "true labels": 1.0}.get(kind, 1 + random if kind == "corrupted" else 1.2)
    test = 0.8 - 0.7 * random
    return {
        "training": 0.5 if flip else 1.0,
        "test": (0.8 if flip else test) + jitter(options),
        "losses": np.linspace(2, 0, options["epochs"]).tolist(),
        "reached": (40.0 / slow if flip else 20.0 * slow) + jitter(options),
        "censored": False,
    }


MADE: dict[tuple[str, str], Callable[[Mapping[str, Any], bool], dict[str, Any]]] = {
    ("arpit2017", "figure 1"): easy,
    ("arpit2017", "figure 3"): sensitivity,
    ("arpit2017", "figure 5"): capacity,
    ("arpit2017", "figure 6"): time,
    ("arpit2017", "figure 7/8"): following,
    ("arpit2017", "figure 9"): critical,
    ("arpit2017", "figure 10"): regularized,
    ("zhang2017", "table 1"): fitted,
    ("zhang2017", "figure 1"): fitted,
}


def judged(experiment: Experiment, make: Callable[[Mapping[str, Any], bool], dict[str, Any]], flip: bool) -> list[str]:
    size = experiment.sizes["tiny"]
    found = {part.name: make(part.options, flip) for part in experiment.parts(size, 0)}
    return [each.outcome for each in experiment.show(size, found).assertions]


@pytest.mark.parametrize("key", MADE, ids=str)
def test_it_holds_of_numbers_like_the_papers_and_not_of_the_opposite(key: tuple[str, str]) -> None:
    right, wrong = (judged(BY_NAME[key], MADE[key], flip) for flip in (False, True))
    assert set(right) == {"holds"}, right
    assert "does not hold" in wrong, wrong
    assert wrong.count("holds") <= len(wrong) / 2, wrong


def test_every_figure_has_all_scales_and_says_what_differs() -> None:
    for each in BY_NAME.values():
        assert set(each.sizes) == set(each.differs) == {"tiny", "small", "paper"}, each.name
        assert set(each.data(each.sizes["tiny"])) <= {"fashion14", "digits"}
        assert "tiny" in each.minutes
