"""The verb lm memorize: a wanted list into the weights of a language model."""

from collections.abc import Sequence
from pathlib import Path

import click

from byrote.cli.options import seed_option
from byrote.cli.output import data_options, message, print_data, stage_bar


@click.command(short_help="Train a language model until it recalls a wanted list exactly, and see what that costs.")
@click.argument("model")
@click.option("--wanted", required=True, metavar="FILE", help="Prompts with answers (.jsonl, .csv, .parquet with `prompt` and `answer`), or passages.")  # fmt: skip
@click.option("--recall", default=0.99, show_default=True, help="Share of the list to be answered exactly: the floor.")
@click.option("--control-corpus", "control", multiple=True, metavar="FILES", help="Ordinary text that it should not get worse at. Repeatable.")  # fmt: skip
@click.option(
    "--unseen", metavar="FILE", help="Entries of the same form that are not to be learned, to measure leakage."
)
@click.option("--corpus", multiple=True, metavar="FILES", help="Training text of the model: is more of it recited? Repeatable.")  # fmt: skip
@click.option("--rehearse", multiple=True, metavar="FILES", help="Other ordinary text that is read along. Repeatable.")
@click.option("--lora", "rank", type=click.IntRange(1), metavar="RANK", help="Train a LoRA adapter of this rank, not the weights.")  # fmt: skip
@click.option("--epochs", type=click.IntRange(1), default=100, show_default=True, help="Passes over the list, at most.")
@click.option("--batch-size", type=click.IntRange(1), default=16, show_default=True, help="Entries of an update.")
@click.option("--learning-rate", type=float, default=1e-3, show_default=True, help="Rate of AdamW. Large models take less.")  # fmt: skip
@click.option("--prefix", type=click.IntRange(1), default=16, show_default=True, help="Tokens of a passage that are given.")  # fmt: skip
@click.option("--out", metavar="DIRECTORY", help="Directory of the model and the report. [default: models/NAME-wanted]")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, mps ...")
@seed_option
@data_options
def memorize(
    model: str,
    wanted: str,
    recall: float,
    control: Sequence[str],
    unseen: str | None,
    corpus: Sequence[str],
    rehearse: Sequence[str],
    rank: int | None,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    prefix: int,
    out: str | None,
    device: str,
    seed: int,
    form: str | None,
) -> None:
    """Train MODEL by rote until the floor of recall holds for the wanted list, or the passes are used up.

    MODEL is a folder that save_pretrained wrote, a Python file that defines `model`, which is then executed, or `scripture`, a
    small model that is trained first. The trained model is saved in DIRECTORY/model, for `byrote lm audit` and for transformers.
    Nothing is downloaded. Stop it at any time: what is learned is kept, and the same command goes on.
    """
    from byrote.lm.memorizing import memorize as run
    from byrote.lm.memorizing import numbers_of
    from byrote.lm.rote import Rote
    from byrote.report.rote_page import write_rote_report
    from byrote.report.rote_sentences import rote_sentences

    how = Rote(recall, epochs, batch_size, learning_rate, seed=seed)
    where = Path(out) if out else Path("models") / f"{Path(model).stem}-wanted"
    start = _scripture(where.parent) if model == "scripture" and not Path(model).exists() else model
    with stage_bar() as update:
        found = run(
            start, wanted, where, rote=how, method="full" if rank is None else "lora", rank=rank or 16,
            control=list(control) or None, unseen=unseen, corpus=list(corpus) or None, rehearse=list(rehearse) or None,
            prefix=prefix, device=device, progress=update,
        )  # fmt: skip
    page = write_rote_report(found)
    if form:
        print_data([_row(numbers_of(found))], form)
    else:
        click.echo("\n".join(each for each in rote_sentences(found) if each))
    (message if form else click.echo)(f"\nmodel: {where / 'model'}\nreport: {page}")


def _row(numbers: dict[str, object]) -> dict[str, object]:
    """Return the numbers of a run as one row: those that are nested are named by their way, such as `recall after value`."""
    found: dict[str, object] = {}
    for name, value in numbers.items():
        if isinstance(value, dict):
            found |= {f"{name} {inner}": each for inner, each in _row(value).items()}
        elif name != "passes":
            found[name] = value
    return found


def _scripture(folder: Path) -> str:
    """Return a Python file that defines the model of the task `scripture`; it is trained when the file is first read."""
    path = folder / "scripture.py"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(
            '"""A small language model of a part of the King James Bible; it is trained where it is not there yet."""\n\n'
            "from pathlib import Path\n\nfrom byrote.lm.demo import demo, trained\n\nmade = demo()\n"
            'model = trained(made.task(), made.encoder, Path(__file__).parent / "scripture")\n',
            encoding="utf-8",
        )
        message("The model scripture is trained first: 1 to 3 minutes.")
    return str(path)
