"""Bits that a language model memorizes, and how many it can hold, Morris et al., 2025, arXiv:2505.24832."""

import lzma
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.lm.corpus import Corpus
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import student

if TYPE_CHECKING:
    from torch import nn

PUBLISHED = 3.6
"""Bits per parameter that Morris et al. (2025) measured for transformers of 0.5 to 1,500 million parameters."""

FULL = 1.25
"""Data of more than so many times the bits that were memorized at most leave a model full."""

FLAT = 0.1
"""A plateau's ends may differ by this share of its height."""


@checked
def unintended_bits(
    log_probability: Float[ndarray, " document"], reference: Float[ndarray, " document"], *, clip: bool = False
) -> Float[ndarray, " document"]:
    """Bits of each document that a model knows and a reference does not: high is memorized, 0 is none.

    (log p of the document under the model minus that under the reference) / ln 2, in nats summed over its tokens: what the
    model saves when both compress it. The reference was trained on text of the same kind, and not on these documents. Morris
    et al. take the better of both for each document, so at least 0 (`clip`); without that the noise of texts which neither
    has seen cancels in a sum.

    It misleads with a reference that is a weaker model: what it lacks in general counts as memorized. Compare with control
    documents (`memorized_bits`).
    """
    bits = (log_probability - reference) / math.log(2)
    return np.maximum(bits, 0.0) if clip else bits


@checked
def memorized_bits(
    bits: Float[ndarray, " document"], control: Float[ndarray, " control"], *, level: float = 0.9
) -> Estimate:
    """Bits of all documents together that a model memorized: their `unintended_bits`, less what it gains on control documents.

    Number of documents times the difference of the means, with Welch's interval (it held the truth in 90 % of 1,000 simulations);
    NaN left out. The control documents, of
    the same kind and length, were in neither training set: their gain is generalization. 0 is none; it may be below.
    """
    members, others = bits[~np.isnan(bits)], control[~np.isnan(control)]
    n = len(members)
    if n < 2 or len(others) < 2:
        return Estimate.undefined("document", n=n, level=level)
    parts = members.var(ddof=1) / n, others.var(ddof=1) / len(others)
    variance = float(sum(parts))
    value = float(members.mean() - others.mean())
    freedom = variance**2 / (parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (len(others) - 1)) if variance > 0 else n - 1
    low, high = (float(end) for end in student(value, variance * (freedom + 1), freedom + 1, level=level))
    return Estimate(n * value, n * low, n * high, n, "document", level)


@checked
def random_string_bits(log_probability: Float[ndarray, "text token"], *, symbols: int, level: float = 0.9) -> Estimate:
    """Bits of random strings that a model stores: all that there are, tokens times log2(`symbols`), at most; 0 is none.

    For strings of tokens that were drawn independently and uniformly from `symbols`: nothing about them generalizes, so what
    a model saves is memorized. `log_probability` in nats of all tokens, the first one too (behind a token for the beginning).
    Student's interval over strings is about as many other strings. Not clipped. Raises Unsupported below two symbols and for NaN.

    It misleads after too little training: an under-trained model looks smaller than it is.
    """
    if symbols < 2 or np.isnan(log_probability).any():
        raise Unsupported(
            f"Bits cannot be counted with {symbols} symbols and {np.count_nonzero(np.isnan(log_probability))} log-probabilities "
            "that are NaN. Give two symbols or more, and strings of one length."
        )
    each = log_probability.shape[1] * math.log2(symbols) + log_probability.sum(axis=1, dtype=np.float64) / math.log(2)
    return Estimate.of_mean(each, "text", level=level).transformed(lambda mean: mean * len(each))


@dataclass(frozen=True)
class Capacity:
    """How many bits a model holds: `bits`, and `per_parameter`; `reached` says whether a plateau was seen.

    Otherwise both are lower bounds: more data, or more training, would show more.
    """

    bits: Estimate
    per_parameter: Estimate
    parameters: int
    reached: bool


@checked
def capacity(
    data_bits: Float[ndarray, " size"],
    memorized: Float[ndarray, "size run"],
    parameters: int,
    *,
    level: float = 0.9,
) -> Capacity:
    """Return the plateau of memorized bits over growing amounts of random data: what a model can hold, high is much.

    `data_bits` is how many bits each amount has, and `memorized` how many of them each run memorized
    (`random_string_bits`). The model is full where the data have 1.25 times as many bits as were memorized at most. The
    plateau is the mean over these amounts, with Student's interval over runs; it is `reached` where there are two of them or
    more that differ by less than a tenth. Raises Unsupported below one parameter and for NaN.

    It misleads when training stops early: at each amount train until the loss no longer falls, and say how long.
    """
    if parameters < 1 or np.isnan(memorized).any():
        raise Unsupported(
            f"The capacity of {parameters} parameters cannot be read from {np.count_nonzero(np.isnan(memorized))} numbers that are NaN. Give all runs."
        )
    means = memorized.mean(axis=1)
    most = float(means.max())
    full = data_bits > FULL * most
    runs = memorized.shape[1]
    if full.any():
        bits = Estimate.of_mean(memorized[full].mean(axis=0), "run", level=level)
    else:
        bits = Estimate.of_lower_bound(most, runs, "run", level=level)
    spread = float(np.ptp(means[full])) if full.any() else math.inf
    reached = int(full.sum()) >= 2 and spread <= FLAT * abs(bits.value)
    return Capacity(bits, bits.transformed(lambda value: value / parameters), parameters, bool(reached))


@dataclass(frozen=True)
class CapacityForecast:
    """What training can store of a data set: `published` and `measured` are its bits over the bits that the model can hold.

    Above 1 the data do not fit, below 1 all of them may be memorized.
    """

    data_bits: float
    parameters: int
    published: float
    measured: float | None

    @property
    def sentence(self) -> str:
        """The forecast in words."""
        text = (
            f"Your data has {self.published:.2g} times the bits that {self.parameters:,} trained parameters can hold at "
            f"{PUBLISHED} bits per parameter (Morris et al., 2025)"
        )
        text += ": it cannot all be memorized." if self.published > 1 else ": all of it can be memorized."
        if self.measured is not None:
            text += f" At the bits per parameter measured here, it is {self.measured:.2g} times."
        return text


@checked
def forecast_capacity(data_bits: float, parameters: int, *, per_parameter: float | None = None) -> CapacityForecast:
    """Compare the bits of a data set with what a model can hold, before it is trained.

    `data_bits` as from `compressed_bits`, `parameters` those that are trained (`trainable_parameters`), `per_parameter` a
    capacity that was measured with the same training (`capacity`). The published 3.6 bits per parameter is an upper
    anchor: it needs training to convergence, and the smallest models of its measurement. Raises Unsupported for numbers
    that are not above 0.

    It misleads as a promise: a model that could hold ten times the data memorizes little in one epoch, and one that is
    ten times too small recites what is repeated.
    """
    if data_bits <= 0 or parameters < 1 or (per_parameter is not None and per_parameter <= 0):
        raise Unsupported(
            f"{data_bits} bits of data, {parameters} parameters and {per_parameter} bits per parameter give no forecast. Give numbers above 0."
        )
    measured = None if per_parameter is None else data_bits / (parameters * per_parameter)
    return CapacityForecast(data_bits, parameters, data_bits / (parameters * PUBLISHED), measured)


def compressed_bits(corpus: Corpus) -> int:
    """Return how many bits a corpus has after compression by LZMA, document after document: an upper bound of what is in it.

    A language model finds more to compress, so less is left to memorize. Read once, out of core.
    """
    compressor, size = lzma.LZMACompressor(preset=6), 0
    for document in corpus:
        size += len(compressor.compress(document.text.encode() + b"\n"))
    return 8 * (size + len(compressor.flush()))


def trainable_parameters(module: "nn.Module") -> int:
    """Return how many numbers training changes: of a model with an adapter, those of the adapter. Shared ones count once."""
    return sum(weight.numel() for weight in module.parameters() if weight.requires_grad)


@checked
def bits_per_parameter_slope(
    parameters: Int[ndarray, " model"], bits: Float[ndarray, " model"], *, level: float = 0.9
) -> Estimate:
    """Bits that each further parameter adds, from models of several sizes: the slope of a line, with Student's interval.

    It needs three models or more, otherwise the ends are NaN. About 3.6 is published; models trained for too short have less.
    Raises Unsupported where all models are of one size.
    """
    x = parameters - parameters.mean()
    if not x.any():
        raise Unsupported(f"{len(parameters)} models of {parameters[0]} parameters have no slope. Give several sizes.")
    slope = float(x @ bits / (x @ x))
    freedom = len(bits) - 2
    if freedom < 1:
        return Estimate(slope, math.nan, math.nan, len(bits), "model", level)
    residual = bits - bits.mean() - slope * x
    variance = float(residual @ residual) / freedom / float(x @ x)
    low, high = (float(end) for end in student(slope, variance * (freedom + 1), freedom + 1, level=level))
    return Estimate(slope, low, high, len(bits), "model", level)
