"""Signatures read into needs, and the spelling of scores."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from byrote.errors import ByroteError, InvalidData
from byrote.signature import Need, Score, parse_call, score, spell


def _interval(*columns: ndarray[Any, Any], level: float) -> tuple[ndarray[Any, Any], ndarray[Any, Any]]:
    return columns[0] - level, columns[0] + level


@score(high="easy", interval=_interval)
def example_score(
    margin: Float[ndarray, "run step example"],
    correct: Bool[ndarray, "run target"],
    prediction: Int[ndarray, " example"],
    *,
    step: int = 20,
    name: str | None = None,
) -> Float[ndarray, "example target"]:
    """Say what it is, on one line.

    And more.
    """
    return margin[0, 0, :, None] + step


def test_a_signature_is_read_into_needs() -> None:
    assert isinstance(example_score, Score)
    assert example_score.needs == (
        Need("margin", ("run", "step", "example"), "float"),
        Need("correct", ("run", "target"), "bool"),
        Need("prediction", ("example",), "int"),
    )
    assert [str(need) for need in example_score.needs] == [
        "margin[run step example]",
        "correct[run target]",
        "prediction[example]",
    ]
    assert example_score.name == "example_score"
    assert example_score.key == ("example", "target")
    assert example_score.axes == {"run", "step", "example", "target"}
    assert example_score.defaults == {"step": 20, "name": None}
    assert example_score.summary == "Say what it is, on one line."
    assert example_score.source == "Signatures read into needs, and the spelling of scores."
    assert example_score.interval is not None


def test_it_is_called_on_bare_arrays_with_bound_options() -> None:
    columns = np.zeros((2, 3, 4)), np.zeros((2, 1), bool), np.zeros(4, int)
    assert example_score(*columns).tolist() == [[20]] * 4
    assert example_score.bind(step=5)(*columns).tolist() == [[5]] * 4
    assert example_score.bind(step=5)(*columns, step=7).tolist() == [[7]] * 4


def test_binding_returns_another_score_and_spells_itself() -> None:
    bound = example_score.bind(step=5).bind(name="a'b")
    assert str(example_score) == "example_score"
    assert str(bound) == 'example_score(step=5, name="a\'b")'
    assert bound.options == {"step": 5, "name": "a'b"}
    assert example_score.options == {"step": 20, "name": None}
    assert parse_call(str(bound)) == ("example_score", bound.bound)


def test_an_unknown_option_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ByroteError, match=r"example_score has no option 'epoch'\. Its options: step, name\."):
        example_score.bind(epoch=3)
    with pytest.raises(ByroteError, match="example_score has no option 'self'"):
        example_score.bind(self=1)


@pytest.mark.parametrize(("high", "sign"), [("memorized", 1), ("hard", 1), ("helps", 1), ("easy", -1)])
def test_sign_puts_hard_and_memorized_first(high: Any, sign: int) -> None:
    def plain(loss: Float[ndarray, " example"]) -> Float[ndarray, " example"]:
        return loss

    read = score(high=high)(plain)
    assert read.sign == sign
    assert read.interval is None
    assert read.summary == ""
    with pytest.raises(ByroteError, match="Its options: none"):
        read.bind(step=1)


def _no_annotation(loss) -> Float[ndarray, " example"]:  # type: ignore[no-untyped-def]
    return loss


def _unknown_axis(loss: Float[ndarray, "run sample"]) -> Float[ndarray, " example"]:
    return loss


def _no_key(loss: Float[ndarray, " example"]) -> float:
    return loss[0]


@pytest.mark.parametrize("function", [_no_annotation, _unknown_axis, _no_key])
def test_a_signature_that_does_not_name_its_axes_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="must be a jaxtyping array over"):
        score(high="hard")(function)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("el2n", ("el2n", {})),
        ("  el2n()  ", ("el2n", {})),
        ("el2n(step=20)", ("el2n", {"step": 20})),
        (
            "f(a=-1.5, b='x, y', c=None, d=(1, 2), e=True)",
            ("f", {"a": -1.5, "b": "x, y", "c": None, "d": (1, 2), "e": True}),
        ),
    ],
)
def test_parse_call(text: str, expected: tuple[str, dict[str, Any]]) -> None:
    assert parse_call(text) == expected
    assert parse_call(spell(*expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "el2n(",
        "el2n(20)",
        "el2n(*[1])",
        "el2n(step=x)",
        "el2n(step=1)(2)",
        "a.el2n(step=1)",
        "el2n; loss",
        "1",
        "el2n(step=1\x00)",
    ],
)
def test_parse_call_refuses_what_is_not_a_name_with_literals(text: str) -> None:
    with pytest.raises(ByroteError, match="is not a name with options"):
        parse_call(text)


def test_parse_call_evaluates_no_code() -> None:
    ran: list[int] = []
    builtins = __builtins__ if isinstance(__builtins__, dict) else vars(__builtins__)
    builtins["trap"] = lambda: ran.append(1)
    try:
        for text in ("f(a=trap())", "trap()", "f(a=[trap()])", "trap", "f(a=(lambda: trap())())"):
            with suppress(ByroteError):
                parse_call(text)
    finally:
        del builtins["trap"]
    assert ran == []


@score(high="hard")
def with_an_auxiliary(
    loss: Float[ndarray, "run example"], around: Float[ndarray, " example"] | None = None
) -> Float[ndarray, " example"]:
    """Mean loss, plus what is around."""
    return loss.mean(axis=0) + (0.0 if around is None else around)


def test_a_column_that_may_be_none_may_be_left_out() -> None:
    assert [need.optional for need in with_an_auxiliary.needs] == [False, True]
    assert [str(need) for need in with_an_auxiliary.needs] == ["loss[run example]", "around[example]"]
    assert not with_an_auxiliary.defaults
    loss = np.ones((2, 3))
    np.testing.assert_array_equal(with_an_auxiliary(loss), [1, 1, 1])
    np.testing.assert_array_equal(with_an_auxiliary(loss, np.arange(3.0)), [1, 2, 3])
    for wrong in ((), (loss, np.arange(3.0), np.arange(3.0))):
        with pytest.raises(InvalidData, match="reads loss"):
            with_an_auxiliary(*wrong)
