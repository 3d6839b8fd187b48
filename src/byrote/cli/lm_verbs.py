"""The group of verbs for language models: `byrote lm`."""

import click

from byrote.cli.lm_audit_verbs import audit, demo, report
from byrote.cli.lm_corpus_verbs import dedup, index, trace
from byrote.cli.lm_memorize_verb import memorize


@click.group(short_help="Language models: corpora, and what of them is recited.")
def lm() -> None:
    """Language models: what of a corpus is repeated, and what of it a model recites.

    \b
    byrote lm demo                            train a small model, and see what it recites
    byrote lm audit MODEL --corpus FILES --control-corpus FILES
                                              measure what a model recites of its training text
    byrote lm report AUDIT [AUDIT ...]        write the report again, or compare models
    byrote lm memorize MODEL --wanted FILE    train a model until it recalls a list exactly
    byrote lm index FILES --out DIR           index a corpus, to search it exactly
    byrote lm trace OUTPUT --corpus DIR       mark what of a text stands in the corpus word for word
    byrote lm dedup FILES --out DIR           keep one copy of each document

    FILES are .txt, .jsonl, .parquet, folders of `datasets`, or directories of these.
    """


for verb in (demo, audit, report, memorize, index, trace, dedup):
    lm.add_command(verb)
