"""Arpit et al., 2017, "A Closer Look at Memorization in Deep Networks", arXiv:1706.05394: a file for each figure."""

from byrote.experiments.reproductions.arpit.capacity import CAPACITY
from byrote.experiments.reproductions.arpit.critical_samples import CRITICAL_SAMPLES
from byrote.experiments.reproductions.arpit.easy_examples import EASY_EXAMPLES
from byrote.experiments.reproductions.arpit.loss_sensitivity import LOSS_SENSITIVITY
from byrote.experiments.reproductions.arpit.patterns_first import PATTERNS_FIRST
from byrote.experiments.reproductions.arpit.regularizers import REGULARIZERS
from byrote.experiments.reproductions.arpit.time_to_fit import TIME_TO_FIT

FIGURES = (
    EASY_EXAMPLES,
    LOSS_SENSITIVITY,
    CAPACITY,
    TIME_TO_FIT,
    PATTERNS_FIRST,
    CRITICAL_SAMPLES,
    REGULARIZERS,
)
