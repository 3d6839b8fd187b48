"""Quantities: numbers written with one unit in every cell, such as EUR 12.50, $3 or 30 %, without it."""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from byrote.inputs.arrow import compute

MONEY = r"(?:[A-Z]{0,2}[$€£¥₹]|EUR|USD|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|KRW|SGD|HKD|TRY|ILS)"
MEASURE = r"(?:[%‰]|°[CF]?| (?:[gtmlsh]|[kKV]?[WVAJN])|(?: ?(?:mg|kg|mm|cm|km|ml|cl|dl|min|ms|kW|kWh|MWh|kB|MB|GB|kcal|mph|ft|lb|lbs|oz|m²|m2|km²|m³)))"
BEFORE = rf"^(?P<sign>[+-]?)(?P<unit>{MONEY}) ?(?P<number>[+-]?[\d.,]*\d)$"
AFTER = rf"^(?P<sign>)(?P<number>[+-]?[\d.,]*\d)(?P<unit> ?{MONEY}| ?{MEASURE})$"


@dataclass(frozen=True, eq=False)
class Quantities:
    """The cells without the `unit` that all of them have."""

    cells: pa.Array
    unit: str


def quantities(cells: pa.Array, there: NDArray[np.bool_]) -> Quantities | None:
    """Return the cells without their unit; None unless all that are `there` are a number with the same unit."""
    first = cells[int(np.argmax(there))].as_py() if there.any() else ""
    for pattern in (BEFORE, AFTER):
        if not re.match(pattern, first):
            continue
        found = compute.extract_regex(cells, pattern)
        known = found.is_valid().to_numpy(zero_copy_only=False)
        units = set(compute.utf8_trim_whitespace(found.field("unit").filter(pa.array(known))).to_pylist())
        if known[there].all() and len(units) == 1:
            bare = compute.binary_join_element_wise(
                found.field("sign"), found.field("number"), pa.scalar("", cells.type)
            )
            return Quantities(compute.if_else(pa.array(known), bare, cells), units.pop())
    return None
