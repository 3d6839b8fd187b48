"""Label Studio: doubtful labels as tasks with predictions (format of 1.x and 2.x), for people to decide."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from byrote.errors import Unsupported
from byrote.integrations.suspects import Suspect, export_folder, read_suspects, write_pictures
from byrote.record import Population, Record
from byrote.record.display import channels
from byrote.report.table_columns import spelled
from byrote.report.table_rows import cells_of

LABEL, DECISION, SHOWN = "label", "decision", "example"
"""The names of the two questions and of what is shown, in the labeling interface and in what comes back."""

LEAVE_OUT = "leave out"
"""The answer that takes an example out of training."""

TAGS = {
    "picture": '<Image name="example" value="$image"/>',
    "text": '<Text name="example" value="$text"/>',
    "table": '<Table name="example" value="$table"/>',
    "signal": '<TimeSeries name="example" value="$signal" valueType="json" timeColumn="time">{}</TimeSeries>',
}
"""What shows an example of each kind."""


def export(record: Record, directory: Path | str, *, split: str = "train", top: int | None = None) -> int:
    """Write the label issues of a record, or the `top` most doubtful labels, as tasks for Label Studio; return how many.

    `directory` gets tasks.json to import, config.xml for the labeling interface of the project, and for pictures images/
    with PNG files, which tasks name as local files below the folder that holds `directory`. An earlier export of the same
    examples there is replaced, but for pictures, which a project may show already. A task has the id of the
    example, both classes and the numbers behind them, and as its prediction the class that models not trained on the example
    name, with the share that agree as its score. Two questions are asked: which label is right, and whether to leave
    the example out; `byrote.integrations.label_studio_decisions` reads the answers. Raises Unsupported for examples of which
    the record keeps nothing to show and for other objectives, InvalidData where the folder holds anything else.
    """
    population = record.population
    kind = "text" if population.texts is not None else population.display.kind
    if kind not in TAGS:
        raise Unsupported(f"{record.directory} keeps no pictures, texts, rows or signals that Label Studio could show.")
    found = read_suspects(record, split=split, top=top, issues=True)
    folder = export_folder(record, directory, "label-studio")
    if kind == "picture":
        shown = [_local(folder, name) for name in write_pictures(record, found, folder / "images")]
    else:
        shown = _shown(population, kind, [each.judged.position for each in found])
    key = "image" if kind == "picture" else kind
    tasks = [_task(each, {key: data}) for each, data in zip(found, shown, strict=True)]
    (folder / "tasks.json").write_text(json.dumps(tasks, indent=2) + "\n", encoding="utf-8")
    (folder / "config.xml").write_text(
        interface(record.classes, kind, _channels(population) if kind == "signal" else ()), encoding="utf-8"
    )
    return len(tasks)


def interface(classes: Sequence[str], kind: str, names: Sequence[str] = ()) -> str:
    """Return the labeling interface as XML; `names` are the channels of signals."""
    lines = "".join(f"<Channel column={quoteattr(name)} displayName={quoteattr(name)}/>" for name in names)
    choices = "\n".join(f"    <Choice value={quoteattr(name)}/>" for name in classes)
    return f"""<View>
  <Header value="$question"/>
  {TAGS[kind].format(lines) if kind == "signal" else TAGS[kind]}
  <Choices name="{LABEL}" toName="{SHOWN}" choice="single" showInline="true">
{choices}
  </Choices>
  <Choices name="{DECISION}" toName="{SHOWN}" choice="single">
    <Choice value="{LEAVE_OUT}"/>
  </Choices>
</View>
"""


def _task(each: Suspect, shown: dict[str, Any]) -> dict[str, Any]:
    judged, opinion = each.judged, "no model can judge it"
    if each.predicted is not None:
        agree = round(judged.agreement * judged.models)
        opinion = f"{agree} of {judged.models} models that were not trained on it say {each.predicted}"
    data = {
        "example_id": judged.id,
        "question": f"Labelled {each.given}; {opinion}. Which is right?",
        "given_label": each.given,
        "predicted_label": each.predicted,
        **each.numbers(),
        **shown,
    }
    if each.predicted is None:
        return {"data": data}
    choice = {"from_name": LABEL, "to_name": SHOWN, "type": "choices", "value": {"choices": [each.predicted]}}
    prediction = {"model_version": "byrote", "score": float(judged.agreement), "result": [choice]}
    return {"data": data, "predictions": [prediction]}


def _local(folder: Path, name: str) -> str:
    """Return the name of a local file: its path in LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT, which holds the folder."""
    return f"/data/local-files/?d={quote(f'{folder.resolve().name}/images/{name}')}"


def _channels(population: Population) -> Sequence[str]:
    """Return the names of the channels of signals; numbered where they have none."""
    display = population.display
    return display.columns or [f"channel {at}" for at in range((display.shape or (0,))[0])]


def _shown(population: Population, kind: str, positions: Sequence[int]) -> list[Any]:
    """Return texts as they are, rows as a dict by column, and signals as lists by channel."""
    texts = population.texts
    if texts is not None:
        return [texts[at] for at in positions]
    if kind == "table":
        rows = [(cell, cell.values(population.inputs[list(positions)])) for cell in cells_of(population)]
        return [
            {cell.name: spelled(cell, float(values[row])) for cell, values in rows} for row in range(len(positions))
        ]
    signals = channels(population.inputs, population.display)
    names, time = _channels(population), list(range(signals.shape[2]))
    return [{"time": time, **dict(zip(names, signals[at].tolist(), strict=True))} for at in positions]
