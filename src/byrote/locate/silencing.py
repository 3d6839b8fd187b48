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
        """Return the predicted class of each, with one mask for all."""
        with torch.no_grad():
            return torch.cat([self.logits(batch, mask).argmax(1) for batch in inputs.split(BATCH)])

    def logits(
        self, inputs: Float[Tensor, "example *shape"], mask: Float[Tensor, " neuron"] | None = None
    ) -> Float[Tensor, "example class"]:
        """Return the logits of each, with one mask for all; by default no neuron is silenced."""
        mask = torch.ones(self.neurons, dtype=inputs.dtype, device=inputs.device) if mask is None else mask
        return self(inputs[None], mask[None])[0]

    def silence(self, name: str, output: Tensor) -> Tensor | None:
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
    chosen = _chosen(model, modules)
    with frozen(model) as run:
        units = _units(run, chosen, inputs[:1])
        if modules is None and units:
            units.popitem()
        if not units:
            raise InvalidData(
                "No layer with neurons is called before the last. Name modules whose outputs have units to silence."
            )
        silenced = Silenced(run, chosen, units)
        with _hooks(chosen, silenced.silence):
            yield silenced


def _chosen(model: nn.Module, modules: Sequence[str] | None) -> dict[str, nn.Module]:
    """Return the modules of these names; by default every linear layer and convolution."""
    named = dict(model.named_modules())
    if modules is None:
        return {name: module for name, module in named.items() if isinstance(module, nn.Linear | _ConvNd)}
    for name in modules:
        if name not in named:
            raise unknown("layer", name, named)
    return {name: named[name] for name in modules}


def _units(run: Frozen, modules: dict[str, nn.Module], inputs: Tensor) -> dict[str, int]:
    """Return how many units each module that the model calls has, in the order of their last calls."""
    units = dict[str, int]()

    def count(name: str, output: Tensor) -> None:
        units.pop(name, None)  # so that the last place is the last call's
        units[name] = output.shape[axis(modules[name], output)]

    with _hooks(modules, count), torch.no_grad():
        run(inputs)
    return units


@contextmanager
def _hooks(modules: dict[str, nn.Module], call: Callable[[str, Tensor], Tensor | None]) -> Generator[None]:
    """Pass the output of every call of these modules to `call`, which may return another in its place."""

    def hook(name: str) -> Hook:
        def pass_on(module: nn.Module, given: object, output: Any) -> Tensor | None:
            if not isinstance(output, Tensor) or output.ndim < 2:
                raise InvalidData(f"The layer {name!r} does not give one tensor [example, ...]. Name other modules.")
            return call(name, output)

        return pass_on

    hooks = [module.register_forward_hook(hook(name)) for name, module in modules.items()]
    try:
        yield
    finally:
        for each in hooks:
            each.remove()


def axis(module: nn.Module, output: Tensor) -> int:
    """Return the axis of the units in what the module gives."""
    return output.ndim - 1 if isinstance(module, nn.Linear) else 1


def _shaped(mask: Float[Tensor, "row unit"], output: Tensor, place: int) -> Tensor:
    shape = [1] * output.ndim
    shape[0], shape[place] = len(mask), mask.shape[1]
    return mask.view(shape)
