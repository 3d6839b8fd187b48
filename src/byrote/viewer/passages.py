"""Passages: those of a language audit, with the probability of each token, as its report shows them."""

from typing import Any

from byrote.findings.language import LanguageFindings, language_findings
from byrote.lm.auditing import read_audit
from byrote.record.storage import Place
from byrote.report.language_page import passage_card

SHOWN = 200
"""Passages at most: the extracted ones first, or those nearest to it."""


def read_language(directory: Place) -> LanguageFindings:
    """Return the numbers of a language audit. Raises WrongRecord where it is gone or damaged."""
    return language_findings(read_audit(str(directory)), shown=SHOWN)


def passages(found: LanguageFindings, *, redact: bool) -> list[dict[str, Any]]:
    """Return the passages: where each is from, its kind, and its tokens: text, probability, and whether it is the greedy one."""
    cards = [passage_card(found, each, redact) for each in found.shown]
    return [
        {
            "document": card.document,
            "source": card.source,
            "kind": card.kind,
            "recited": card.recited,
            "copies": card.copies,
            "samples": card.samples,
            "tokens": [
                [token.text, None if token.probability is None else round(token.probability, 3), token.greedy]
                for token in card.tokens
            ],
        }
        for card in cards
    ]
