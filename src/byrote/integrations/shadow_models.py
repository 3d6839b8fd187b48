"""Shadow models that others have trained, in the layout of LiRA's code, Carlini et al., 2022, arXiv:2112.03570."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.evidence.arrays import ColumnArrays
from byrote.integrations.natural_order import natural


def read_shadow_models(
    directory: str | os.PathLike[str], *, labels: Int[ndarray, " example"] | None = None
) -> ColumnArrays:
    """Read runs that others have trained, in the layout of LiRA's public code; raise InvalidData.

    Either one directory per run with `keep.npy` (which examples it was trained on, `[example]`) beside `scores.npy` or
    `logits.npy`, or the last file of `scores/` or `logits/`; or all runs at once, with these arrays stacked over runs. Scores are
    log(p / (1 - p)) of the label, `[example]` or `[example view]`; logits are `[example class]`, `[example view class]`
    or, as in that code, `[example 1 view class]`. Logits need `labels`, here or in `y_train.npy` of the directory, and
    are preferred: they give `loss`, `confidence`, `margin` and `correct`, and scores only `loss` and `confidence`.
    """
    root = Path(directory)
    if not root.is_dir():
        raise InvalidData(f"{root} is no directory. Give the one with a directory per run, or with keep.npy.")
    if labels is None and (root / "y_train.npy").exists():
        labels = _load(root / "y_train.npy").reshape(-1)
    whole = (root / "keep.npy").exists()
    places = (
        [root] if whole else sorted((p.parent for p in root.glob("*/keep.npy")), key=lambda path: natural(path.name))
    )
    if not places:
        raise InvalidData(
            f"{root} has no keep.npy, and no directory in it has one. That file says which examples a run was trained on."
        )
    member: list[Bool[ndarray, " example"]] = []
    parts: list[dict[str, NDArray[np.float32]]] = []
    for place in places:
        keep, source = _keep(place / "keep.npy", stacked=whole), _source(place, labels)
        values = _load(source)
        if values.shape[: keep.ndim] != keep.shape:
            raise InvalidData(
                f"{source} is {values.shape}, and keep.npy is {keep.shape}. Both begin with the same axes."
            )
        for one, kept in zip(values, keep, strict=True) if whole else [(values, keep)]:
            parts.append(
                _of_logits(one, labels, source) if _is_logits(source) and labels is not None else _of_scores(one)
            )
            member.append(kept)
    shapes = {(kept.shape, part["loss"].shape, tuple(part)) for kept, part in zip(member, parts, strict=True)}
    if len(shapes) > 1:
        raise InvalidData(f"The runs in {root} differ in examples, views or files: {sorted(shapes)}. Read alike ones.")
    columns = {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    columns = {name: values[:, 0] if values.shape[1] == 1 else values for name, values in columns.items()}
    return ColumnArrays(np.arange(len(member[0])), {"member": np.stack(member), **columns})


def _load(path: Path) -> NDArray[Any]:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InvalidData(
            f"{path} is not an array of plain numbers ({error}). Write it again with numpy.save."
        ) from None


def _keep(path: Path, *, stacked: bool) -> Bool[ndarray, "*runs example"]:
    keep = _load(path)
    if keep.ndim != 1 + stacked or not keep.size or not np.isin(keep, (0, 1)).all():
        shape = "[run example]" if stacked else "[example]"
        raise InvalidData(
            f"{path} is {keep.dtype}{keep.shape}, not a flag for each of {shape}. Write 1 where the run was trained on the example, and 0 where it was not."
        )
    return keep.astype(np.bool_)


def _source(place: Path, labels: Int[ndarray, " example"] | None) -> Path:
    kinds = ("logits", "scores") if labels is not None else ("scores", "logits")
    for kind in kinds:
        found = (
            [place / f"{kind}.npy"]
            if (place / f"{kind}.npy").exists()
            else sorted((place / kind).glob("*.npy"), key=lambda path: natural(path.name))
        )
        if found and (kind == "scores" or labels is not None):
            return found[-1]
        if found:
            raise InvalidData(
                f"{found[-1]} holds logits, which need labels. Give `labels`, or put y_train.npy beside the runs."
            )
    raise InvalidData(
        f"{place} has a keep.npy, but no scores.npy, logits.npy, scores/ or logits/. Put one of them there."
    )


def _is_logits(path: Path) -> bool:
    return "logits" in (path.stem, path.parent.name)


def _of_scores(scores: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
    """Return loss and confidence, `[view example]`, of log(p / (1 - p)) over `[example ...]`."""
    with np.errstate(invalid="ignore"):
        loss = np.logaddexp(0, -scores.reshape(len(scores), -1).T.astype(np.float64)).astype(np.float32)
    return {"loss": loss, "confidence": np.exp(-loss)}


def _of_logits(logits: NDArray[Any], labels: Int[ndarray, " example"], path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the columns that logits over `[example ... class]` give for the labels, `[view example]`; small losses are exact."""
    if logits.ndim < 2 or len(labels) != len(logits):
        raise InvalidData(
            f"{path} has logits {logits.shape} a run, and there are {len(labels)} labels. Both are over the same examples, and classes come last."
        )
    classes = logits.shape[-1]
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= classes:
        raise InvalidData(
            f"{path} has {classes} classes, and the labels are {labels.dtype} from {labels.min()} to {labels.max()}. Give indices of the classes."
        )
    z = logits.reshape(len(logits), -1, classes).astype(np.float64)
    at = np.broadcast_to(np.asarray(labels, np.int64)[:, None, None], (*z.shape[:2], 1))
    own = np.take_along_axis(z, at, axis=2)[..., 0].T
    np.put_along_axis(z, at, -np.inf, axis=2)
    rival = z.max(axis=2).T
    with np.errstate(invalid="ignore"):
        against = rival + np.log(np.exp(z.transpose(1, 0, 2) - rival[..., None]).sum(axis=2))
        margin, loss = own - rival, np.logaddexp(0, against - own)
    columns = {
        "loss": loss,
        "confidence": np.exp(-loss),
        "margin": margin,
        "correct": np.where(np.isnan(margin), np.nan, margin > 0),
    }
    return {name: values.astype(np.float32) for name, values in columns.items()}
