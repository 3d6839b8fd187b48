"""Arrays that are not in a record, by the name of the column that they are: any score can be applied to them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

from byrote.errors import MissingEvidence
from byrote.signature import Need, Score


@dataclass(frozen=True, eq=False)
class ColumnArrays:
    """Arrays by the name of the column that they are. Several views of a column are in the axis before the last.

    `column["loss"]` is `[run example]` or `[run view example]` of shadow models, `[step example]` of a table; `member` is
    `[run example]`, `label` `[example]`.
    """

    ids: Shaped[ndarray, " example"]
    column: Mapping[str, Shaped[ndarray, "..."]]

    def apply(self, score: Score) -> Shaped[ndarray, "..."]:
        """Return the score of these columns, the mean over views where there are several; raise MissingEvidence.

        A score that lacks the step axis reads the step that its option `step` names, counted from 1, else the last.
        """
        needs = [self._resolved(need, score) for need in score.needs]
        arrays = [self._read(need, score) for need in needs]
        views = {array.shape[1] for need, array in zip(needs, arrays, strict=True) if _has_views(need, array)}
        if not views:
            return score(*arrays)
        each = [
            score(*(a[:, view] if _has_views(n, a) else a for n, a in zip(needs, arrays, strict=True)))
            for view in range(min(views))
        ]
        return np.mean(each, axis=0)

    def _resolved(self, need: Need, score: Score) -> Need:
        """Return what stands for `outcome`: the column that the score's option names, else right or wrong (`correct`)."""
        if need.column != "outcome" or "outcome" in self.column:
            return need
        column = str(score.options.get("column") or "correct")
        return replace(need, column=column, kind="bool" if column == "correct" and need.kind == "any" else need.kind)

    def _read(self, need: Need, score: Score) -> Shaped[ndarray, "..."]:
        if need.column not in self.column:
            hint = "Take another score, or read files that have it."
            if {f"{need.column}_seen", need.column.removesuffix("_seen")} & self.column.keys():
                hint = "The table has it from the other kind of pass: read it with the other value of `seen`."
            raise MissingEvidence(f"{score} reads {need}, and there is only {', '.join(self.column)}. {hint}")
        values = self.column[need.column]
        if need.axes == ("example",) and values.ndim == 2 and "member" not in self.column:
            values = _at_step(values, score)
        if not 0 <= values.ndim - len(need.axes) <= ("run" in need.axes):
            raise MissingEvidence(
                f"{score} reads {need}, and the array has the shape {values.shape}. Take another score."
            )
        if need.kind == "float":
            return values
        if np.isnan(values).any():
            raise MissingEvidence(
                f"{score} reads {need} of all examples, and {np.isnan(values).sum()} values are missing. Complete them, or take another score."
            )
        if need.kind == "any":
            return values
        return values.astype(np.bool_ if need.kind == "bool" else np.int64)


def _has_views(need: Need, values: Shaped[ndarray, "..."]) -> bool:
    return values.ndim > len(need.axes)


def _at_step(values: Shaped[ndarray, "step example"], score: Score) -> Shaped[ndarray, " example"]:
    step, last = score.options.get("step", -1), len(values)
    if type(step) is not int or not (step == -1 or 1 <= step <= last):
        raise MissingEvidence(f"{score} has step={step!r}, and the table has steps 1 to {last}. Write 'step=1'.")
    return values[step - 1 if step > 0 else last - 1]
