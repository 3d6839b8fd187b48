"""A network whose neurons can be silenced, differently for each example of a batch."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd  # pyright: ignore[reportPrivateUsage]

from byrote.errors import InvalidData, unknown
from byrote.probes._frozen import Frozen, check_inputs, check_logits, frozen

BATCH = 256
Hook = Callable[[nn.Module, Any, Any], Tensor | None]


class Silenced:
    """A model's function of inputs and of a mask over its neurons: 1 leaves a neuron as it is, 0 sets its output to 0."""

    def __init__(self, run: Frozen, modules: dict[str, nn.Module], units: dict[str, int]) -> None:
        self._run, self._modules, self._units = run, modules, units
        self.layer = tuple(name for name, count in units.items() for _ in range(count))
        self.unit = tuple(number for count in units.values() for number in range(count))
        self._masks: dict[str, Tensor] = {}

    @property
    def neurons(self) -> int:
        """How many neurons there are."""
        return len(self.layer)

    def __call__(
        self, inputs: Float[Tensor, "example copy *shape"], mask: Float[Tensor, "example neuron"]
    ) -> Float[Tensor, "example copy class"]:
        """Return the logits of all copies of an example, with its own mask."""
        parts = mask.split(list(self._units.values()), 1)
        rows = [part.repeat_interleave(inputs.shape[1], 0) for part in parts]
        self._masks = dict(zip(self._units, rows, strict=True))
        try:
            logits = self._run(inputs.flatten(0, 1))
        finally:
            self._masks = {}
        check_logits("critical_neurons", logits, inputs.shape[0] * inputs.shape[1])
        return logits.unflatten(0, inputs.shape[:2])

    def predictions(
        self, inputs: Float[Tensor, "example *shape"], mask: Float[Tensor, " neuron"] | None = None
    ) -> Int[Tensor, " example"]:
        """Return what each is predicted as, with one mask for all."""
        with torch.no_grad():
            return torch.cat([self.logits(some, mask).argmax(1) for some in inputs.split(BATCH)])

    def logits(
        self, inputs: Float[Tensor, "example *shape"], mask: Float[Tensor, " neuron"] | None = None
    ) -> Float[Tensor, "example class"]:
        """Return the logits of each, with one mask for all; none silences nobody."""
        mask = torch.ones(self.neurons, dtype=inputs.dtype, device=inputs.device) if mask is None else mask
        return self(inputs[None], mask[None])[0]

    def hear(self, name: str, output: Tensor) -> Tensor | None:
        """Return what the module of this name gives, with its silenced neurons at 0."""
        if name not in self._masks:
            return None
        return output * _shaped(self._masks[name], output, axis(self._modules[name], output))


@contextmanager
def silencing(
    model: nn.Module, inputs: Float[Tensor, "example *shape"], modules: Sequence[str] | None
) -> Generator[Silenced]:
    """Yield the model in evaluation mode with neurons that can be silenced, and leave it as it was."""
    check_inputs("critical_neurons", inputs)
    named = dict(model.named_modules())
    for name in modules or ():
        if name not in named:
            raise unknown("layer", name, named)
    chosen = {name: module for name, module in named.items() if _counts(module)}
    if modules is not None:
        chosen = {name: named[name] for name in modules}
    units, found = dict[str, int](), list[Silenced]()

    def hook(name: str) -> Hook:
        def hear(module: nn.Module, given: object, output: Any) -> Tensor | None:
            if not isinstance(output, Tensor) or output.ndim < 2:
                raise InvalidData(f"The layer {name!r} does not give one tensor [example, ...]. Name other modules.")
            if found:
                return found[0].hear(name, output)
            units.pop(name, None)  # so that the last place is the last call's
            units[name] = output.shape[axis(module, output)]
            return None

        return hear

    hooks = [module.register_forward_hook(hook(name)) for name, module in chosen.items()]
    try:
        with frozen(model) as run:
            with torch.no_grad():
                run(inputs[:1])
            if modules is None and units:
                units.popitem()
            if not units:
                raise InvalidData(
                    "No layer with neurons is called before the last. Name modules whose outputs have units to silence."
                )
            found.append(Silenced(run, chosen, units))
            yield found[0]
    finally:
        for each in hooks:
            each.remove()


def axis(module: nn.Module, output: Tensor) -> int:
    """Return the axis of the units in what the module gives."""
    return output.ndim - 1 if isinstance(module, nn.Linear) else 1


def _counts(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear | _ConvNd)


def _shaped(mask: Float[Tensor, "row unit"], output: Tensor, place: int) -> Tensor:
    shape = [1] * output.ndim
    shape[0], shape[place] = len(mask), mask.shape[1]
    return mask.view(shape)
