"""The verb that looks: a local page over audits, to look at their examples and decide about them."""

from collections.abc import Sequence

import click

from byrote.cli.output import message


@click.command(short_help="Look at audits in the browser, and decide about their examples.")
@click.argument("audits", nargs=-1, required=True)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the page. [default: any that is free]")
@click.option("--no-browser", is_flag=True, help="Print the address, and do not open a browser.")
@click.option("--redact", is_flag=True, help="Show no character of the passages of language audits.")
def view(audits: Sequence[str], port: int, no_browser: bool, redact: bool) -> None:
    """Show AUDITS in the browser: directories of audits, comparisons and language audits, any number of them.

    Their examples with all scores, one example followed through them, two audits compared, passages of language models; and
    what you decide: keep, relabel, drop, wanted, tags. Decisions are written to AUDIT/decisions.jsonl at once. The page is
    served to this machine only; the address that is printed holds its key. Executes nothing that AUDITS hold. Ctrl-C ends it.
    """
    from byrote.viewer import view as show

    def say(address: str) -> None:
        click.echo(address)
        message("Open this address on this machine; it holds the key, so do not pass it on. Ctrl-C ends.")

    message(f"opening {len(audits)} director{'y' if len(audits) == 1 else 'ies'} ...")
    show(audits, port=port, browser=not no_browser, redact=redact, say=say)
    message("\nbyrote view has ended. Decisions are kept beside the audits.")
