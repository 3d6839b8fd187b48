"""What the thermostat is tried on: pictures (two networks, two optimizers), a table and texts, all with what is installed."""

import importlib
import re
from dataclasses import replace
from functools import partial
from inspect import getdoc

import numpy as np
from sklearn.datasets import load_digits
from torch import nn

import byrote
from byrote.task.loading import load_task
from byrote.task.models import mlp
from byrote.task.task import Task

MODULES = (
    "argparse", "ast", "asyncio", "collections", "configparser", "contextlib", "ctypes", "datetime", "decimal", "difflib",
    "dis", "doctest", "email.message", "enum", "ftplib", "gzip", "html.parser", "http.client", "imaplib", "inspect", "io",
    "ipaddress", "itertools", "json", "locale", "logging", "mailbox", "math", "multiprocessing", "os", "pathlib", "pdb",
    "pickle", "platform", "random", "re", "sched", "selectors", "shelve", "smtplib", "socket", "sqlite3", "ssl", "statistics",
    "string", "subprocess", "tarfile", "tempfile", "threading", "tkinter", "tokenize", "turtle", "typing", "unittest",
    "urllib.request", "weakref", "xml.dom.minidom", "zipfile",
)  # fmt: skip
GROUPS = 8
"""Modules are put into so many classes, in alphabetical order."""


def fashion() -> Task:
    """5,000 pictures of clothes, a convolutional network, SGD: 40 epochs at a constant rate that falls in the last ten."""
    task = load_task("fashion")
    return replace(task, recipe=replace(task.recipe, epochs=40, learning_rate=byrote.linear(0.05, 0.02)))


def fashion_perceptron() -> Task:
    """The same pictures, a perceptron, AdamW."""
    task = fashion()
    recipe = byrote.Recipe(epochs=40, batch_size=64, optimizer="adamw", learning_rate=byrote.linear(0.001, 0.0004))
    return replace(task, model=partial(mlp, task.train.shape, len(task.classes)), recipe=recipe, name="fashion-mlp")


def table() -> Task:
    """1,498 rows of 64 numbers (handwritten digits as a table), a perceptron with two hidden layers, SGD."""
    found = load_digits()
    rows = ((found.data - found.data.mean(0)) / (found.data.std(0) + 1e-3)).astype(np.float32)
    test = np.arange(len(rows)) % 6 == 5
    kinds = {"kind": "table"}
    recipe = byrote.Recipe(epochs=60, batch_size=32, optimizer="sgd", learning_rate=0.02)
    return Task(
        lambda: nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)),
        byrote.Examples(rows[~test], found.target[~test], **kinds),
        byrote.Examples(rows[test], found.target[test], **kinds),
        recipe,
        tuple(map(str, range(10))),
        "table",
    )


def text() -> Task:
    """First lines of docstrings of Python's own modules, in eight groups; means of word vectors and a hidden layer, AdamW."""
    lines: dict[str, int] = {}
    for label, name in enumerate(MODULES):
        try:
            module = importlib.import_module(name)
        except ImportError:  # tkinter is not everywhere
            continue
        objects = [each for each in vars(module).values() if callable(each)]
        objects += [
            part for each in objects if isinstance(each, type) for part in vars(each).values() if callable(part)
        ]
        for each in objects:
            line = (getdoc(each) or "").split("\n")[0]
            if len(line.split()) > 3:
                lines.setdefault(line, label * GROUPS // len(MODULES))
    texts = sorted(lines)
    words = [re.findall(r"\w+", line.lower())[:16] for line in texts]
    vocabulary = ["", *sorted({word for line in words for word in line})]
    number = {word: at for at, word in enumerate(vocabulary)}
    tokens = np.array([[number[word] for word in line] + [0] * (16 - len(line)) for line in words])
    labels = np.array([lines[line] for line in texts])
    order = np.random.default_rng(0).permutation(len(texts))
    train, test = order[: -len(order) // 6], order[-len(order) // 6 :]
    return Task(
        lambda: nn.Sequential(
            nn.EmbeddingBag(len(vocabulary), 64, padding_idx=0), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, GROUPS)
        ),
        byrote.Examples(tokens[train], labels[train], show=vocabulary),
        byrote.Examples(tokens[test], labels[test], show=vocabulary),
        byrote.Recipe(epochs=60, batch_size=32, learning_rate=0.001),
        tuple(f"group {group}" for group in range(GROUPS)),
        "text",
    )


TASKS = {"fashion": fashion, "fashion-mlp": fashion_perceptron, "table": table, "text": text}
