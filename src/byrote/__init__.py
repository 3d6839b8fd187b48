"""byrote: measure, explain and control memorization in deep networks.

Names are imported when they are first used, so that `import byrote` and `byrote --help` are fast.
"""

from typing import TYPE_CHECKING

from byrote.lazy import lazy
from byrote.version import __version__ as __version__

if TYPE_CHECKING:
    from byrote.auditing import audit as audit
    from byrote.controls.own_thermostat import Thermostat as Thermostat
    from byrote.controls.own_thermostat import wrong_labels as wrong_labels
    from byrote.errors import ByroteError as ByroteError
    from byrote.evidence.c_profile import c_profile as c_profile
    from byrote.evidence.columns import per_run as per_run
    from byrote.evidence.evaluate import Values as Values
    from byrote.evidence.evaluate import evaluate as evaluate
    from byrote.evidence.evaluate import guess as guess
    from byrote.evidence.evaluate import pairs as pairs
    from byrote.evidence.groups import memorized_groups as memorized_groups
    from byrote.evidence.reliability import reliability as reliability
    from byrote.experiments.compare import Comparison as Comparison
    from byrote.experiments.compare import compare as compare
    from byrote.experiments.compare_audits import compare_audits as compare_audits
    from byrote.experiments.held import train as train
    from byrote.experiments.memorize import memorize as memorize
    from byrote.experiments.model_causes import model_causes as model_causes
    from byrote.experiments.onion import peel as peel
    from byrote.experiments.removal import remove as remove
    from byrote.findings.as_table import as_table as as_table
    from byrote.findings.example_table import example_table as example_table
    from byrote.inputs.estimators import estimator_task as estimator_task
    from byrote.inputs.opening import open_task as open_task
    from byrote.inputs.reading import Reading as Reading
    from byrote.integrations.scikit_learn import MemoryClassifier as MemoryClassifier
    from byrote.objectives import Classification as Classification
    from byrote.objectives import Multilabel as Multilabel
    from byrote.objectives import Regression as Regression
    from byrote.objectives import Tokens as Tokens
    from byrote.probes import ask as ask
    from byrote.record import Record as Record
    from byrote.recorder import DistributedRecorder as DistributedRecorder
    from byrote.recorder import Recorder as Recorder
    from byrote.recorder import own_runs as own_runs
    from byrote.recorder import with_ids as with_ids
    from byrote.report import write_comparison as write_comparison
    from byrote.report import write_memorized as write_memorized
    from byrote.report import write_report as write_report
    from byrote.signature import probe as probe
    from byrote.signature import score as score
    from byrote.task.canaries import Canaries as Canaries
    from byrote.task.designs import KFold as KFold
    from byrote.task.designs import LeaveGroupOut as LeaveGroupOut
    from byrote.task.designs import LeaveOneOut as LeaveOneOut
    from byrote.task.designs import Subsets as Subsets
    from byrote.task.designs import halves as halves
    from byrote.task.examples import Examples as Examples
    from byrote.task.fit import Fit as Fit
    from byrote.task.recipe import Recipe as Recipe
    from byrote.task.schedule import Schedule as Schedule
    from byrote.task.schedule import cosine as cosine
    from byrote.task.schedule import linear as linear
    from byrote.task.signals import Signals as Signals
    from byrote.task.task import Task as Task
    from byrote.training.collect import collect as collect
    from byrote.training.compute import Compute as Compute
    from byrote.training.models import read_model as read_model

_HOME = {
    "audit": "auditing",
    "Thermostat": "controls.own_thermostat",
    "wrong_labels": "controls.own_thermostat",
    "ByroteError": "errors",
    "c_profile": "evidence.c_profile",
    "per_run": "evidence.columns",
    "evaluate": "evidence.evaluate",
    "guess": "evidence.evaluate",
    "pairs": "evidence.evaluate",
    "Values": "evidence.evaluate",
    "memorized_groups": "evidence.groups",
    "reliability": "evidence.reliability",
    "compare": "experiments.compare",
    "Comparison": "experiments.compare",
    "compare_audits": "experiments.compare_audits",
    "train": "experiments.held",
    "memorize": "experiments.memorize",
    "model_causes": "experiments.model_causes",
    "peel": "experiments.onion",
    "remove": "experiments.removal",
    "estimator_task": "inputs.estimators",
    "as_table": "findings.as_table",
    "example_table": "findings.example_table",
    "open_task": "inputs.opening",
    "Reading": "inputs.reading",
    "MemoryClassifier": "integrations.scikit_learn",
    "Classification": "objectives",
    "Multilabel": "objectives",
    "Regression": "objectives",
    "Tokens": "objectives",
    "ask": "probes",
    "Record": "record",
    "DistributedRecorder": "recorder",
    "Recorder": "recorder",
    "own_runs": "recorder",
    "with_ids": "recorder",
    "write_comparison": "report",
    "write_memorized": "report",
    "write_report": "report",
    "probe": "signature",
    "score": "signature",
    "Canaries": "task.canaries",
    "Subsets": "task.designs",
    "halves": "task.designs",
    "KFold": "task.designs",
    "LeaveOneOut": "task.designs",
    "LeaveGroupOut": "task.designs",
    "Examples": "task.examples",
    "Fit": "task.fit",
    "Recipe": "task.recipe",
    "Schedule": "task.schedule",
    "cosine": "task.schedule",
    "linear": "task.schedule",
    "Signals": "task.signals",
    "Task": "task.task",
    "collect": "training.collect",
    "Compute": "training.compute",
    "read_model": "training.models",
}

__getattr__, __dir__ = lazy(__name__, _HOME, globals())
