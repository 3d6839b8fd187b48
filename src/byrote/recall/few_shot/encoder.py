"""Encoder: a small convolutional network from pictures to the vectors that few-shot learners compare."""

import torch
from torch import Tensor, nn

from byrote.task.models import Images


def encoder(*, channels: int = 1, width: int = 32, blocks: int = 4) -> nn.Sequential:
    """Return four blocks of convolution, batch normalization, rectification and pooling: 28x28 pictures to `width` numbers.

    The encoder of Vinyals et al. (2016) and Snell et al. (2017), which have a width of 64. Its last block has no rectification,
    so that vectors have any sign.
    """
    layers: list[nn.Module] = [Images()]
    for block in range(blocks):
        layers += [nn.Conv2d(channels if block == 0 else width, width, 3, padding=1), nn.BatchNorm2d(width)]
        layers += [nn.ReLU()] * (block < blocks - 1) + [nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten())


@torch.no_grad()
def embed(model: nn.Module, pictures: Tensor, *, batch: int = 512) -> Tensor:
    """Return the vectors of pictures [example, ...] by the model in evaluation mode; the model is left as it was."""
    training = model.training
    model.eval()
    try:
        return torch.cat([model(part) for part in pictures.split(batch)])
    finally:
        model.train(training)
