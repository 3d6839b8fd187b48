"""Built-in models: small convolutional networks for images and for signals, a perceptron for everything else."""

import math
from collections.abc import Callable, Iterator
from functools import partial

from torch import Tensor, nn

from byrote.errors import InvalidData

STRETCHES = 16
"""Parts of the time over which the network for signals takes means."""


class Images(nn.Module):
    """Puts the channel axis of grey images in place, so that convolutions can read `[example, height, width]` too."""

    def forward(self, x: Tensor) -> Tensor:
        """Return `[example, channel, height, width]`."""
        return x.unsqueeze(1) if x.ndim == 3 else x


class Signals(nn.Module):
    """Puts the channel axis of signals of one channel in place, so that convolutions can read `[example, time]` too."""

    def forward(self, x: Tensor) -> Tensor:
        """Return `[example, channel, time]`."""
        return x.unsqueeze(1) if x.ndim == 2 else x


def cnn(shape: tuple[int, ...], classes: int, *, width: int = 16, depth: int = 1) -> nn.Module:
    """Return two strided convolutions and two dense layers: 410,000 weights for 28x28 grey images and 10 classes.

    `width` is the number of channels of the first convolution, which all other widths are multiples of, and `depth` the
    number of hidden dense layers. Strides in place of pooling halve the time of an update on a CPU and cost no accuracy
    on Fashion-MNIST. Raises InvalidData for a width below 1 or a depth below 0.
    """
    _check_size(width, depth)
    channels, (height, wide) = (shape[0] if len(shape) == 3 else 1), shape[-2:]
    return nn.Sequential(
        Images(),
        nn.Conv2d(channels, width, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        *_dense(2 * width * -(-height // 4) * -(-wide // 4), 16 * width, depth, classes),
    )


def signal_cnn(shape: tuple[int, ...], classes: int, *, width: int = 32, depth: int = 1) -> nn.Module:
    """Return three strided convolutions over time, means over 16 stretches of it, and two dense layers.

    Signals are `[channel, time]` or `[time]`, and each channel is standardized first, by all values of a batch. About
    89,000 weights for one channel and 10 classes, whatever the length. `width` is the number of channels of the first
    convolution, `depth` the number of hidden dense layers. Raises InvalidData for a width below 1 or a depth below 0.
    """
    _check_size(width, depth)
    channels = shape[0] if len(shape) == 2 else 1
    return nn.Sequential(
        Signals(),
        nn.BatchNorm1d(channels, affine=False),
        nn.Conv1d(channels, width, 7, stride=2, padding=3),
        nn.ReLU(),
        nn.Conv1d(width, 2 * width, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv1d(2 * width, 2 * width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(STRETCHES),
        nn.Flatten(),
        *_dense(2 * width * STRETCHES, 2 * width, depth, classes),
    )


def mlp(shape: tuple[int, ...], classes: int, *, width: int = 512, depth: int = 1) -> nn.Module:
    """Return `depth` hidden layers of `width` rectified units; inputs of any shape are flattened.

    Depth 0 is a linear model. Raises InvalidData for a width below 1 or a depth below 0.
    """
    _check_size(width, depth)
    return nn.Sequential(nn.Flatten(), *_dense(math.prod(shape), width, depth, classes))


def suited(shape: tuple[int, ...], classes: int, *, kind: str = "") -> Callable[[], nn.Module]:
    """Return a factory of the model that suits inputs of this shape: the CNN for images of 8x8 and more, else the perceptron.

    `kind` is that of the examples' `display`: a "signal" gets the CNN for signals, whose shape may look like an image's.
    The factory takes `width` and `depth` too, which the controls of these names set.
    """
    if kind == "signal":
        return partial(signal_cnn, shape, classes)
    images = (len(shape) == 2 or (len(shape) == 3 and shape[0] in (1, 3))) and min(shape[-2:]) >= 8
    return partial(cnn if images else mlp, shape, classes)


def _dense(inputs: int, hidden: int, depth: int, outputs: int) -> Iterator[nn.Module]:
    """Yield `depth` hidden layers of rectified units and a last layer, in the order in which their weights are drawn."""
    for _ in range(depth):
        yield nn.Linear(inputs, hidden)
        yield nn.ReLU()
        inputs = hidden
    yield nn.Linear(inputs, outputs)


def _check_size(width: int, depth: int) -> None:
    for name, value, least in (("width", width, 1), ("depth", depth, 0)):
        if value < least:
            raise InvalidData(f"A model with {name}={value} cannot be built. Give {least} or more.")
