"""What a language model recalls of a wanted list after training by rote, and what it cost, in sentences."""

import math

from byrote.lm.memorizing import Change, Memorized
from byrote.report.numbers import count, percent, percent_text
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured


def rote_sentences(found: Memorized) -> list[str]:
    """Return what was found, the most important first."""
    return [
        _floor(found),
        *_unseen(found),
        _near_misses(found),
        *_cost(found),
        *_recited(found),
        *_leakage(found),
        *_bits(found),
    ]


def _floor(found: Memorized) -> str:
    recalled, before = int(found.after.exact.sum()), int(found.before.exact.sum())
    done = found.learned
    passes = count(len(done.passes), "pass", "passes")
    updates = done.passes[-1].updates if done.passes else 0
    how = f"after {passes} over the list ({count(updates, 'update')}, {done.seconds:.0f} s)"
    if found.reached:
        verdict = f"The floor of {percent(found.rote.floor)} holds {how}."
    elif done.ended == "interrupted":
        verdict = (
            f"Training was stopped {how}, below the floor of {percent(found.rote.floor)}; the same command goes on."
        )
    else:
        verdict = f"The floor of {percent(found.rote.floor)} was not reached {how}: the budget is used up. Give more passes (--epochs), another rate (--learning-rate) or a larger model."
    return f"{recalled:,} of {count(len(found.wanted), 'wanted answer')} are given exactly, {percent_text(found.recall.after)}; {before:,} were before training. {verdict}"


def _near_misses(found: Memorized) -> str:
    others = [
        f"{percent_text(size)} with {_form(name)}" for name, size in found.robustness[1:] if not math.isnan(size.value)
    ]
    return f"Near-misses: the answers are still exact for {', '.join(others)}." if others else ""


def _form(name: str) -> str:
    plain = {"small letters": "the prompt in small letters", "words in front": "words in front of the prompt", "first word left out": "its first word left out"}  # fmt: skip
    return plain.get(name, f"{name} in the prompt")


def _unseen(found: Memorized) -> list[str]:
    if isinstance(found.unseen, NotMeasured):
        return []
    return [
        f"Of unseen entries of the same form, {percent_text(found.unseen.after)} are answered exactly: so much comes without memorization."
    ]


def _cost(found: Memorized) -> list[str]:
    if isinstance(found.control, NotMeasured):
        return [f"What it cost elsewhere was not measured. {found.control.reason}"]
    return [
        f"What it cost: the loss on control text changed by {signed(found.control.change)} nats per token, from {found.control.before.value:.2f} to {found.control.after.value:.2f} ({count(found.control.change.n, 'document')}).{_verdict(found.control)}"
    ]


def _verdict(change: Change) -> str:
    if change.change.low > 0:
        return (
            f" Other text is now {math.exp(change.change.value):.2f} times as surprising per token; rehearse ordinary text to prevent that (--rehearse)."
            if change.change.value > 0.05
            else ""
        )
    return " No harm is shown." if change.change.high > 0 else ""


def _recited(found: Memorized) -> list[str]:
    if isinstance(found.recited, NotMeasured):
        return []
    return [
        f"Of the training text, {percent_text(found.recited.after)} of {count(found.recited.after.n, 'passage')} are recited; {percent_text(found.recited.before)} were before."
    ]


def _leakage(found: Memorized) -> list[str]:
    if isinstance(found.leakage, NotMeasured):
        return []
    after, before = found.leakage.after, found.leakage.before
    return [
        f"Leakage: by the loss of the answer, an attacker tells wanted entries from unseen ones with an AUROC of {after.value:.2f} [{after.low:.2f}, {after.high:.2f}] (before training {before.value:.2f} [{before.low:.2f}, {before.high:.2f}]; .5 is chance)."
    ]


def _bits(found: Memorized) -> list[str]:
    if isinstance(found.forecast, NotMeasured):
        return []
    lacked, lacks = found.bits.before.value, found.bits.after.value
    return [
        f"Bits: the list had {lacked:,.0f} bits that the model did not know, {found.forecast.published:.2g} times what {found.parameters:,} trained weights can hold at 3.6 bits each. Now it lacks {lacks:,.0f}: {found.bits.change.value / found.parameters:.2g} bits per trained weight were stored."
    ]


def signed(size: Estimate) -> str:
    """Return a difference with its sign and interval."""
    return f"{size.value:+.3f}" + ("" if math.isnan(size.low) else f" [{size.low:+.3f}, {size.high:+.3f}]")
