"""FiftyOne: pictures with their labels as a dataset folder, `fiftyone.types.FiftyOneDataset` (read by 0.8 to 1.22)."""

import json
from pathlib import Path
from typing import Any

from byrote.errors import Unsupported
from byrote.integrations.suspects import Suspect, export_folder, read_suspects, write_pictures
from byrote.record import Record

TAG = "label issue"
"""The tag of examples whose label contradicts the others: the button to click in the app."""


def export(record: Record, directory: Path | str, *, split: str = "train", top: int | None = None) -> int:
    """Write pictures, labels and what models say of them as a folder that FiftyOne reads; return how many samples it has.

    `directory` gets samples.json, metadata.json and data/ with a PNG per example, all of the split or the `top` most
    doubtful, these first; an earlier export of the same examples there is replaced. `ground_truth` and `predictions` are
    FiftyOne's Classification, the confidence is the share of the models not trained on the example that agree, and
    `mistakenness` is FiftyOne's own of it, with c the agreement: (1 + c) / 2 where the prediction differs from the label,
    else (1 - c) / 2. `shrunk_memorization` (`memorization` where
    that has no evidence) comes with its interval, and `models` is how many were not trained on the example. Label issues
    have the tag "label issue". Raises Unsupported for examples that are no pictures and for other objectives, InvalidData
    where the folder holds anything else, MissingEvidence where no label can be judged.
    """
    if record.population.display.kind != "picture":
        raise Unsupported(
            f"FiftyOne shows pictures, and examples of {record.directory} are {record.population.display.kind or 'other data'}. Export to cleanlab or label-studio."
        )
    found = read_suspects(record, split=split, top=top)
    folder = export_folder(record, directory, "fiftyone")
    names = write_pictures(record, found, folder / "data")
    samples = [_sample(each, f"data/{name}", split) for each, name in zip(found, names, strict=True)]
    about = {
        "media_type": "image",
        "info": {"default_classes": list(record.classes)},
    }  # without a version: no migration
    (folder / "metadata.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    (folder / "samples.json").write_text(json.dumps({"samples": samples}, indent=2) + "\n", encoding="utf-8")
    return len(samples)


def _sample(each: Suspect, path: str, split: str) -> dict[str, Any]:
    sample: dict[str, Any] = {
        "filepath": path,
        "tags": [split, *([TAG] if each.judged.is_label_issue else [])],
        "example": each.judged.id,
        "ground_truth": {"_cls": "Classification", "label": each.given},
        "is_label_issue": each.judged.is_label_issue,
        **each.numbers(),
    }
    if each.predicted is not None:
        agreement = float(each.judged.agreement)
        sign = 1 if each.predicted != each.given else -1
        sample["predictions"] = {"_cls": "Classification", "label": each.predicted, "confidence": agreement}
        sample["mistakenness"] = (1 + sign * agreement) / 2
    return sample
