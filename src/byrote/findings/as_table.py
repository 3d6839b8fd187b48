"""Any result that is a table, as an Arrow table, which all libraries of data frames read."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, cast

import pyarrow as pa

from byrote.errors import InvalidData
from byrote.experiments.compare import Comparison
from byrote.experiments.compare_audits import AuditChange
from byrote.experiments.held import Held
from byrote.experiments.memorize import Memorized
from byrote.experiments.model_causes import ModelCauses
from byrote.experiments.onion import Onion
from byrote.findings.comparison import comparison_rows, example_rows
from byrote.findings.example_table import example_table
from byrote.findings.held import held_rows
from byrote.findings.model_causes import causes_rows
from byrote.findings.removed import onion_rows
from byrote.findings.wanted_rows import memorize_rows
from byrote.membership.attacks import Membership, attack_table
from byrote.record import Record
from byrote.record.arrow import rows_table
from byrote.stats.estimate import Estimate

ROWS: dict[type, Any] = {
    AuditChange: example_rows,
    Comparison: comparison_rows,
    Held: held_rows,
    Membership: attack_table,
    Memorized: memorize_rows,
    ModelCauses: causes_rows,
    Onion: onion_rows,
}
"""What makes rows of a result, by its class."""

KNOWN = "a record, values, an attack's values, a memory, a comparison, causes, or a list of suggestions or explanations"


def as_table(found: Any) -> pa.Table:
    """Return a result as a pyarrow.Table: `polars.DataFrame(table)`, `table.to_pandas()`, `datasets.Dataset(table)`.

    A record has a row per example (see `example_table`), a comparison one per arm, two compared audits one per example,
    causes of a model one per factor; lists of suggestions, explanations or rows have one per entry. An estimate is three
    columns: its value, and the `low` and `high` end of its interval. Undefined values are null. Raises InvalidData for what
    is no table.
    """
    if isinstance(found, Record):
        return example_table(found)
    if type(found) in ROWS:
        return rows_table(ROWS[type(found)](found))
    if hasattr(found, "__arrow_c_stream__"):
        return pa.table(found)
    if isinstance(found, list | tuple):
        return rows_table([_row(each) for each in cast("Iterable[object]", found)])
    raise InvalidData(f"{type(found).__name__} is no table. Give {KNOWN}.")


def _row(entry: Any) -> Mapping[str, Any]:
    """Return what a row or a dataclass holds in plain values; what is neither text, number nor estimate is left out."""
    if isinstance(entry, Mapping):
        return cast("Mapping[str, Any]", entry)
    if not is_dataclass(entry):
        raise InvalidData(f"A list of {type(entry).__name__} is no table. Give {KNOWN}.")
    row: dict[str, Any] = {}
    for name in (field.name for field in fields(entry)):
        value = getattr(entry, name)
        if isinstance(value, Estimate):
            row |= value.cells(name)
        elif value is None or isinstance(value, str | int | float):
            row[name] = value
    return row
