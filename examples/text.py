"""Which sentences does a text classifier know by rote? The data: the first lines of docstrings of Python's own modules.

python examples/text.py [DIRECTORY]      (half a minute on two cores; finished runs are kept)
"""

import asyncio
import email.message
import logging
import re
import sys
import unittest
from inspect import getdoc

import numpy as np
from torch import nn

import byrote

modules = (asyncio, email.message, logging, unittest)
objects = [(label, each) for label, module in enumerate(modules) for each in vars(module).values()]
objects += [(label, part) for label, each in objects if isinstance(each, type) for part in vars(each).values()]
lines = {(getdoc(each) or "").split("\n")[0]: label for label, each in objects if callable(each)}
texts = [line for line in lines if len(line.split()) > 3]
labels = np.array([lines[text] for text in texts])

words = [re.findall(r"\w+", text.lower())[:16] for text in texts]
vocabulary = ["", *sorted({word for line in words for word in line})]  # the word of token 0, which fills up, is empty
number = {word: at for at, word in enumerate(vocabulary)}
tokens = np.array([[number[word] for word in line] + [0] * (16 - len(line)) for line in words])
shuffled = np.random.default_rng(0).permutation(len(tokens))
train, test = shuffled[:-60], shuffled[-60:]

task = byrote.Task(
    model=lambda: nn.Sequential(nn.EmbeddingBag(len(vocabulary), 32, padding_idx=0), nn.ReLU(), nn.Linear(32, 4)),
    train=byrote.Examples(tokens[train], labels[train], show=vocabulary),
    test=byrote.Examples(tokens[test], labels[test], show=vocabulary),
    recipe=byrote.Recipe(epochs=40, batch_size=16, learning_rate=0.2),
    classes=("asyncio", "email", "logging", "unittest"),
    name="docstrings",
)

directory = sys.argv[1] if len(sys.argv) > 1 else "audits/docstrings"
byrote.audit(
    task,
    directory,
    runs=8,
    canaries=byrote.Canaries(mislabeled=5, ordinary=5),
    on_verdict=lambda lines: print("\n".join(lines)),
)
