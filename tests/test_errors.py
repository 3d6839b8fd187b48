"""What users read when something goes wrong: the fact, and how to mend it, in the words of the door they came through."""

import inspect
import pickle
import re
from typing import Any, get_args

import pytest

import byrote
from byrote.cli import app
from byrote.errors import WORDS, ByroteError, InvalidData, Name, Remedy, missing_extra, unknown
from byrote.stats.not_measured import NotMeasured
from byrote.training.collect import collect

TAKES_A_VALUE = {"more_runs", "canaries", "probe", "device", "attribute", "extra"}


def test_long_lists_of_known_names_are_cut() -> None:
    said = str(unknown("column", "lable", ["label", *(f"t{at}" for at in range(250))]))
    assert "Did you mean 'label'?" in said
    assert said.endswith(" and 191 more.")


def test_each_door_has_its_own_words() -> None:
    error = InvalidData("The record has 4 runs, and this needs 8.", Remedy("more_runs", 8))
    assert (
        str(error)
        == "The record has 4 runs, and this needs 8. Call byrote.audit or byrote.collect again, with runs=8 or more."
    )
    assert error.on_command_line() == (
        "The record has 4 runs, and this needs 8. Run `byrote audit` with --runs 8 or more."
    )
    plain = ByroteError("Nothing helps.")
    assert str(plain) == plain.on_command_line() == plain.fact == "Nothing helps."
    assert plain.remedy is None


def test_a_record_made_in_python_is_no_matter_of_a_command() -> None:
    """Advice in a report is for whoever made its record: a command cannot go on with an estimator or a loop."""
    for name in ("more_runs", "more_epochs", "canaries", "probe"):
        for door in ("python", "loop"):
            said = NotMeasured("It needs more.", Remedy(name, 8, door)).reason
            assert "`byrote audit`" not in said
            assert said.startswith("It needs more.")
            assert said == InvalidData("It needs more.", Remedy(name, 8, door)).on_command_line()
    looped = InvalidData("It needs 8 runs.", Remedy("more_runs", 8, "loop"))
    assert str(looped) == "It needs 8 runs. Record 8 runs or more with your own training loop."
    assert str(InvalidData("No canaries.", Remedy("canaries", "noise=8", "loop"))) == "No canaries."


def test_an_error_comes_back_whole_from_another_process() -> None:
    error = pickle.loads(pickle.dumps(InvalidData("It is wrong.", Remedy("canaries", "noise={}"))))  # noqa: S301
    assert type(error) is InvalidData
    assert (error.fact, error.remedy) == ("It is wrong.", Remedy("canaries", "noise={}"))
    assert error.on_command_line().endswith("--canaries noise={} and another --out.")


def test_what_was_not_measured_keeps_the_remedy() -> None:
    missing = NotMeasured.because(InvalidData("It needs 8 runs.", Remedy("more_runs", 8)))
    assert missing == NotMeasured("It needs 8 runs.", Remedy("more_runs", 8))
    assert missing.reason == "It needs 8 runs. Run `byrote audit` with --runs 8 or more."
    assert NotMeasured("No canaries were planted.").reason == "No canaries were planted."


@pytest.mark.parametrize("name", get_args(Name))
def test_a_remedy_can_be_followed(name: Name) -> None:
    """Every option exists in the verb that the sentence names, every keyword is an argument of `collect` or of Compute."""
    python, command = WORDS[name]
    value = "curvature" if name in TAKES_A_VALUE else ""
    assert value in Remedy(name, value).in_python()
    assert value in Remedy(name, value).on_command_line()
    assert ("{}" in python + command) == (name in TAKES_A_VALUE)
    (verb,) = re.findall(r"`byrote (\w+)", command) or ["audit"]
    options = {option for parameter in app.commands[verb].params for option in parameter.opts} | {"--debug"}
    assert set(re.findall(r"--[a-z-]+", command)) <= options
    keywords = set(inspect.signature(collect).parameters) | set(inspect.signature(byrote.Compute).parameters)
    assert set(re.findall(r"(\w+)=", python)) <= keywords
    assert all(hasattr(byrote, each) for each in re.findall(r"byrote\.([A-Z]\w+)", python))


def test_all_names_have_words() -> None:
    assert set(WORDS) == set(get_args(Name))


def test_names_that_do_not_exist() -> None:
    error = unknown("score", "memorisation", ["memorization", "el2n"])
    assert error.fact == (
        "There is no score named 'memorisation'. Did you mean 'memorization'? Known: el2n, memorization."
    )
    assert "No known name is close to it." in unknown("score", "xyz", ["el2n"]).fact


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: byrote.Recipe(lr=0.1), "byrote.Recipe named 'lr'. Did you mean 'learning_rate'"),
        (lambda: byrote.Recipe(epoch=3), "Did you mean 'epochs'"),
        (lambda: byrote.Compute(worker=3), "Did you mean 'workers'"),
        (lambda: byrote.Canaries(mislabelled=3), "Did you mean 'mislabeled'"),
        (lambda: byrote.Classification(smoothing=0.1), "Did you mean 'label_smoothing'"),
        (lambda: byrote.Task(None, None, objectives="regression"), "Did you mean 'objective'"),
    ],
)
def test_a_misspelled_option_comes_with_the_nearest(call: Any, match: str) -> None:
    with pytest.raises(ByroteError, match=match):
        call()


def test_an_option_that_is_refused_leaves_the_signature() -> None:
    assert list(inspect.signature(byrote.Recipe).parameters)[:2] == ["epochs", "batch_size"]
    assert pickle.loads(pickle.dumps(byrote.Recipe(epochs=3))) == byrote.Recipe(3)  # noqa: S301


def test_an_extra_that_is_missing() -> None:
    error = missing_extra("Training on a cluster needs Ray", "ray")
    assert error.remedy == Remedy("extra", "ray")
    assert str(error) == error.on_command_line()
    assert str(error).endswith("Install the extra: pip install 'byrote[ray]'.")
