"""Settings and versions: how the record was made, and the command that repeats it."""

from dataclasses import dataclass

from byrote.findings.findings import Findings
from byrote.findings.vocabulary import Vocabulary
from byrote.record import Record
from byrote.report.sections.section import Section
from byrote.report.settings import SettingsTable, command, settings


@dataclass(frozen=True)
class Provenance:
    """The command that repeats the audit (None: a program of the user's own), and tables of settings."""

    command: str | None
    tables: tuple[SettingsTable, ...]
    words: Vocabulary


def read_provenance(record: Record, found: Findings) -> Section:
    """Return the settings of the record."""
    content = Provenance(command(record), settings(record, found), found.words)
    return Section("settings", "Settings", "Settings and versions", content)
