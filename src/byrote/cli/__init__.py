"""The command line: few verbs, each one library call. stdout is data, stderr is messages, a failure is a message and status 1."""

import os
import sys

import click

from byrote.cli.action_verbs import relabel, remove
from byrote.cli.audit_verb import audit
from byrote.cli.c_profile_verb import c_profile
from byrote.cli.causes_verb import causes
from byrote.cli.compare_verb import compare
from byrote.cli.interruption import interruptible
from byrote.cli.lm_verbs import lm
from byrote.cli.memorize_verb import memorize
from byrote.cli.model_verbs import attribute, locate
from byrote.cli.output import message
from byrote.cli.recall_verbs import recall
from byrote.cli.record_verbs import attack, catalogue, report, score
from byrote.cli.reproduce_verb import reproduce
from byrote.cli.tool_verbs import export, import_decisions, log
from byrote.cli.train_verb import train
from byrote.cli.view_verb import view
from byrote.errors import ByroteError
from byrote.version import __version__

GONE = "byrote: The current directory was deleted. Change to one that exists; finished runs elsewhere are kept."


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="byrote")
@click.option("--debug", is_flag=True, help="Show the traceback of an error. Give it before or after the verb.")
def app(debug: bool) -> None:
    """Measure, explain and control what networks memorize.

    \b
    byrote audit fashion                      audit the data that ships with byrote
    byrote audit my_task.py                   audit your own task
    byrote train fashion --hold memorization=.2
                                              train a model while memorization is held at a target
    byrote view audits/fashion                look at the examples, and decide about them
    byrote score audits/fashion memorization  print a score, example by example
    byrote attack audits/fashion              run membership attacks on the models of a record
    byrote remove fashion audits/fashion      retrain without the most memorized examples
    byrote locate fashion audits/fashion      find the layers that keep what a run memorized
    byrote compare fashion                    compare remedies against memorization
    byrote causes fashion                     find out by experiment why a model memorizes
    byrote memorize fashion --wanted 100      train so that a list of examples is recalled
    byrote recall compare                     compare a wanted list in the weights and in memories
    byrote log audits/fashion --to mlflow     log an audit to MLflow or TensorBoard
    byrote export audits/fashion --to label-studio --out suspects
                                              write doubtful labels for another tool
    byrote import audits/fashion decided.json --out decisions
                                              read what people decided about them
    byrote reproduce arpit2017                repeat the experiments of a paper, figure by figure
    byrote lm trace OUTPUT --corpus FILES     mark what of a text stands in a corpus word for word
    byrote recall look-up DIR QUERIES.npy     look queries up in an explicit memory

    audit, train, compare, memorize, recall compare, locate, attribute, remove and causes execute the Python file or module
    that TASK names, and score the file of a score of your own. attack, c-profile, relabel, report, view, log, export, import,
    catalogue, reproduce, lm and the other verbs of recall execute nothing but byrote, whatever the record, the corpus or the
    memory holds.
    """


for verb in (
    audit,
    train,
    compare,
    memorize,
    score,
    c_profile,
    attack,
    locate,
    attribute,
    remove,
    relabel,
    causes,
    report,
    view,
    log,
    export,
    import_decisions,
    catalogue,
    reproduce,
    recall,
    lm,
):
    app.add_command(verb)


def main() -> None:
    """Run the command line; the only place where an error becomes a message and an exit status."""
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    if not _is_here():  # torch cannot even be loaded there
        message(GONE)
        sys.exit(1)
    with interruptible():
        _run(arguments, debug=debug)


def _run(arguments: list[str], *, debug: bool) -> None:
    try:
        app(arguments, prog_name="byrote", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (ByroteError, KeyboardInterrupt, click.Abort, OSError, MemoryError) as error:
        if debug:
            raise
        message(_message(error))
        sys.exit(1)


def _message(error: BaseException) -> str:
    if isinstance(error, ByroteError):
        return f"byrote: {error.on_command_line()}"
    if isinstance(error, OSError) and not _is_here():
        return GONE
    if isinstance(error, OSError):
        where = f" {error.filename}" if error.filename else ""
        return f"byrote: The operating system reports an error:{where} {error.strerror or error}. Check the path, its permissions and the space left; finished runs are kept."
    if isinstance(error, MemoryError):
        return "byrote: There is not enough memory. Use fewer --workers or fewer examples; finished runs are kept."
    return "byrote: Interrupted. What is finished is kept; the same command goes on from there."


def _is_here() -> bool:
    try:
        return bool(os.getcwd())
    except FileNotFoundError:
        return False
