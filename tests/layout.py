"""What a hand-written record of a classification needs beside its numbers."""

from byrote.objectives import Classification
from byrote.record import TYPES, Layout

LAYOUT = Layout.of(Classification())
BASE_COLUMNS = {name: TYPES[kind] for name, kind in Classification().columns().items()}
MANIFEST = {"objective": "classification(classes=2)", "inputs": [], **LAYOUT.values()}
"""The fields of record.json that say what the columns are."""


def run_settings(run: int, key: str = "", **more: object) -> dict[str, object]:
    """Return the settings of a run file of the record with this key."""
    return {"run": run, "key": key, **more}
