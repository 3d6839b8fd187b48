"""The eight claims: very small ones run; of numbers that say what is commonly said they hold, of the opposite they do not."""

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from byrote.controls import augment, parse_control
from byrote.experiments.reproductions.claims import CLAIMS
from byrote.experiments.reproductions.claims.c4_augmentation import USED
from byrote.experiments.reproductions.claims.claim import Size
from byrote.experiments.reproductions.claims.subsets import packed, unpacked
from byrote.experiments.reproductions.experiment import Bench, Experiment, Part
from byrote.task.designs import KFold, Subsets

ROOT = Path(__file__).parents[3]
BY_NAME = {each.name: each for each in CLAIMS}
MICRO = Size(examples=40, epochs=2, seeds=2)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_very_small_one_is_trained_drawn_and_judged(name: str) -> None:
    experiment = BY_NAME[name]
    parts = experiment.parts(MICRO, 0)
    found = {part.name: part.train(Bench(), **part.options) for part in parts}
    shown = experiment.show(MICRO, found)
    assert all(panel.points for panel in shown.panels)
    assert all(math.isfinite(point.y) for panel in shown.panels for point in panel.points)
    assert len(shown.assertions) >= 3


def arm(options: Mapping[str, Any], said: bool) -> dict[str, Any]:
    """Return a training that memorizes as the claims say (or not): more with width, less with any remedy, late."""
    remedy = bool(options["controls"])
    width = math.log2(int(options["network_name"])) / 10
    memory = (width if said else 1 - width) * ((0.2 if said else 1.1) if remedy else 1.0)
    wiggle = 0.002 * math.sin(1 + 5 * options["seed"])
    test = 0.9 - 0.2 * (width if said else 1 - width) + (0.1 if said else -0.1) * remedy + wiggle
    late = said or options["noise"] == 1.0
    course = [0.0, memory] if late else [memory, memory]
    at_best, at_end = (test, test - 0.05) if said else (test, test)
    fitted = (1.0 if said else 0.8) if not remedy else (0.3 if said else 1.0)
    return {
        "epoch": [2, 4],
        "in": [0.5 + (m + wiggle) / 2 for m in course],
        "out": [0.5 - m / 2 for m in course],
        "wrong_in": [m + wiggle for m in course[:1]] + [fitted if options["noise"] == 1.0 else memory + wiggle],
        "wrong_out": [0.0, 0.0],
        "test": [at_best, at_end],
        "test_halves": [[at_best, at_best], [at_end, at_end]],
        "test_loss": [[1.0, 1.0], [1.2, 1.2]],
        "attack": 0.5 + 0.2 * memory + wiggle / 10,
    }


def many(options: Mapping[str, Any], said: bool) -> dict[str, Any]:
    """Return outcomes of models on subsets: equal for all examples if that is said, else of few; folds reduce it if said."""
    rng, runs, examples = np.random.default_rng(options["seed"]), options["runs"], options["examples"]
    folds = options["design"] == "kfold"
    member = (KFold(5) if folds else Subsets(0.8)).membership([runs], np.full(examples, ""), options["seed"])
    few = np.arange(examples) % 5 == 0
    out = np.where(few, 0.0, 1.0) if folds or not said else np.full(examples, 0.45)
    if folds and said:
        out = np.where(few, 0.5, 1.0)
    if folds and not said:
        out = rng.random(examples)  # no relation to the subsets, and more memorization
    right = rng.random((runs, examples)) < np.where(member, 0.97 if not folds else 1.0, out)
    tests = [float(out.mean()) if said else float(out.mean()) - 0.2] * runs
    return {"right": packed(right), "member": packed(member), "shape": [runs, examples], "test": tests}


def without(options: Mapping[str, Any], said: bool) -> dict[str, Any]:
    wiggle = 0.001 * math.sin(options["options"]["draw"])
    worse = -1 if said else 1
    told = {f"memorized {share:g}": [0.8 - worse * share / 2 + wiggle] * 4 for share in options["shares"]}
    return {"nothing 0": [0.8] * 4, **told, **{f"random {share:g}": [0.8 - wiggle] * 4 for share in options["shares"]}}


def made(part: Part, said: bool) -> dict[str, Any]:
    kinds: dict[str, Callable[[Mapping[str, Any], bool], dict[str, Any]]] = {
        "learn": arm,
        "outcomes": many,
        "removed": without,
    }
    return kinds[part.train.__name__](part.options, said)


def judged(experiment: Experiment, said: bool) -> list[str]:
    size = experiment.sizes["tiny"]
    found = {part.name: made(part, said) for part in experiment.parts(size, 0)}
    return [each.outcome for each in experiment.show(size, found).assertions]


@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "C7"])
def test_it_holds_of_what_is_said_and_not_of_the_opposite(name: str) -> None:
    right, wrong = judged(BY_NAME[name], True), judged(BY_NAME[name], False)
    assert set(right) == {"holds"}, right
    assert wrong.count("does not hold") >= len(wrong) / 2, wrong


def test_folds_that_memorize_less_are_told_from_folds_that_do_not() -> None:
    experiment = BY_NAME["C7"]
    subsets, folds = experiment.parts(experiment.sizes["tiny"], 0)

    def outcome(fold_said: bool) -> list[str]:
        found = {subsets.name: made(subsets, False), folds.name: made(folds, fold_said)}
        return [each.outcome for each in experiment.show(experiment.sizes["tiny"], found).assertions]

    assert outcome(True)[:2] == ["holds", "holds"]
    assert outcome(False) == ["does not hold", "holds", "does not hold"]


@pytest.mark.parametrize(("name", "pixels"), [("1 pixel", 1), ("2 pixels", 2)])
def test_the_crops_of_the_claim_move_images_by_as_many_pixels_as_it_says(name: str, pixels: int) -> None:
    inputs = torch.zeros(400, 14, 14)
    inputs[:, 7, 7] = 1
    crop = parse_control(USED[name][0])
    assert isinstance(crop, augment)
    moved = crop.transform(inputs, float(crop.strength), 5)
    places = {(int(row) - 7, int(column) - 7) for row, column in moved.nonzero()[:, 1:]}
    assert places == {(row, column) for row in range(-pixels, pixels + 1) for column in range(-pixels, pixels + 1)}


def test_bits_survive_as_text() -> None:
    values = np.random.default_rng(0).random((7, 13)) < 0.5
    assert np.array_equal(unpacked(packed(values), [7, 13]), values)


def test_the_page_says_what_the_log_says() -> None:
    page, log = ((ROOT / path).read_text() for path in ("docs/claims.md", "records/claims/log.txt"))
    rows = [line for line in page.splitlines() if re.match(r"\| (holds|not shown|does not hold) \|", line)]
    assert len(rows) >= 30
    for row in rows:
        outcome, text, here = (cell.strip() for cell in row.split("|")[1:4])
        assert f"{outcome}: {text}: {here.rsplit(', ', 1)[0]}" in log, row
    for each in CLAIMS:
        assert re.search(rf"^{each.name}, {each.title}: ", log, re.MULTILINE)
        assert 500 < (ROOT / f"docs/claims/{each.name}.svg").stat().st_size < 60_000
        assert each.claim in page
        assert each.contested in page
