"""The door for a training loop of your own: three lines in it, and the same record on disk as any other."""

from byrote.recorder.distributed import DistributedRecorder as DistributedRecorder
from byrote.recorder.ids import WithIds as WithIds
from byrote.recorder.ids import with_ids as with_ids
from byrote.recorder.own_runs import OwnRun as OwnRun
from byrote.recorder.own_runs import own_runs as own_runs
from byrote.recorder.recorder import Recorder as Recorder
