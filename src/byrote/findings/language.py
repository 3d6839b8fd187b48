"""What a language model gives back of its training text: every number with its interval, and what it does not show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from byrote.errors import InvalidData, Unsupported
from byrote.lm.attack_judgement import judge_passages
from byrote.lm.auditing import LanguageAudit
from byrote.lm.blind import BlindText, blind_text
from byrote.lm.exposure import NullCheck, exposure_by_copies, null_check
from byrote.lm.extraction import (
    Extracted,
    ExtractionRate,
    extraction_rates,
    greedily_extracted,
    log_probability_of_suffix,
    samples_needed,
)
from byrote.lm.membership import loss_score, min_k_plus_plus_score, min_k_score, zlib_score
from byrote.lm.rates import paired_difference, rate
from byrote.lm.teacher_forcing import Forced
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured

SAMPLES, CHANCE = 100, 0.5
"""(n, p): a passage counts as discoverable when 100 samples contain it with probability one half."""

FPR = 0.01
"""False-positive rate of membership attacks."""

NO_CONTROL = NotMeasured("No control text was given: text of the same kind that the model was not trained on.")

KINDS = ("recite", "reconstruct", "recollect")


@dataclass(frozen=True)
class AttackOnText:
    """How well a score tells passages of the training text from those of the control text; .5 is chance.

    The intervals of all attacks hold at once (90 %, Bonferroni), so the choice of the best one does not favour it.
    """

    name: str
    auroc: Estimate
    tpr: Estimate | NotMeasured


@dataclass(frozen=True)
class TextMembership:
    """Attacks on passages, and what the texts give away by themselves, without the model (`blind`)."""

    attacks: tuple[AttackOnText, ...]
    blind: BlindText | NotMeasured


@dataclass(frozen=True)
class PlantedSecrets:
    """Mean exposure in bits by family and number of copies (0: never planted), and the check of those never planted.

    `at_least` are those (family, copies) of which one secret or more is likelier than all that it was compared with: their mean
    is at least the lower end of the interval, and nothing bounds it from above.
    """

    by_copies: tuple[tuple[str, int, Estimate], ...]
    at_least: frozenset[tuple[str, int]]
    null: NullCheck | NotMeasured


@dataclass(frozen=True)
class ShownPassage:
    """One passage to look at: its place in the table, its kind ("" where it was not extracted), and samples until it is drawn."""

    at: int
    kind: str
    samples: float


@dataclass(frozen=True)
class LanguageFindings:
    """All numbers of a language audit.

    `rates` are over prefix and suffix lengths, of all passages. `named` are the (prefix, suffix) at which more is recited than
    of control text, at a 5 % risk of naming any wrongly (Bonferroni). `headline` is the rate that the answer is about: of the
    longest suffix that is named, else at the longest prefix and suffix (`longest`). `by_copies` are those of the headline, by how
    often the passage stands in the training text. `untrained` is what an untrained model gives back, and `above_untrained` the
    difference. `distinct` counts different suffixes among the `extracted` passages, at the longest lengths. `shared` control
    passages have a suffix that stands in the training text; they count like all others, as training passages that are repeated
    do. `kinds` are shares of the extracted passages. `shown` are passages to look at, the extracted ones first.
    """

    audit: LanguageAudit
    rates: tuple[ExtractionRate, ...]
    by_copies: tuple[ExtractionRate, ...]
    named: tuple[tuple[int, int], ...]
    headline: ExtractionRate
    longest: ExtractionRate
    untrained: Estimate | NotMeasured
    above_untrained: Estimate | NotMeasured
    extracted: int
    distinct: int
    shared: int
    kinds: tuple[tuple[str, Estimate], ...]
    membership: TextMembership | NotMeasured
    secrets: PlantedSecrets | NotMeasured
    shown: tuple[ShownPassage, ...]


def language_findings(found: LanguageAudit, *, shown: int = 30) -> LanguageFindings:
    """Return the numbers of a language audit."""
    about = found.about
    control = found.control
    every = extraction_rates(
        found.extracted, about["suffixes"], control=control, reference=found.reference, n=SAMPLES, p=CHANCE
    )
    stricter = extraction_rates(found.extracted, about["suffixes"], control=control, level=1 - 0.1 / len(every))
    named = tuple((each.prefix, each.suffix) for each in stricter if each.above_control.low > 0)
    longest = next(each for each in every if (each.prefix, each.suffix) == (found.prefix, found.suffix))
    headline = _headline(every, named, longest)
    copies = found.corpus.copies if (found.corpus.copies > 0).any() else None
    own = Extracted({headline.prefix: found.extracted.forced[headline.prefix]}, found.extracted.document)
    by_copies = extraction_rates(own, [headline.suffix], copies=copies, n=SAMPLES, p=CHANCE)
    last = found.extracted.forced[found.prefix]
    hit = greedily_extracted(last.greedy)
    return LanguageFindings(
        found,
        every,
        by_copies[1:],
        named,
        headline,
        longest,
        *_untrained(found, hit),
        int(hit.sum()),
        len({found.corpus.after[i] for i in np.flatnonzero(hit)}),
        0 if found.control_text is None else int((found.control_text.suffix_copies > 0).sum()),
        tuple(
            (kind, Estimate.of_share(sum(row["kind"] == kind for row in found.kinds), len(found.kinds), "passage"))
            for kind in KINDS
        ),
        _membership(found, last, control),
        _secrets(found),
        _shown(found, last, hit, shown),
    )


def rate_rows(found: LanguageFindings) -> list[dict[str, Any]]:
    """Return one row per prefix length, suffix length and range of copies: shares with the ends of their intervals."""
    return [
        {
            "prefix": each.prefix,
            "suffix": each.suffix,
            "copies": "all" if not each.least_copies else copies_text(each),
            **each.greedy.cells("greedy"),
            **each.control.cells("control"),
            **each.above_control.cells("above control"),
            **each.discoverable.cells("discoverable"),
            "passages": each.greedy.n,
        }
        for each in (*found.rates, *found.by_copies)
    ]


@dataclass(frozen=True)
class ComparedModel:
    """One model beside the first, on the same passages: what it recites at the first one's headline lengths, and at what cost.

    `fewer` is the share that the first recites minus that of this model, paired by passage: above 0 is less memorization. `loss`
    is the mean loss per token on control text in nats, and `loss_change` its difference to the first, paired: above 0 is worse.
    `exposure` are mean exposures by family at the largest number of copies; see `PlantedSecrets` for `at_least`.
    """

    name: str
    recited: Estimate
    fewer: Estimate
    loss: Estimate
    loss_change: Estimate
    exposure: tuple[tuple[str, int, Estimate], ...]
    at_least: frozenset[tuple[str, int]]


def compared(found: Sequence[LanguageFindings]) -> tuple[ComparedModel, ...]:
    """Return the models of several audits of the same passages, beside the first; raise InvalidData where passages differ."""
    first = found[0]
    prefix, suffix = first.headline.prefix, first.headline.suffix
    rows: list[ComparedModel] = []
    for each in found:
        if not _same_passages(first.audit, each.audit) or prefix not in each.audit.extracted.forced:
            raise InvalidData(
                f"{each.audit.directory} and {first.audit.directory} ask for other passages. Compare audits of the same texts, seed, lengths and tokenizer."
            )
        hits, own = (
            greedily_extracted(one.audit.extracted.forced[prefix].first(suffix).greedy) for one in (first, each)
        )
        document = first.audit.extracted.document
        rows.append(
            ComparedModel(
                each.audit.about["model"]["name"],
                rate(own, document),
                paired_difference(hits, own, document),
                *_losses(first, each),
                () if isinstance(each.secrets, NotMeasured) else _most_copies(each.secrets),
                frozenset() if isinstance(each.secrets, NotMeasured) else each.secrets.at_least,
            )
        )
    return tuple(rows)


def compared_rows(found: Sequence[LanguageFindings]) -> list[dict[str, Any]]:
    """Return one row per model, beside the first; none for a single audit."""
    if len(found) < 2:
        return []
    return [
        {
            "model": each.name,
            **each.recited.cells("recited"),
            **each.fewer.cells("fewer"),
            **each.loss.cells("loss"),
            **each.loss_change.cells("loss change"),
            **{k: v for family, copies, size in each.exposure for k, v in size.cells(f"exposure of {family}, {copies} copies").items()},
        }
        for each in compared(found)
    ]  # fmt: skip


def _same_passages(one: LanguageAudit, other: LanguageAudit) -> bool:
    """Return whether two audits ask for the same tokens, of the training text and of the control text."""
    for mine, others in ((one.corpus, other.corpus), (one.control_text, other.control_text)):
        if mine is None or others is None:
            if mine is not others:
                return False
        elif mine.passages.ids != others.passages.ids or not np.array_equal(
            mine.passages.tokens, others.passages.tokens
        ):
            return False
    return True


def _losses(first: LanguageFindings, each: LanguageFindings) -> tuple[Estimate, Estimate]:
    """Return the mean loss per token on control text, and the difference to the first model's, token by token."""
    if each.audit.control is None or first.audit.control is None:
        unknown = Estimate.undefined("document")
        return unknown, unknown
    own, other = (
        -one.forced[max(one.forced)].logprob.mean(1, dtype=np.float64)
        for one in (each.audit.control, first.audit.control)
    )
    document = each.audit.control.document
    return _mean(own, document), _mean(own - other, document)


def _mean(values: Float[ndarray, " passage"], document: Int[ndarray, " passage"]) -> Estimate:
    """Return the mean over passages, which are equally long, with the jackknife's interval over documents."""
    _, which = np.unique(document, return_inverse=True)
    sums, counts = np.bincount(which, values), np.bincount(which)
    if len(counts) < 2:
        return Estimate(float(values.mean()), np.nan, np.nan, len(counts), "document")
    return Estimate.of_parts(float(values.mean()), (sums.sum() - sums) / (counts.sum() - counts), "document")


def _most_copies(found: PlantedSecrets) -> tuple[tuple[str, int, Estimate], ...]:
    most = max(copies for _, copies, _ in found.by_copies)
    return tuple(each for each in found.by_copies if each[1] == most)


def copies_text(each: ExtractionRate) -> str:
    """Return a range of copies: `1`, `2-3`."""
    return (
        f"{each.least_copies}" if each.least_copies == each.most_copies else f"{each.least_copies}-{each.most_copies}"
    )


def _headline(
    rates: Sequence[ExtractionRate], named: Sequence[tuple[int, int]], longest: ExtractionRate
) -> ExtractionRate:
    """Return the rate of the longest suffix that is named; without control text, of the longest that is recited at all."""
    compared = [each for each in rates if not np.isnan(each.above_control.value)]
    shown = [each for each in compared if (each.prefix, each.suffix) in named]
    shown = shown or [each for each in rates if not compared and each.greedy.value > 0]
    return max(shown, key=lambda each: (each.suffix, each.prefix), default=longest)


def _untrained(
    found: LanguageAudit, hit: Bool[ndarray, " passage"]
) -> tuple[Estimate | NotMeasured, Estimate | NotMeasured]:
    if found.untrained is None:
        reason = NotMeasured("The model is a function without a module, so no untrained copy could be made.")
        return reason, reason
    document = found.extracted.document
    return rate(found.untrained, document), paired_difference(hit, found.untrained, document)


def _membership(found: LanguageAudit, last: Forced, control: Extracted | None) -> TextMembership | NotMeasured:
    if control is None or found.control_text is None:
        return NO_CONTROL
    other = control.forced[found.prefix]
    texts = [*found.corpus.after, *found.control_text.after]
    inside, outside = (np.unique(each.document, return_inverse=True) for each in (found.extracted, control))
    document = np.concatenate([inside[1], outside[1] + len(inside[0])])
    member = np.arange(len(inside[0]) + len(outside[0])) < len(inside[0])
    logprob, mean, deviation = (
        np.concatenate([getattr(last, name), getattr(other, name)]) for name in ("logprob", "mean", "deviation")
    )
    scores = {
        "loss": loss_score(logprob),
        "zlib": zlib_score(logprob, texts),
        "Min-K%": min_k_score(logprob),
        "Min-K%++": min_k_plus_plus_score(logprob, mean, deviation),
    }
    try:
        judged = [
            AttackOnText(name, *judge_passages(score, document, member, fpr=FPR, level=1 - 0.1 / len(scores)))
            for name, score in scores.items()
        ]
    except Unsupported as error:
        return NotMeasured.because(error)
    return TextMembership(tuple(judged), _blind(texts, document, member))


def _blind(
    texts: Sequence[str], document: Int[ndarray, " passage"], member: Bool[ndarray, " document"]
) -> BlindText | NotMeasured:
    """Judge documents by the text of one passage each, without the model: how many are asked of each says nothing."""
    first = np.unique(document, return_index=True)[1]
    try:
        return blind_text([texts[int(at)] for at in first], member)
    except Unsupported as error:
        return NotMeasured.because(error)


def _secrets(found: LanguageAudit) -> PlantedSecrets | NotMeasured:
    if not found.canaries:
        return NotMeasured("No canaries were planted in the training text.")
    rows = found.canaries
    by_copies: list[tuple[str, int, Estimate]] = []
    capped: set[tuple[str, int]] = set()
    for family in sorted({row["family"] for row in rows}):
        own = [row for row in rows if row["family"] == family]
        exposure, copies = (np.array([row[name] for row in own]) for name in ("exposure", "copies"))
        by_copies += [(family, count, size) for count, size in exposure_by_copies(exposure, copies).items()]
        full = np.array([not row["exact"] and row["exposure"] >= np.log2(row["ranked"]) - 1e-6 for row in own])
        capped |= {(family, int(count)) for count in np.unique(copies) if full[copies == count].any()}
    null = [row for row in rows if row["copies"] == 0]
    try:
        check: NullCheck | NotMeasured = null_check(
            np.array([row["exposure"] for row in null], np.float64),
            np.array([row["ranked"] for row in null], np.float64),
        )
    except Unsupported as error:
        check = NotMeasured.because(error)
    return PlantedSecrets(tuple(by_copies), frozenset(capped), check)


def _shown(found: LanguageAudit, last: Forced, hit: Bool[ndarray, " passage"], limit: int) -> tuple[ShownPassage, ...]:
    """Return extracted passages with different suffixes, the rarest first, and then those nearest to being recited."""
    log_pz = log_probability_of_suffix(last.sampled)
    needed = samples_needed(np.minimum(log_pz, 0.0), CHANCE)
    kind = {int(row["passage"]): str(row["kind"]) for row in found.kinds}
    order = np.lexsort((-log_pz, found.corpus.suffix_copies, ~hit))
    seen: set[str] = set()
    chosen: list[ShownPassage] = []
    for at in order.tolist():
        if len(chosen) == limit or (not hit[at] and len(chosen) >= limit // 3):
            break
        if found.corpus.after[at] not in seen:
            seen.add(found.corpus.after[at])
            chosen.append(ShownPassage(at, kind.get(at, ""), float(needed[at])))
    return tuple(chosen)
