"""Augmentation: each picture is changed at random whenever it is shown (Shorten & Khoshgoftaar, 2019, J. Big Data 6)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from byrote.controls._inputs import check_kind, drawn_from
from byrote.controls.control import MethodControl, check_knob, spelled
from byrote.errors import InvalidData, unknown
from byrote.record.inputs import each, parts
from byrote.task.fingerprint import fingerprint
from byrote.task.methods import Transform
from byrote.task.schedule import Knob
from byrote.task.task import Task

if TYPE_CHECKING:
    from torch import Tensor, nn

PADDING, TURN, SHIFT, SIZE, NOISE, TINT, AREA = 1 / 8, 15.0, 0.1, 0.25, 0.3, 0.4, 0.2
"""How far each change goes at strength 1: the shares, degrees and factors that `augment` explains."""

WARPS = ("rotate", "translate", "scale")
"""Changes that are made together in one warp, so that a picture is interpolated once."""

DIGITS = 12
"""Digits of the fingerprint of a user's function that stand in its text."""

Op = str | Callable[[Any], Any]


@dataclass(frozen=True, init=False)
class augment(MethodControl, Transform):
    """Changes each picture at random whenever it is shown, by the named changes in their order: `augment(crop, flip)`.

    `strength` scales how far each goes and how often: 0 changes nothing, and at 1, for every example by its own draw,

    - `crop` moves by up to 1/8 of the size, in whole pixels, and fills with 0 (the padding of 4 that CIFAR is trained with)
    - `flip` mirrors left and right, half of the time (never more); letters and digits are others when mirrored
    - `rotate` turns by up to 15 degrees, `translate` moves by up to 10 % of the size, `scale` enlarges or shrinks by up to
      a factor of 1.25; these three are one warp, where the first of them stands
    - `noise` adds Gaussian noise of .3 standard deviations of the batch
    - `colour` changes brightness and contrast by up to 40 %; of colour pictures saturation as much, and hue by 10 %. Pixels
      must be between 0 and 1, as those of byte pictures are
    - `erase` sets a rectangle of 2 to 20 % of the area to 0, half of the time

    A function of a batch of inputs is a change too, of any kind of data: `augment(my_function)`, such as a pipeline of
    torchvision. It gets the inputs of a batch as the model would, and returns as many of the same shape. It is done to each
    example with probability `strength`; what it draws once, it does to the whole batch. Its text has a fingerprint of its
    code in place of its name. Randomness may come from torch, NumPy or `random`: it is all set from the seed of the run.

    More data of the same kind leave less to memorize; wrong labels are learned later. It misleads where a change alters the
    class (a mirrored 2), and a strength far above 1 destroys what is to be learned: look at the accuracy.
    """

    ops: tuple[Op, ...]
    strength: Knob = field(default=1.0)  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    name: ClassVar[str] = "augment"
    strengths: ClassVar[tuple[Any, ...]] = (0.5, 1.0, 2.0)

    def __init__(self, *names: Op | Sequence[Op], ops: Sequence[Op] | Op = (), strength: Knob = 1.0) -> None:
        given: list[Op] = []
        for entry in (*names, ops):
            given += [entry] if isinstance(entry, str) or callable(entry) else entry
        object.__setattr__(self, "ops", tuple(given))
        object.__setattr__(self, "strength", strength)
        self.__post_init__()

    def __post_init__(self) -> None:
        if not self.ops:
            raise InvalidData(
                f"augment() changes nothing. Name changes, such as augment(crop, flip): {', '.join(OPS)}."
            )
        for op in self.ops:
            if not callable(op) and op not in OPS:
                raise unknown("change of a picture", str(op), OPS)
        check_knob(self, "strength", self.strength)

    def at(self, strength: Any) -> Self:
        """Return the same changes with another strength."""
        return type(self)(*self.ops, strength=strength)

    def check(self, task: Task) -> None:
        """Raise InvalidData unless the inputs are pictures, or all changes are functions of the user's own."""
        if all(map(callable, self.ops)):
            return
        check_kind(self, task, "picture")
        pixels = task.train.inputs
        if "colour" in self.ops and pixels.dtype != np.uint8 and not 0 <= pixels.min() <= pixels.max() <= 1:
            raise InvalidData(
                f"{self} changes colours of pixels from 0 to 1, and those of {task.name!r} go from {pixels.min():.3g} to {pixels.max():.3g}. "
                "Leave colour out, or scale the pictures."
            )

    def transform(self, inputs: Any, strength: float, seed: int) -> Any:
        """Return pictures `[example, (channel,) height, width]`, changed; all that is random comes from `seed`."""
        if not strength:
            return inputs
        device = next(iter(parts(inputs).values())).device
        with drawn_from(seed, device):
            for change in _changes(self.ops):
                inputs = change(inputs, strength)
        return inputs

    def __str__(self) -> str:
        words = ", ".join(op if isinstance(op, str) else f"function_{fingerprint(op)[:DIGITS]}" for op in self.ops)
        return f"{self.name}({words}, strength={spelled(self.strength)})"


def _changes(ops: Sequence[Op]) -> Iterator[Callable[[Any, float], Any]]:
    """Yield what is done to a batch, step by step; all warps are done where the first of them stands."""
    warps = [op for op in ops if op in WARPS]
    for op in ops:
        if not isinstance(op, str):
            yield lambda inputs, strength, op=op: _by_function(op, inputs, strength)
        elif op not in WARPS:
            yield OPS[op]
        elif op == warps[0]:
            yield lambda inputs, strength: _warp(inputs, strength, warps)


def _by_function(function: Callable[[Any], Any], inputs: Any, strength: float) -> Any:
    """Return what a user's function makes of the batch, for a share of the examples; raise InvalidData for another shape."""
    changed = function(each(lambda part: part.clone(), inputs))
    now, before = ({name: tuple(part.shape) for name, part in parts(x).items()} for x in (changed, inputs))
    if now != before:
        raise InvalidData(
            f"The function of augment made inputs of shape {now.get('', now)} of {before.get('', before)}. It must keep the shape."
        )
    return _some(strength, changed, inputs)


def _some(often: float, changed: Any, inputs: Any) -> Any:
    """Return the inputs, with each example changed with this probability."""
    import torch  # heavy, and not needed to describe a control

    which = torch.rand(len(next(iter(parts(inputs).values())))) < often

    def chosen(new: "Tensor", old: "Tensor") -> "Tensor":
        return torch.where(which.to(old.device).view(-1, *[1] * (old.ndim - 1)), new.to(old.dtype), old)

    return each(chosen, changed, inputs)


def _by_kornia(pictures: "Tensor", *changes: "nn.Module") -> "Tensor":
    """Return pictures `[example, (channel,) height, width]` as modules of kornia change them."""
    found = pictures.unsqueeze(1) if pictures.ndim == 3 else pictures
    for change in changes:
        found = change(found)
    return found.view(pictures.shape)


def _crop(pictures: "Tensor", strength: float) -> "Tensor":
    from kornia.augmentation import RandomCrop  # starts slowly

    height, width = pictures.shape[-2:]
    most = min(strength * PADDING, 0.5)
    across, down = (int(np.ceil(most * size)) for size in (width, height))
    moved = _by_kornia(pictures, RandomCrop((height, width), padding=(across, down), p=1.0))
    often = most * (height + width) / (across + down)  # less than a pixel is a pixel, more rarely
    return _some(often, moved, pictures)


def _flip(pictures: "Tensor", strength: float) -> "Tensor":
    from kornia.augmentation import RandomHorizontalFlip  # starts slowly

    return _by_kornia(pictures, RandomHorizontalFlip(p=min(strength, 1) / 2))


def _warp(pictures: "Tensor", strength: float, warps: Sequence[Op]) -> "Tensor":
    from kornia.augmentation import RandomAffine  # starts slowly

    turn = min(TURN * strength, 180.0) if "rotate" in warps else 0.0
    part = min(SHIFT * strength, 1.0)
    shift = (part, part) if "translate" in warps else None
    most = 1 + SIZE * strength
    size = (1 / most, most) if "scale" in warps else None
    return _by_kornia(pictures, RandomAffine(turn, shift, size, p=1.0))


def _noise(pictures: "Tensor", strength: float) -> "Tensor":
    from kornia.augmentation import RandomGaussianNoise  # starts slowly

    return _by_kornia(pictures, RandomGaussianNoise(std=NOISE * strength * float(pictures.std(correction=0)), p=1.0))


def _colour(pictures: "Tensor", strength: float) -> "Tensor":
    from kornia.augmentation import ColorJiggle, RandomBrightness, RandomContrast  # starts slowly

    far = min(TINT * strength, 1.0)
    if pictures.ndim == 4 and pictures.shape[1] == 3:
        return _by_kornia(pictures, ColorJiggle(far, far, far, far / 4, p=1.0))
    around = (1 - far, 1 + far)
    return _by_kornia(pictures, RandomBrightness(around, p=1.0), RandomContrast(around, p=1.0))


def _erase(pictures: "Tensor", strength: float) -> "Tensor":
    from kornia.augmentation import RandomErasing  # starts slowly

    area = min(AREA * strength, 0.9)
    return _by_kornia(pictures, RandomErasing((area / 10, area), p=min(strength, 1) / 2))


def _warp_alone(pictures: "Tensor", strength: float) -> "Tensor":
    raise AssertionError("warps are made together")


OPS: dict[str, Callable[["Tensor", float], "Tensor"]] = {
    "crop": _crop,
    "flip": _flip,
    **dict.fromkeys(WARPS, _warp_alone),
    "noise": _noise,
    "colour": _colour,
    "erase": _erase,
}
"""Changes of pictures by their names."""
