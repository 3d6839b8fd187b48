"""Theorem 1 of Zhang et al., 2017: two layers with 2n + d weights fit any n labels in d dimensions. The proof, carried out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.linalg import solve_triangular

from byrote.errors import InvalidData
from byrote.experiments.reproductions.data import images
from byrote.experiments.reproductions.experiment import Bench, Experiment, Found, Part, Shown
from byrote.experiments.reproductions.figure import Assertion, Panel, Point
from byrote.stats.estimate import Estimate

Exact = list[Fraction]


@dataclass(frozen=True)
class Size:
    """How large the experiment is: numbers of examples in floating point, and of those computed exactly."""

    data: str = "fashion14"
    floating: tuple[int, ...] = (10, 100, 1000)
    exact: tuple[int, ...] = (10, 100)


def construct(
    inputs: Float[ndarray, "example dim"], values: Float[ndarray, " example"], rng: np.random.Generator
) -> tuple[Float[ndarray, " dim"], Float[ndarray, " example"], Float[ndarray, " example"]]:
    """Return a [d], b [n], w [n] such that sum_j w_j max(a . x_i - b_j, 0) = values_i for every i.

    Sorted along a random direction, with one threshold just below each point, the hidden layer is a triangular matrix.
    """
    a = rng.normal(size=inputs.shape[1])
    order = np.argsort(inputs @ a)
    place = (inputs @ a)[order]
    b = np.concatenate([[place[0] - 1], (place[1:] + place[:-1]) / 2])
    w = solve_triangular(np.maximum(place[:, None] - b[None, :], 0), values[order], lower=True)
    return a, b, w


def error(
    inputs: Float[ndarray, "example dim"],
    values: Float[ndarray, " example"],
    a: Float[ndarray, " dim"],
    b: Float[ndarray, " example"],
    w: Float[ndarray, " example"],
) -> float:
    """Return the largest distance between the network's outputs and the values."""
    return float(np.abs(np.maximum((inputs @ a)[:, None] - b[None, :], 0) @ w - values).max())


def construct_exactly(
    inputs: Sequence[Sequence[int]], values: Sequence[int], direction: Sequence[int]
) -> tuple[Exact, Exact]:
    """Return b [n] and w [n] of the same network in fractions, without rounding, for whole numbers and this direction.

    Raises InvalidData when two inputs are at the same place along the direction: take another one.
    """
    places = [sum(a * x for a, x in zip(direction, row, strict=True)) for row in inputs]
    order = sorted(range(len(places)), key=places.__getitem__)
    sorted_places = [Fraction(places[i]) for i in order]
    if len(set(places)) < len(places):
        raise InvalidData("Two inputs are at the same place along this direction. Take another direction.")
    b = [sorted_places[0] - 1]
    b += [(low + high) / 2 for low, high in pairwise(sorted_places)]
    w: Exact = []
    for row, place in enumerate(sorted_places):
        so_far = sum((w[j] * (place - b[j]) for j in range(row)), Fraction(0))
        w.append((values[order[row]] - so_far) / (place - b[row]))
    return b, w


def output_exactly(row: Sequence[int], direction: Sequence[int], b: Exact, w: Exact) -> Fraction:
    """Return the output of the network for one input, as a fraction."""
    place = sum(a * x for a, x in zip(direction, row, strict=True))
    return sum((each * max(place - at, Fraction(0)) for each, at in zip(w, b, strict=True)), Fraction(0))


def floating(bench: Bench, *, data: str, examples: int, labels: str, seed: int) -> Found:
    """Return the number of weights and the largest error of the construction in double precision."""
    inputs = images(data, bench.data).train[:examples].reshape(examples, -1).astype(np.float64)
    rng = np.random.default_rng([seed, examples])
    values = (
        rng.integers(0, 10, examples).astype(np.float64) if labels == "random labels" else rng.normal(size=examples)
    )
    a, b, w = construct(inputs, values, rng)
    return {"weights": len(a) + len(b) + len(w), "dimensions": len(a), "error": error(inputs, values, a, b, w)}


def exact(bench: Bench, *, data: str, examples: int, seed: int) -> Found:
    """Return how many of the random labels the construction misses when nothing is rounded."""
    pictures = images(data, bench.data).train[:examples].reshape(examples, -1)
    inputs = np.rint(pictures * 1020).astype(int).tolist()
    rng = np.random.default_rng([seed, examples])
    values = rng.integers(0, 10, examples).tolist()
    direction = rng.integers(-(10**6), 10**6, len(inputs[0])).tolist()
    b, w = construct_exactly(inputs, values, direction)
    missed = sum(output_exactly(row, direction, b, w) != value for row, value in zip(inputs, values, strict=True))
    return {"weights": len(direction) + len(b) + len(w), "dimensions": len(direction), "missed": missed}


def parts(size: Size, seed: int) -> list[Part]:
    """Return the parts: constructions in floating point, and exact ones. Nothing is trained."""
    rounded = [
        Part(f"theorem, {n} {labels}", floating, {"data": size.data, "examples": n, "labels": labels, "seed": seed}, 0)
        for n in size.floating
        for labels in ("random labels", "normal values")
    ]
    return rounded + [
        Part(f"theorem, {n} exact", exact, {"data": size.data, "examples": n, "seed": seed}, 0) for n in size.exact
    ]


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw the largest error over the number of examples; assert the number of weights, and that exactly all are fitted."""
    points = [
        Point(labels, n, float(np.log10(max(found[f"theorem, {n} {labels}"]["error"], 1e-18))))
        for labels in ("random labels", "normal values")
        for n in size.floating
    ]
    n = max(size.exact)
    whole = found[f"theorem, {n} exact"]
    extra = whole["weights"] - (2 * n + whole["dimensions"])
    most = max(
        found[f"theorem, {n} {labels}"]["error"] for n in size.floating for labels in ("random labels", "normal values")
    )
    return Shown(
        [Panel("Largest error of the construction in double precision", "examples", "log10 of the largest error", tuple(points), log_x=True)],
        [
            Assertion("weights beyond 2n + d", _known(extra, n), most=0, strict=False, paper="0"),
            Assertion(f"of {n} random labels, those that are missed when nothing is rounded", _known(whole["missed"], n), most=0, strict=False, paper="0"),
            Assertion(f"largest error in double precision, up to {max(size.floating):,} examples", _known(most, max(size.floating)), most=1e-3, paper="not computed"),
        ],
    )  # fmt: skip


def _known(value: float, n: int) -> Estimate:
    """Return a number that is computed and not estimated: its interval is the number itself."""
    return Estimate(value, value, value, n, "examples")


THEOREM = Experiment(
    paper="zhang2017",
    name="theorem 1",
    title="2n + d weights",
    claim="A network with two layers of rectified units and 2n + d weights fits any n labels of n different inputs in d dimensions.",
    differs=dict.fromkeys(
        ("tiny", "small", "paper"),
        "The paper proves it; here the proof's network is built for images of clothes, in fractions and in double precision.",
    ),
    sizes={"tiny": Size(), "small": Size(exact=(10, 100, 200)), "paper": Size(exact=(10, 100, 300))},
    minutes={"tiny": 0.1, "small": 0.3, "paper": 1},
    parts=parts,
    show=show,
    data=lambda size: [size.data],
)
