"""Eight common claims about memorization, each with an experiment: what is commonly said is what is asserted."""

from byrote.experiments.reproductions.claims.c1_capacity import C1
from byrote.experiments.reproductions.claims.c2_regularization import C2
from byrote.experiments.reproductions.claims.c3_remedies import C3
from byrote.experiments.reproductions.claims.c4_augmentation import C4
from byrote.experiments.reproductions.claims.c5_gap import C5
from byrote.experiments.reproductions.claims.c6_removal import C6
from byrote.experiments.reproductions.claims.c7_folds import C7
from byrote.experiments.reproductions.claims.c8_early_stopping import C8

CLAIMS = (C1, C2, C3, C4, C5, C6, C7, C8)
