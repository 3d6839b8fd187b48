"""Layer rewinding, Maini et al., 2023, arXiv:2307.09542 (after Zhang et al., 2019, arXiv:1902.01996)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import nn

from byrote.locate.examples import Labelled, correct, difference, share
from byrote.locate.layers import layers, with_layer
from byrote.stats.estimate import Estimate
from byrote.training.replay import Checkpoint


@dataclass(frozen=True)
class Rewound:
    """What the final model gets right with one layer as it was after `epoch`: 0 is before training.

    `memorized` and `clean` are shares from 0 to 1, and `gap` is clean minus memorized: far above 0 where the layer's later
    training serves the memorized examples and not the others. Intervals are over examples.
    """

    layer: str
    epoch: int
    memorized: Estimate
    clean: Estimate
    gap: Estimate


def layer_rewinding(
    model: nn.Module,
    earlier: Iterable[Checkpoint],
    memorized: Labelled,
    clean: Labelled,
    *,
    modules: Sequence[str] | None = None,
    level: float = 0.9,
) -> tuple[Rewound, ...]:
    """Put one layer of the trained model back to an earlier state and see what is lost, for each layer and checkpoint.

    A layer is its weights and buffers (as `layers` has them); all others stay as they ended. Rows come checkpoint by
    checkpoint, each in the order of the layers. Checkpoints are read one at a time, so a generator will do; beside the
    model there is one copy of it. Raises InvalidData for checkpoints of another model and for sets without examples.

    It misleads where clean accuracy falls as well: the layer then no longer fits the others, which says nothing of where
    anything is stored. A layer that can be rewound without loss may still store the examples, if others store them too.
    The interval takes the model as given; repeat it over runs before saying that a layer stands out.
    """
    groups = layers(model, modules)
    rows: list[Rewound] = []
    for checkpoint in earlier:
        source = checkpoint.model.state_dict()
        for name, keys in groups.items():
            changed = with_layer(model, source, keys)
            known, ordinary = (correct("layer_rewinding", changed, examples) for examples in (memorized, clean))
            gap = difference(ordinary, known, level)
            rows.append(Rewound(name, checkpoint.epoch, share(known, level), share(ordinary, level), gap))
    return tuple(rows)
