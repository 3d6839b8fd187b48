"""What controls of inputs share: which inputs they act on, and random draws that come from one seed."""

import random
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from byrote.controls.control import Control
from byrote.errors import InvalidData
from byrote.record.inputs import each, is_real, parts
from byrote.task.task import Task

if TYPE_CHECKING:
    import torch
    from torch import Tensor

INSTEAD = {
    "picture": "augment(crop, flip), input_noise or mixup",
    "table": "input_noise, feature_dropout, input_dropout or mixup",
    "signal": "signal_augment or mixup",
    "text": "token_dropout",
    "": "augment with a function of your own, as in augment(my_function)",
}
"""What changes inputs of each kind."""


def refused(control: Control, task: Task, what: str) -> InvalidData:
    """Return the refusal of a control that is for other inputs, which names what is for these."""
    kind = task.train.display.kind
    found = f"a {kind}" if kind in ("picture", "table", "signal") else kind or "of another kind"
    return InvalidData(f"{control} is for {what}, and an input of {task.name!r} is {found}. Use {INSTEAD[kind]}.")


def check_kind(control: Control, task: Task, kind: str) -> None:
    """Raise InvalidData unless an example of the task is one array of this kind."""
    if task.train.display.kind != kind or isinstance(task.train.inputs, dict | tuple):
        raise refused(control, task, f"{kind}s")


def check_real(control: Control, task: Task, *, all_parts: bool = False) -> None:
    """Raise InvalidData unless some of the inputs (or all) are real numbers."""
    real = [is_real(part) for part in parts(task.train.inputs).values()]
    if not (all(real) if all_parts else any(real)):
        raise refused(control, task, "inputs of real numbers")


def each_real(change: "Callable[[Tensor], Tensor]", inputs: Any) -> Any:
    """Return the inputs with all parts changed that hold real numbers; the others stay."""
    return each(lambda part: change(part) if part.is_floating_point() else part, inputs)


def generator(inputs: Any, seed: int) -> "torch.Generator":
    """Return a source of random numbers where the inputs are."""
    import torch  # heavy, and not needed to describe a control

    device = next(iter(parts(inputs).values())).device
    return torch.Generator(device=device).manual_seed(seed)


@contextmanager
def drawn_from(seed: int, device: "torch.device") -> Generator[None]:
    """Let all that is drawn from the global sources of torch, NumPy and Python come from the seed; then put them back."""
    import torch  # heavy, and not needed to describe a control

    before, old = random.getstate(), np.random.get_state()  # noqa: NPY002 - what others draw from
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would set those of all devices
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(before)
            np.random.set_state(old)  # noqa: NPY002
