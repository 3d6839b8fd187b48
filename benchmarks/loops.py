"""The loops that `byrote` is compared with: a DataLoader per model, two public ensemble trainers as users call them, a limit."""

import contextlib
import copy
import multiprocessing
import os
import sys
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format
from torch.optim.sgd import sgd
from torch.utils.data import DataLoader, TensorDataset

from byrote.task.datasets.fashion_mnist import CLASSES, fashion
from byrote.task.examples import Examples
from byrote.task.models import cnn, mlp
from byrote.task.recipe import Recipe
from byrote.task.schedule import at
from byrote.task.signals import Signals
from byrote.training.hardware import has_bf16

BATCH, SHARE = 128, 0.7
NETWORKS = {"cnn": cnn, "mlp": mlp}
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def scaled(examples: Examples) -> tuple[Tensor, Tensor]:
    """Return images from 0 to 1, and labels."""
    return torch.from_numpy(examples.inputs).float().div(255), torch.from_numpy(examples.labels)


def dataloader_loop(model: nn.Module, x: Tensor, y: Tensor, recipe: Recipe) -> Iterator[None]:
    """The usual loop, with SGD: pause after each epoch."""
    loader = DataLoader(TensorDataset(x, y), recipe.batch_size, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate(recipe, 0.0), momentum=recipe.momentum)
    step = 0
    for _ in range(recipe.epochs):
        model.train()
        for inputs, labels in loader:
            for group in optimizer.param_groups:
                group["lr"] = rate(recipe, step / (recipe.epochs * len(loader)))
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
            step += 1
        yield


def rate(recipe: Recipe, progress: float) -> float:
    """Return the learning rate when a share of all updates is done."""
    return at(recipe.learning_rate, Signals(progress, 1, 0))


def limit(network: str, models: int, epochs: int) -> None:
    """The loop that nobody would write for a user's model: forked processes, bf16 where it is fast, batches gathered once.

    It records nothing; it evaluates test images after each epoch and all examples at the end. What remains is the time that
    torch's kernels take, so it says how far from the limit a loop is.
    """
    fork = multiprocessing.get_context("fork")
    parts = [fork.Process(target=_limit, args=(network, range(k, models, CORES), epochs)) for k in range(CORES)]
    for part in parts:
        part.start()
    for part in parts:
        part.join()
    if any(part.exitcode for part in parts):
        raise SystemExit("A process of the limit loop failed.")


def _limit(network: str, seeds: range, epochs: int) -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    precision = torch.bfloat16 if has_bf16("cpu") else torch.float32
    train, test = fashion()
    (x, y), (unseen, _) = scaled(train), scaled(test)
    low = x.to(precision)
    for seed in seeds:
        torch.manual_seed(seed)
        keep = torch.randperm(len(x))[: int(SHARE * len(x))]
        master = NETWORKS[network](tuple(x.shape[1:]), len(CLASSES))
        convert_conv2d_weight_memory_format(master, torch.channels_last)
        worker = copy.deepcopy(master).to(precision)
        weights, trained = [weight.detach() for weight in master.parameters()], list(worker.parameters())
        velocities: list[Tensor | None] = [torch.zeros_like(weight) for weight in weights]
        for _ in range(epochs):
            order = keep[torch.randperm(len(keep))]
            for inputs, labels in zip(low[order].split(BATCH), y[order].split(BATCH), strict=True):
                nn.functional.cross_entropy(worker(inputs).float(), labels).backward()
                with torch.no_grad():
                    gradients = [weight.grad.float() for weight in trained if weight.grad is not None]
                    sgd(
                        weights, gradients, velocities, fused=True, foreach=False, lr=0.05, weight_decay=0.0,
                        momentum=0.9, dampening=0.0, nesterov=False, maximize=False,
                    )  # fmt: skip
                    for weight, own in zip(trained, weights, strict=True):
                        weight.copy_(own)
                        weight.grad = None
            with torch.no_grad():
                master(unseen).argmax(1)
        with torch.no_grad():
            for part in x.split(1000):
                master(part).argmax(1)


def correct(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]]) -> Tensor:
    """Return which examples the model predicts correctly."""
    model.eval()
    with torch.no_grad():
        return torch.cat([model(inputs).argmax(1) == labels for inputs, labels in loader])


def skorch(network: str, models: int, epochs: int) -> None:
    """scikit-learn's bagging over skorch's nets: a process per core, subsets without replacement."""
    from sklearn.ensemble import BaggingClassifier
    from skorch import NeuralNetClassifier

    train, _ = fashion()
    x = (train.inputs.astype(np.float32) / 255).reshape(len(train), -1)  # bagging needs a matrix
    net = NeuralNetClassifier(
        Flat(network), criterion=nn.CrossEntropyLoss, max_epochs=epochs, batch_size=BATCH, lr=0.05, verbose=0,
        optimizer=torch.optim.SGD, optimizer__momentum=0.9, train_split=None, iterator_train__shuffle=True,
    )  # fmt: skip
    bag = BaggingClassifier(net, models, max_samples=SHARE, bootstrap=False, n_jobs=CORES, random_state=0)
    bag.fit(x, train.labels)
    for model in bag.estimators_:
        model.predict(x)


class Flat(nn.Module):
    """A network that reads rows of a matrix as 28x28 images."""

    def __init__(self, network: str = "cnn") -> None:
        super().__init__()
        self.inner = NETWORKS[network]((28, 28), len(CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.view(-1, 28, 28))


def torchensemble(network: str, models: int, epochs: int) -> None:
    """torchensemble's bagging: a process per core and epoch, batches drawn with replacement from 70 % of the data."""
    from torchensemble import BaggingClassifier

    x, y = scaled(fashion()[0])
    keep = torch.from_numpy(np.random.default_rng(0).permutation(len(x))[: int(SHARE * len(x))])
    loader = DataLoader(TensorDataset(x[keep], y[keep]), BATCH, shuffle=True)
    bag = BaggingClassifier(
        Flat, models, estimator_args={"network": network}, cuda=False, n_jobs=CORES if CORES > 1 else None
    )
    bag.set_optimizer("SGD", lr=0.05, momentum=0.9)
    with contextlib.redirect_stdout(sys.stderr):
        bag.fit(loader, epochs=epochs, log_interval=10**9, save_model=False)
    everyone = DataLoader(TensorDataset(x, y), 1000)
    for model in bag.estimators_:
        model.eval()
        with torch.no_grad():
            for inputs, _ in everyone:
                model(inputs)
