"""The verbs on language models: lm audit, lm report, lm demo."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from byrote.cli.lm_corpus_verbs import read, reading_options
from byrote.cli.options import seed_option
from byrote.cli.output import data_options, message, print_data, stage_bar

if TYPE_CHECKING:
    from byrote.findings.language import LanguageFindings
    from byrote.lm.beginning import First

redact_option = click.option("--redact", is_flag=True, help="Hide the text of all passages in the report.")
"""Adds --redact, as `redact`."""


class Lengths(click.ParamType[tuple[int, ...]]):
    """Numbers of tokens: `10,25,50`."""

    name = "NUMBERS"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the numbers of a text such as `10,25,50`."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value} is no list of whole numbers. Write 10,25,50.", param, ctx)


@click.command(short_help="Measure what a language model recites of its training text.")
@click.argument("model")
@click.option("--corpus", multiple=True, required=True, metavar="FILES", help="Training text of the model. Repeatable.")
@click.option("--control-corpus", "control", multiple=True, metavar="FILES", help="Text of the same kind that it was not trained on. Repeatable.")  # fmt: skip
@click.option(
    "--reference", metavar="MODEL", help="A model that was not trained on the corpus, with the same tokenizer."
)
@click.option(
    "--canaries", metavar="FILE", help="Secrets that were planted in the corpus, as write_canaries wrote them."
)
@click.option(
    "--prefix", "prefixes", type=Lengths(), default="10,25,50", show_default=True, help="Tokens that are given."
)
@click.option("--suffix", "suffixes", type=Lengths(), default="10,25,50", show_default=True, help="Tokens asked for.")
@click.option("--passages", type=click.IntRange(1), default=1000, show_default=True, help="Passages of each text, at most.")  # fmt: skip
@click.option("--first", default="auto", show_default=True, metavar="ID|none|auto", help="Token id in front of each passage. auto: what suits the model.")  # fmt: skip
@click.option("--temperature", type=float, default=1.0, show_default=True, help="Of drawn text.")
@click.option("--top-k", type=int, help="Tokens that drawn text is drawn from. [default: all]")
@click.option("--top-p", type=float, help="Probability that drawn text is drawn from. [default: all]")
@click.option("--out", metavar="DIRECTORY", help="Directory of the audit. [default: audits/NAME-lm]")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, mps ...")
@reading_options
@seed_option
@redact_option
@data_options
def audit(
    model: str,
    corpus: Sequence[str],
    control: Sequence[str],
    reference: str | None,
    canaries: str | None,
    prefixes: tuple[int, ...],
    suffixes: tuple[int, ...],
    passages: int,
    first: str,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    out: str | None,
    device: str,
    text: str,
    identifier: str,
    split: str,
    seed: int,
    redact: bool,
    form: str | None,
) -> None:
    """Ask MODEL to continue passages of its training text and of control text, and write what it recites to a report.

    MODEL is a folder that save_pretrained wrote (also of a LoRA adapter), a .gguf file, or a Python file that defines `model`,
    which is then executed. Nothing is downloaded, and no text leaves this machine. Stop it at any time: the same command goes on
    where it stopped.
    """
    from byrote.lm.auditing import audit as run
    from byrote.lm.models import read_model
    from byrote.lm.sampling import Sampling

    trained, other = read_model(model, device), None if reference is None else read_model(reference, device)
    training = read(corpus, text, identifier, split)
    unseen = read(control, text, identifier, split) if control else None
    where = Path(out) if out else Path("audits") / f"{Path(model).stem}-lm"
    with stage_bar() as update:
        made = run(
            trained, training, where, control=unseen, reference=other, canaries=canaries or (), prefixes=prefixes,
            suffixes=suffixes, limit=passages, first=_first(first), sampling=Sampling(temperature, top_k, top_p), seed=seed, progress=update,
        )  # fmt: skip
    _show([made.directory], form=form, redact=redact)


@click.command(short_help="Write the report of one language audit, or compare several.")
@click.argument("audits", nargs=-1, required=True)
@redact_option
@data_options
def report(audits: Sequence[str], redact: bool, form: str | None) -> None:
    """Write report.html into the first of AUDITS; further ones, of other models on the same text, are compared with it."""
    _show([Path(each) for each in audits], form=form, redact=redact)


@click.command(short_help="Train a small model on a public text with planted secrets, and see what it recites.")
@click.option("--out", metavar="DIRECTORY", default="audits/lm-demo", show_default=True, help="Directory of models and audits.")  # fmt: skip
@click.option("--remedy", "remedies", multiple=True, help="Control to try, such as 'goldfish(4)'. Repeatable. [default: deduplicate(0) and goldfish(4)]")  # fmt: skip
@click.option("--epochs", type=click.IntRange(1), help="Passes over the text. [default: 8]")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Number of training processes.")
@seed_option
@redact_option
@data_options
def demo(
    out: str, remedies: Sequence[str], epochs: int | None, workers: int, seed: int, redact: bool, form: str | None
) -> None:
    """Train a language model of a million weights on 344 KB of a public-domain text, with and without remedies, and audit each.

    Planted are verses with 1 to 16 copies and secrets, so it is known what could be recited. A few minutes on two cores. Stop
    it at any time: the same command goes on where it stopped.
    """
    from byrote.lm.demo_audit import REMEDIES, audited_demo

    with stage_bar(
        lambda: message(f"{1 + len(remedies or REMEDIES)} models are trained and asked, a few minutes on two cores.")
    ) as update:
        made = audited_demo(
            out, tuple(remedies) or REMEDIES, seed=seed, epochs=epochs, workers=workers, progress=update
        )
    _show([each.directory for each in made], form=form, redact=redact)


def _first(given: str) -> "First":
    """Return the first token that was asked for."""
    if given == "auto":
        return "auto"
    if given == "none":
        return None
    if not given.isdecimal():
        raise click.UsageError(f"--first {given} is no token id. Give a whole number, none, or auto.")
    return int(given)


def _show(directories: Sequence[Path], *, form: str | None, redact: bool) -> None:
    """Print what audits found, and write the report of the first."""
    from byrote.findings.language import compared_rows, language_findings, rate_rows
    from byrote.lm.auditing import read_audit
    from byrote.report.language_page import write_language_report
    from byrote.report.language_sentences import compared_sentences, language_sentences

    found: list[LanguageFindings] = [language_findings(read_audit(each)) for each in directories]
    page = write_language_report(found[0], others=found[1:], redact=redact)
    if form:
        print_data([*rate_rows(found[0]), *compared_rows(found)], form)
    else:
        click.echo("\n".join([*language_sentences(found[0]), *compared_sentences(found)]))
    (message if form else click.echo)(f"\nreport: {page}")
