"""The models that tables and texts get by themselves, and recipes that grow with the data. All can be trained in packs."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from byrote.task.recipe import Recipe


class Standardize(nn.Module):
    """Puts the columns of a table on one scale, inside the model, so that what is recorded are the values people know.

    Beyond about two standard deviations numbers grow like their logarithm (asinh), so that one odd value is not all a model
    sees.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, centre: Sequence[float], scale: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("centre", torch.tensor(centre, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Return `[example, column]`, around 0."""
        return torch.asinh((x - self.centre) / self.scale)


class MeanOfWords(nn.Module):
    """Gives each text the mean of the vectors of its words; token 0 fills texts up, and counts for nothing."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return `[example, width]` from token ids `[example, position]`."""
        there = (tokens > 0).unsqueeze(-1).to(self.words.weight.dtype)
        return (self.words(tokens) * there).sum(1) / there.sum(1).clamp_min(1)


def table_network(
    centre: Sequence[float], scale: Sequence[float], outputs: int, *, width: int = 64, depth: int = 2
) -> nn.Module:
    """Return a perceptron of `depth` layers of `width` units over standardized columns."""
    return nn.Sequential(Standardize(centre, scale), *_dense(len(centre), width, depth, outputs))


def text_network(vocabulary: int, outputs: int, *, width: int = 64, depth: int = 1) -> nn.Module:
    """Return a perceptron over the mean of word vectors of `width` numbers."""
    return nn.Sequential(MeanOfWords(vocabulary, width), *_dense(width, 2 * width, depth, outputs))


def perceptron_recipe(examples: int) -> Recipe:
    """Return a recipe that suits so many training examples: batches grow with their square root, and passes get fewer.

    On tables of 140 to 700 rows (benchmarks of scikit-learn, and one with half of its labels by chance) three times the passes
    in half the batches fitted more training rows, and fewer test rows.
    """
    batch = min(1024, max(32, 1 << round(examples**0.5).bit_length() - 1))
    return Recipe(epochs=min(20, max(5, 2000 // batch)), batch_size=batch, learning_rate=0.003)


def _dense(inputs: int, width: int, depth: int, outputs: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for at in range(depth):
        layers += [nn.Linear(width if at else inputs, width), nn.ReLU()]
    return [*layers, nn.Linear(width if depth else inputs, outputs)]
