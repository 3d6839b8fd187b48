"""Membership of a text in the training data: scores of log-probabilities per token, a HIGH one says member in each.

Rows are `log_probability[passage, token]` in nats, NaN behind the end of a short text. A text with one token has a score; one
without any has NaN.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import InvalidData, Unsupported
from byrote.scores.lira import lira
from byrote.scores.rmia import rmia

LEAST = 1e-12
"""A loss, or a deviation, below this counts as this, so that a text which a model knows for certain has a score."""


@checked
def loss_score(log_probability: Float[ndarray, "passage token"]) -> Float[ndarray, " passage"]:
    """Mean log-probability per token in nats, the negative loss: 0 at most, and high says member (Yeom et al., 2018).

    It misleads where texts differ in how predictable they are: a boilerplate that was never seen beats a rare text that was.
    """
    return _mean(log_probability)


@checked
def zlib_score(log_probability: Float[ndarray, "passage token"], texts: Sequence[str]) -> Float[ndarray, " passage"]:
    """Minus the model's bits over zlib's bits for the same text: high says member (Carlini et al., 2021, arXiv:2012.07805).

    -1 is a model that compresses like zlib. The paper divides the loss per token by zlib's bits, for texts of one length;
    here both are sums over the text, so that the score does not depend on its length. Raises InvalidData unless there is a
    text for each passage.

    It misleads on texts of a few words: zlib takes eight bytes for none.
    """
    _check_count(len(texts), len(log_probability), "texts")
    bits = np.array([8 * len(zlib.compress(text.encode())) for text in texts], np.float64)
    return _sum(log_probability) / np.log(2) / bits


@checked
def lowercase_score(
    log_probability: Float[ndarray, "passage token"], lowercase: Float[ndarray, "passage other"]
) -> Float[ndarray, " passage"]:
    """Loss of the text in lower case over that of the text, both per token: high says member (Carlini et al., 2021).

    1 where a text is in lower case already. It misleads there: such a text has the same score, member or not.
    """
    with np.errstate(invalid="ignore"):
        return np.maximum(-_mean(lowercase), LEAST) / np.maximum(-_mean(log_probability), LEAST)


@checked
def min_k_score(log_probability: Float[ndarray, "passage token"], *, share: float = 0.2) -> Float[ndarray, " passage"]:
    """Mean of the lowest `share` of a text's log-probabilities: high says member (Min-K%, Shi et al., 2024, arXiv:2310.16789).

    At least one token is taken, so a text of one token has its log-probability. Raises Unsupported for a share that is not
    above 0 and at most 1.
    """
    return _mean_of_lowest(log_probability, share)


@checked
def min_k_plus_plus_score(
    log_probability: Float[ndarray, "passage token"],
    mean: Float[ndarray, "passage token"],
    deviation: Float[ndarray, "passage token"],
    *,
    share: float = 0.2,
) -> Float[ndarray, " passage"]:
    """Mean of the lowest `share` of standardized log-probabilities: high says member (Min-K%++).

    Zhang et al., 2024, arXiv:2404.02936. `mean` and `deviation` are those of the log-probability of a token that the model
    itself would draw there: sum of p log p, and the root of the sum of p (log p - mean)^2, over the vocabulary. Where a model
    is certain (deviation 0) the token counts as 0 if it is the certain one. Raises Unsupported as `min_k_score` does.
    """
    difference = log_probability - mean
    certain = deviation <= np.sqrt(LEAST)
    standardized = np.where(
        certain & (np.abs(difference) <= np.sqrt(LEAST)), 0.0, difference / np.maximum(deviation, np.sqrt(LEAST))
    )
    return _mean_of_lowest(standardized, share)


@checked
def recall_score(
    log_probability: Float[ndarray, "passage token"], behind_others: Float[ndarray, "passage token"]
) -> Float[ndarray, " passage"]:
    """Loss behind a text that was not trained on, over the loss alone: high says member (ReCaLL).

    Xie et al., 2024, arXiv:2406.15968. `behind_others` are the log-probabilities of the same tokens behind a fixed prefix of
    non-members: such a prefix lowers those of a member more, which the model knew by heart. It misleads where the prefix has
    the style of the non-members only: then the score tells styles apart. Tokens without a value in both are left out.
    """
    both = np.isnan(log_probability) | np.isnan(behind_others)
    alone, behind = (_mean(np.where(both, np.nan, each)) for each in (log_probability, behind_others))
    with np.errstate(invalid="ignore"):
        return np.maximum(-behind, LEAST) / np.maximum(-alone, LEAST)


@checked
def reference_score(
    log_probability: Float[ndarray, "passage token"], reference: Float[ndarray, "passage other"]
) -> Float[ndarray, " passage"]:
    """Log-probability minus that of a reference model, in nats per token: high says member (Carlini et al., 2021).

    Both are sums over the text, over the tokens of the first: the models may have different tokenizers. The best score of one
    model, where the reference saw the same kind of text and none of these. It misleads where the reference is another kind of
    model: then texts rank by what the models are good at.
    """
    count = np.count_nonzero(~np.isnan(log_probability), axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (_sum(log_probability) - _sum(reference)) / np.where(count > 0, count, np.nan)


@checked
def shadow_scores(
    log_probability: Float[ndarray, "run document"], member: Bool[ndarray, "run document"]
) -> dict[str, Float[ndarray, "run document"]]:
    """Return LiRA and RMIA of each document in each run, with the other runs as shadow models; high says member.

    `log_probability` is in nats per token (the mean over a document), `member` says which runs were trained on which
    documents. See `byrote.scores.lira` and `rmia`; LiRA is online, with a pooled variance, which a few runs can afford. NaN
    where runs on one side are missing.
    """
    loss = -log_probability
    return {"lira": lira(loss, member), "rmia": rmia(loss, member)}


@checked
def per_document(
    score: Float[ndarray, " passage"], document: Int[ndarray, " passage"], documents: int, *, top: float = 1.0
) -> Float[ndarray, " document"]:
    """Return the mean score of each document over its passages, or over its highest `top` share; NaN without passages.

    Membership is drawn by document, so this is what an attack is judged on. A NaN score is left out. `top` below 1 asks
    for the passages that are best known, which finds texts that were recited in part.
    """
    if not 0 < top <= 1:
        raise Unsupported(f"top={top} is no share of the passages. Give a number above 0, 1 at most.")
    found = np.full(documents, np.nan)
    for at in range(documents):
        own = np.sort(score[(document == at) & ~np.isnan(score)])[::-1]
        if len(own):
            found[at] = own[: max(1, int(np.ceil(top * len(own) - 1e-9)))].mean()
    return found


def _sum(values: Float[ndarray, "passage token"]) -> Float[ndarray, " passage"]:
    known = ~np.isnan(values)
    return np.where(known.any(axis=1), np.where(known, values, 0.0).sum(axis=1, dtype=np.float64), np.nan)


def _mean(values: Float[ndarray, "passage token"]) -> Float[ndarray, " passage"]:
    return _sum(values) / np.maximum(np.count_nonzero(~np.isnan(values), axis=1), 1)


def _mean_of_lowest(values: Float[ndarray, "passage token"], share: float) -> Float[ndarray, " passage"]:
    if not 0 < share <= 1:
        raise Unsupported(f"share={share} is no share of the tokens. Give a number above 0, 1 at most.")
    ordered = np.sort(values.astype(np.float64), axis=1)  # NaN are last
    count = np.count_nonzero(~np.isnan(values), axis=1)
    taken = np.maximum(np.ceil(share * count - 1e-9), 1)
    within = np.arange(values.shape[1])[None] < np.minimum(taken, count)[:, None]
    total = np.where(within, ordered, 0.0).sum(axis=1)
    return np.where(count > 0, total / taken, np.nan)


def _check_count(given: int, passages: int, what: str) -> None:
    if given != passages:
        raise InvalidData(f"There are {given} {what} for {passages} passages. Give one for each, in their order.")
