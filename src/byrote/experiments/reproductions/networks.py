"""The networks of the experiments, by a text: `256` or `4096,4096` (units of hidden layers), `alexnet`."""

import math
from typing import Any

from torch import nn

from byrote.errors import InvalidData


def network(name: str, shape: tuple[int, ...], outputs: int = 10, *, dropout: float | None = None) -> nn.Module:
    """Return a fresh network; `dropout` puts a dropout layer behind each hidden dense layer.

    `alexnet` is the small AlexNet of Zhang et al. and Arpit et al. (two convolutions of 200 5x5 filters, each with batch
    normalization and 3x3 max pooling, dense layers of 384 and 192 units), for images of at least 28x28.
    """
    if name == "alexnet":
        return small_alexnet(shape, outputs, dropout=dropout)
    try:
        widths = [int(width) for width in name.split(",")]
    except ValueError:
        raise InvalidData(
            f"There is no network {name!r}. Give alexnet, or widths of hidden layers: '512,512'."
        ) from None
    return perceptron(shape, outputs, widths, dropout=dropout)


def perceptron(shape: tuple[int, ...], outputs: int, widths: list[int], *, dropout: float | None = None) -> nn.Module:
    """Return dense layers with rectified units."""
    layers: list[nn.Module] = [nn.Flatten()]
    before = math.prod(shape)
    for width in widths:
        layers += [nn.Linear(before, width), nn.ReLU(), *([] if dropout is None else [nn.Dropout(dropout)])]
        before = width
    return nn.Sequential(*layers, nn.Linear(before, outputs))


class Crop(nn.Module):
    """Cuts two pixels off each side."""

    def forward(self, x: Any) -> Any:
        """Return the middle of the images."""
        return x[..., 2:-2, 2:-2]


def small_alexnet(shape: tuple[int, ...], outputs: int, *, dropout: float | None = None) -> nn.Module:
    """Return the small AlexNet for colour images `[3, height, width]`; raise InvalidData for others."""
    if len(shape) != 3 or min(shape[1:]) < 28:
        raise InvalidData(f"The small AlexNet takes images [colour, height, width] of at least 28x28, not {shape}.")
    side = [(((edge - 4) // 3) // 3) for edge in shape[1:]]
    drop = [] if dropout is None else [nn.Dropout(dropout)]
    return nn.Sequential(
        Crop(),
        nn.Conv2d(shape[0], 200, 5, padding=2), nn.BatchNorm2d(200), nn.ReLU(), nn.MaxPool2d(3),
        nn.Conv2d(200, 200, 5, padding=2), nn.BatchNorm2d(200), nn.ReLU(), nn.MaxPool2d(3),
        nn.Flatten(),
        nn.Linear(200 * side[0] * side[1], 384), nn.BatchNorm1d(384), nn.ReLU(), *drop,
        nn.Linear(384, 192), nn.BatchNorm1d(192), nn.ReLU(), *drop,
        nn.Linear(192, outputs),
    )  # fmt: skip
