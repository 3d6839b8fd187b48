"""Hardware: which number formats and which matrix products are fast here."""

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import cache
from statistics import median
from typing import Literal, get_args

import torch

Matmul = Literal["highest", "high", "medium"]

ACCURATE = 1e-5
"""Largest relative error of a product that still counts as fp32. Real fp32 has about 3e-7, bf16 about 3e-3."""

CLEARLY_FASTER = 1.3
"""How many times faster a setting has to be: where one helps it is about 2; where none does, it is hardly ever measured so."""
ROUNDS = 9


def has_bf16(device: str) -> bool:
    """Return whether the device multiplies bf16 numbers in hardware, as far as torch can tell."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_capability(torch.device(device)) >= (8, 0)
    if device != "cpu":
        return False
    known = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


@contextmanager
def one_thread() -> Generator[None]:
    """Let torch compute with one thread for as long as this lasts, as every process of a collection does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def products(setting: Matmul) -> Generator[None]:
    """Compute fp32 matrix products so for as long as this lasts. Settings made backend by backend are the user's, and kept."""
    try:
        before = torch.get_float32_matmul_precision()
    except RuntimeError:  # torch has no one word for them
        yield
        return
    torch.set_float32_matmul_precision(setting)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def settled_matmul(known: str | None, device: str) -> Matmul:
    """Return the setting that a record began with, if products are as accurate with it here; else the fastest one.

    What is fastest is measured, and two measurements may differ; what a record began with makes resumed runs the same.
    """
    for setting in get_args(Matmul):
        if setting == known and (setting == "highest" or (device == "cpu" and _is_accurate(setting))):
            return setting
    return fastest_matmul(device)


@cache
def fastest_matmul(device: str) -> Matmul:
    """Return the setting of torch.set_float32_matmul_precision that is clearly fastest here with the accuracy of fp32.

    On some processors the settings below "highest" take another library, with the same accuracy; on others they round.
    Which it is, is tried out, with products of the size of a small network's, in a few hundredths of a second. On
    anything but a CPU the lower settings round.
    """
    if device != "cpu":
        return "highest"
    with one_thread():
        if wins(*_tried("medium")):
            return "medium"
        return "high" if wins(*_tried("high")) else "highest"


def _is_accurate(setting: Matmul) -> bool:
    with one_thread():
        return _tried(setting)[1] < ACCURATE


def wins(gains: Sequence[float], error: float) -> bool:
    """Return whether a setting is as accurate as fp32, and clearly faster than "highest" by its gains in alternating runs."""
    return error < ACCURATE and median(gains) > CLEARLY_FASTER


def _tried(setting: Matmul) -> tuple[list[float], float]:
    """Return how many times faster than "highest" the setting is, time and again, and its relative error."""
    random = torch.Generator().manual_seed(0)
    shapes = (64, 784), (512, 784), (64, 512)
    inputs, weight, out = (torch.randn(shape, generator=random) for shape in shapes)

    def seconds(setting: Matmul) -> float:
        with products(setting):
            start = time.thread_time()
            torch.mm(inputs, weight.t())
            torch.mm(out.t(), inputs)
            return time.thread_time() - start

    exact = inputs.double() @ weight.double().t()
    with products(setting):
        error = ((inputs @ weight.t()).double() - exact).norm() / exact.norm()
    gains = [seconds("highest") / seconds(setting) for _ in range(1 + ROUNDS)]
    return gains[1:], float(error)
