"""The catalogue of scores, read from their signatures, and the way from a text such as `el2n(step=5)` to a score."""

from pathlib import Path
from typing import Any

from jaxtyping import Float
from numpy import ndarray

from byrote.errors import unknown
from byrote.scores import SCORES
from byrote.signature import MEANING, Need, Probe, Score, parse_call, spell


def find_score(text: str) -> Score:
    """Return the score that is spelled `name`, `name(option=value)`, or `my_file.py:name`; ByroteError if there is none."""
    path, colon, call = text.rpartition(":")
    name, options = parse_call(call if colon else text)
    known = _scores_in(Path(path)) if colon else SCORES
    if name in known:
        return known[name].bind(**options)
    if not colon:
        from byrote.probes import PROBES

        if name in PROBES:
            step = {"step": options.pop("step")} if "step" in options else {}
            return score_of_probe(PROBES[name].bind(**options)).bind(**step)
        known = {**known, **PROBES}
    raise unknown("score", name, known)


def score_of_probe(probe: Probe) -> Score:
    """Return the score that reads the column of a probe: of one model at one step, by default the last."""
    return Score(
        name=str(probe),
        needs=(Need(str(probe), ("example",), "float"),),
        key=("example",),
        high=probe.high,
        defaults={"step": -1},
        source=probe.source,
        summary=probe.summary,
        function=_column,
    )


def _column(column: Float[ndarray, " example"], *, step: int = -1) -> Float[ndarray, " example"]:
    return column


def catalogue_rows() -> list[dict[str, Any]]:
    """Return one row per score: name with defaults, what it needs, what a high value means, its first line, its paper."""
    return [
        {
            "score": spell(score.name, score.defaults) if score.defaults else score.name,
            "needs": ", ".join(str(need) for need in score.needs),
            "evidence": "several runs"
            if "run" in score.axes
            else "one run, all steps"
            if "step" in score.axes
            else "one run, one step",
            "high means": MEANING[score.high],
            "meaning": score.summary,
            "paper": score.source,
        }
        for score in SCORES.values()
    ]


def _scores_in(path: Path) -> dict[str, Score]:
    from byrote.task.loading import module_from

    return {name: value for name, value in vars(module_from(path)).items() if isinstance(value, Score)}
