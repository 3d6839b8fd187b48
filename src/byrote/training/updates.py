"""Updates of weights by their gradients: torch's fused kernels for SGD and AdamW, torch.optim for everything else.

Making an object of torch.optim imports torch's compiler, which costs every process seconds and 70 MB; the arithmetic is the same.
"""

import inspect
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from byrote.errors import InvalidData, unknown
from byrote.task.recipe import Recipe

TINY = 1e-6
"""Added to a norm before it divides, as in torch.nn.utils.clip_grad_norm_."""


class Rule(Protocol):
    """How weights change, with the state that the rule keeps."""

    def update(self, run: int | None, learning_rate: float, weight_decay: float) -> None:
        """Change the weights of one run of a stack (None: of all)."""
        ...


class Optimizer:
    """The recipe's optimizer over these weights; those without a gradient are left as they are.

    `runs` says that the weights are stacks of so many runs along their first axis (None: they are those of one model).
    """

    def __init__(self, weights: Sequence[Tensor], recipe: Recipe, runs: int | None = None) -> None:
        self.weights, self.limit, self.runs = weights, recipe.clip_norm, runs
        name, options = recipe.spelled_optimizer
        if _is_fused(recipe) and name == "adamw":
            self.rule: Rule = _AdamW(weights)
        elif _is_fused(recipe):
            self.rule = _Sgd(weights, recipe.momentum)
        else:
            self.rule = _Torch(
                weights, name, {"momentum": recipe.momentum, **options} if name == "sgd" else options, runs
            )

    def update(self, learning_rates: Sequence[float], weight_decays: Sequence[float]) -> None:
        """Change the weights with the learning rate and weight decay of each run, and drop the gradients."""
        with torch.no_grad():
            if self.limit is not None:
                _clip(self.weights, self.limit, self.runs)
            if len(set(learning_rates)) == 1 and len(set(weight_decays)) == 1 and not isinstance(self.rule, _Torch):
                self.rule.update(None, learning_rates[0], weight_decays[0])
            else:
                for run, (rate, decay) in enumerate(zip(learning_rates, weight_decays, strict=True)):
                    self.rule.update(run if self.runs is not None else None, rate, decay)
        for weight in self.weights:
            weight.grad = None


class _Sgd:
    def __init__(self, weights: Sequence[Tensor], momentum: float) -> None:
        self.weights, self.momentum = weights, momentum
        self.velocities = [torch.zeros_like(weight) if momentum else None for weight in weights]

    def update(self, run: int | None, learning_rate: float, weight_decay: float) -> None:
        moved, velocity = _moved(self.weights, run, self.weights, self.velocities)
        sgd(
            moved,
            _gradients(self.weights, run),
            velocity,
            fused=True,
            foreach=False,
            lr=learning_rate,
            weight_decay=weight_decay,
            momentum=self.momentum,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )


class _AdamW:
    def __init__(self, weights: Sequence[Tensor]) -> None:
        self.weights = weights
        self.means, self.squares = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
        self.counts: dict[int | None, list[Tensor]] = {}

    def update(self, run: int | None, learning_rate: float, weight_decay: float) -> None:
        moved, mean, square = _moved(self.weights, run, self.weights, self.means, self.squares)
        ((count),) = _moved(self.weights, None, self._counts(run))
        adamw(
            moved,
            _gradients(self.weights, run),
            mean,
            square,
            [],
            count,
            fused=True,
            foreach=False,
            lr=learning_rate,
            weight_decay=weight_decay,
            beta1=0.9,
            beta2=0.999,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )

    def _counts(self, run: int | None) -> list[Tensor]:
        """Return how often each weight was changed: of all runs together, or of one of them."""
        if run is None and self.counts.keys() - {None}:  # after updates run by run, all runs have the same count
            self.counts = {None: next(each for key, each in self.counts.items() if key is not None)}
        if run not in self.counts:
            known = self.counts.get(None)
            fresh = [torch.zeros((), dtype=torch.float32, device=weight.device) for weight in self.weights]
            self.counts[run] = fresh if known is None else [each.clone() for each in known]
        return self.counts[run]


class _Torch:
    """One optimizer of torch.optim for each run, over views of its weights."""

    def __init__(self, weights: Sequence[Tensor], name: str, options: dict[str, Any], runs: int | None) -> None:
        kind = optimizer_class(name)
        known = [each for each in inspect.signature(kind).parameters if each not in ("params", "lr", "weight_decay")]
        for option in options:
            if option not in known:
                raise InvalidData(unknown(f"option of torch.optim.{kind.__name__}", option, known).fact)
        self.weights = weights
        self.views = [[w.detach() if run is None else w.detach()[run] for w in weights] for run in _each(runs)]
        try:
            self.optimizers = [kind(views, lr=0.0, **options) for views in self.views]
        except (TypeError, ValueError) as error:
            raise InvalidData(f"torch.optim.{kind.__name__} cannot train this model: {error}") from None
        self.decays = "weight_decay" in self.optimizers[0].param_groups[0]

    def update(self, run: int | None, learning_rate: float, weight_decay: float) -> None:
        at = run or 0
        optimizer = self.optimizers[at]
        for weight, view in zip(self.weights, self.views[at], strict=True):
            view.grad = None if weight.grad is None else weight.grad if run is None else weight.grad[run]
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
            if self.decays:
                group["weight_decay"] = weight_decay
        optimizer.step()


def optimizer_class(name: str) -> Any:
    """Return the class of torch.optim that is called `name` in small letters; raise InvalidData when this torch has none."""
    found = {each.lower(): kind for each, kind in vars(torch.optim).items() if inspect.isclass(kind)}
    if name not in found:
        raise InvalidData(
            f"This torch ({torch.__version__}) has no optimizer {name!r}. Take another, or a newer torch."
        )
    return found[name]


def check_optimizer(recipe: Recipe, weights: Sequence[Tensor]) -> None:
    """Raise InvalidData when the recipe's optimizer cannot be made for these weights."""
    if _is_fused(recipe):
        return  # fits all weights; what follows imports torch's symbolic shapes, half a second
    trained = [torch.zeros_like(weight, device="meta") for weight in weights if weight.requires_grad]  # takes no memory
    if not trained:
        return
    rule = Optimizer(trained, recipe).rule
    if isinstance(rule, _Torch) and not rule.decays and recipe.weight_decay != 0:
        raise InvalidData(f"The optimizer {recipe.optimizer} has no weight decay. Use weight_decay=0.")


def _is_fused(recipe: Recipe) -> bool:
    """Return whether the updates are those of a kernel of torch, without an object of torch.optim."""
    name, options = recipe.spelled_optimizer
    return name in ("adamw", "sgd") and not options


def _each(runs: int | None) -> Sequence[int | None]:
    return [None] if runs is None else range(runs)


def _clip(weights: Sequence[Tensor], limit: float, runs: int | None) -> None:
    """Scale the gradients of each run so that their norm, over all weights together, is at most `limit`."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    if not gradients:
        return
    flat = [gradient.flatten(1) if runs is not None else gradient.reshape(1, -1) for gradient in gradients]
    norms = torch.stack([torch.linalg.vector_norm(each, dim=1) for each in flat]).norm(dim=0)
    scale = (limit / (norms + TINY)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.ndim - 1)) if runs is not None else scale[0])


def _moved(weights: Sequence[Tensor], run: int | None, *states: Sequence[Any]) -> list[list[Any]]:
    """Return the states of the weights that have a gradient, of one run (None: of all)."""
    moves = [weight.grad is not None for weight in weights]
    return [
        [
            value if run is None or value is None else value.detach()[run]
            for value, moved in zip(state, moves, strict=True)
            if moved
        ]
        for state in states
    ]


def _gradients(weights: Sequence[Tensor], run: int | None) -> list[Tensor]:
    return [weight.grad if run is None else weight.grad[run] for weight in weights if weight.grad is not None]
