"""Where a trained network keeps what it memorized, Maini et al., 2023, arXiv:2307.09542.

Four analyses of one model, each in its own file. Each compares examples that are known to be memorized (mislabeled ones
that it was trained on, as its canaries are) with clean ones. None of them changes the model.
"""

from byrote.locate.accounting import Accounted as Accounted
from byrote.locate.accounting import gradient_accounting as gradient_accounting
from byrote.locate.examples import Labelled as Labelled
from byrote.locate.examples import memorized_and_clean as memorized_and_clean
from byrote.locate.layers import layers as layers
from byrote.locate.neurons import CriticalNeurons as CriticalNeurons
from byrote.locate.neurons import critical_neurons as critical_neurons
from byrote.locate.retraining import Retrained as Retrained
from byrote.locate.retraining import layer_retraining as layer_retraining
from byrote.locate.rewinding import Rewound as Rewound
from byrote.locate.rewinding import layer_rewinding as layer_rewinding
from byrote.locate.survey import Layer as Layer
from byrote.locate.survey import NeuronSurvey as NeuronSurvey
from byrote.locate.survey import Survey as Survey
from byrote.locate.survey import locate as locate
from byrote.locate.survey import locate_neurons as locate_neurons
from byrote.training.replay import Checkpoint as Checkpoint
from byrote.training.replay import checkpoints as checkpoints
from byrote.training.replay import replay as replay
