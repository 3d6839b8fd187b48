"""What kind of data inputs are, the names and words that people read, and that a record keeps them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byrote.errors import ByroteError, InvalidData
from byrote.record import Population, write_population
from byrote.record.display import Display, channels, write_texts
from byrote.record.population import read_population
from byrote.task.canaries import Canaries, plant
from byrote.task.examples import Examples
from byrote.task.task import Task

NUMBERS = np.arange(8)


@pytest.mark.parametrize(
    ("inputs", "options", "kind", "shape"),
    [
        (np.zeros((8, 20)), {}, "table", (20,)),
        (np.zeros((8, 20)), {"kind": "signal"}, "signal", (1, 20)),
        (np.zeros((8, 3, 20)), {}, "signal", (3, 20)),
        (np.zeros((8, 20, 3)), {}, "signal", (3, 20)),
        (np.zeros((8, 1, 1, 20)), {}, "signal", (1, 20)),
        (np.zeros((8, 12, 1000)), {}, "signal", (12, 1000)),
        (np.zeros((8, 28, 28)), {}, "picture", (28, 28)),
        (np.zeros((8, 3, 32, 32)), {}, "picture", (3, 32, 32)),
        (np.zeros((8, 3, 32, 32), np.uint8), {}, "picture", (3, 32, 32)),
        (np.zeros((8, 20), np.int64), {}, "text", (20,)),
        (np.zeros((8, 2), np.int64), {"columns": ["age", "height"]}, "table", (2,)),
        (np.zeros((8, 2), np.int64), {"kind": "table"}, "table", (2,)),
        ({"ids": np.zeros((8, 9), np.int64), "mask": np.ones((8, 9))}, {}, "text", ()),
        (np.zeros((8, 5, 6, 7, 8)), {}, "", (5, 6, 7, 8)),
    ],
)
def test_the_kind_of_data_follows_from_type_and_shape(
    inputs: Any, options: dict[str, Any], kind: str, shape: tuple[int, ...]
) -> None:
    found = Examples(inputs, NUMBERS, **options)
    assert (found.display.kind, found.display.shape) == (kind, shape)
    assert found[NUMBERS[:3]].display == found.with_labels(found.labels).display == found.display


class Frame:
    """What pandas and polars have in common."""

    columns = ("age", "<b>height</b>")

    def to_numpy(self) -> Any:
        return np.arange(16).reshape(8, 2)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.to_numpy()


def test_a_frame_brings_its_column_names() -> None:
    found = Examples(Frame(), NUMBERS)
    assert found.display == Display("table", ("age", "<b>height</b>"), (2,))


def test_a_test_set_with_other_columns_is_refused() -> None:
    x, y = np.zeros((8, 2)), NUMBERS % 2
    train, swapped = Examples(x, y, columns=["a", "b"]), Examples(x, y, columns=["b", "a"])
    with pytest.raises(InvalidData, match=r"columns a, b, and test inputs b, a.* same order"):
        Task(lambda: None, train, swapped)  # type: ignore[arg-type,return-value]
    Task(lambda: None, train, Examples(x, y))  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": ["a"]}, "1 names in `columns`, but the inputs have 2 columns"),
        ({"kind": "picture"}, "cannot be shown as picture: they are float32 of shape"),
        ({"kind": "tabel"}, "Did you mean 'table'"),
        ({"show": lambda _: 3}, "`show` returned int for input 0. It must return text"),
        ({"show": lambda x: x.nothing}, "`show` failed on input 0: AttributeError"),
    ],
)
def test_what_does_not_fit_is_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ByroteError) as error:
        Examples(np.zeros((8, 2)), NUMBERS, **options)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        (None, "2 3 1 (0, 4 times)"),
        (["<pad>", "sat", "the", "cat"], "the cat sat"),
        ({"<pad>": 0, "sat": 1, "the": 2}, "the <3> sat"),
        ({0: "stop", 1: "sat", 2: "the", 3: "cat"}, "the cat sat (stop, 4 times)"),
        (lambda row: "first " + str(row[0]), "first 2"),
    ],
)
def test_texts_are_words_or_else_a_short_list_of_token_ids(show: Any, expected: str) -> None:
    tokens = np.array([[2, 3, 1, 0, 0, 0, 0]] * 8)
    assert write_texts(tokens, "text", show) == [expected] * 8
    both = {"ids": tokens, "mask": np.ones((8, 7))}
    if not callable(show):
        assert write_texts(both, "text", show) == [expected] * 8


def test_a_record_keeps_kind_names_and_words(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    signals = rng.normal(size=(8, 20, 3)).astype(np.float32)
    train = Examples(signals, NUMBERS % 2, columns=["x", "y", "z"], show=lambda one: f"{len(one)} steps \ud800")
    population = plant(Task(lambda: None, train), Canaries(), 0)  # type: ignore[arg-type,return-value]
    write_population(tmp_path, population)
    kept = read_population(tmp_path)
    assert kept.display == Display("signal", ("x", "y", "z"), (3, 20))
    assert np.array_equal(channels(kept.inputs, kept.display), signals.transpose(0, 2, 1))
    assert kept.texts == ["20 steps ?"] * 8


def test_a_record_that_says_nothing_of_its_data_is_read(tmp_path: Path) -> None:
    ids, split = np.array(["train/0", "train/1"]), np.array(["train", "train"])
    write_population(tmp_path, Population.of(ids, split, np.array([0, 1]), np.zeros((2, 3), np.float32)))
    kept = read_population(tmp_path)
    assert kept.display == Display()
    assert kept.texts is None
    assert kept.inputs.shape == (2, 3)
