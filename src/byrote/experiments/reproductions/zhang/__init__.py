"""Zhang et al., 2017, "Understanding deep learning requires rethinking generalization", arXiv:1611.03530."""

from byrote.experiments.reproductions.zhang.corruption import CORRUPTION
from byrote.experiments.reproductions.zhang.random_labels import RANDOM_LABELS
from byrote.experiments.reproductions.zhang.theorem import THEOREM

FIGURES = (RANDOM_LABELS, CORRUPTION, THEOREM)
