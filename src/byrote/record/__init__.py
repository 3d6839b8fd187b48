"""Record: what models predicted about examples, and which examples each was trained on. The layout on disk is docs/schema.md."""

from byrote.record.columns import run_path as run_path
from byrote.record.ids import check_text as check_text
from byrote.record.ids import make_id as make_id
from byrote.record.ids import make_ids as make_ids
from byrote.record.ids import name_of as name_of
from byrote.record.ids import split_of as split_of
from byrote.record.inputs import Inputs as Inputs
from byrote.record.population import Population as Population
from byrote.record.population import no_labels as no_labels
from byrote.record.population import read_pictures as read_pictures
from byrote.record.population import write_population as write_population
from byrote.record.reading import SCHEMA as SCHEMA
from byrote.record.reading import Record as Record
from byrote.record.reading import finished_runs as finished_runs
from byrote.record.reading import read_manifest as read_manifest
from byrote.record.reading import write_manifest as write_manifest
from byrote.record.run_file import KEYS as KEYS
from byrote.record.run_file import TYPES as TYPES
from byrote.record.run_file import Layout as Layout
from byrote.record.run_file import Observed as Observed
from byrote.record.run_file import Step as Step
from byrote.record.run_file import write_run as write_run
from byrote.record.run_file import writing_run as writing_run
