"""Controls that set a value of the recipe set it, and refuse what cannot train."""

import pytest

from byrote.controls import batch_size, clip, epochs, learning_rate, optimizer, parse_control
from byrote.errors import InvalidData
from byrote.task.schedule import cosine
from small import small_task


def test_each_sets_what_it_says() -> None:
    base = small_task(epochs=8)
    assert batch_size(8)(base).recipe.batch_size == 8
    assert learning_rate(cosine(0.3))(base).recipe.learning_rate == cosine(0.3)
    assert optimizer("adam(betas=(0.8, 0.9))")(base).recipe.optimizer == "adam(betas=(0.8, 0.9))"
    assert clip(2)(base).recipe.clip_norm == 2.0


@pytest.mark.parametrize(("number", "expected"), [(3, 3), (2.0, 16), (0.5, 4), (0.01, 1), (1, 1)])
def test_epochs_are_a_number_or_a_factor(number: float, expected: int) -> None:
    assert epochs(number)(small_task(epochs=8)).recipe.epochs == expected
    assert parse_control(str(epochs(number)))(small_task(epochs=8)).recipe.epochs == expected


@pytest.mark.parametrize(
    "text",
    [
        "batch_size(0)", "batch_size(2.5)", "batch_size(True)", "epochs(0)", "epochs(True)", "clip(0)", "clip_each(0)",
        "optimizer('adamm')", "optimizer('sgd(lr=1)')", "learning_rate(-1)",
    ],
)  # fmt: skip
def test_what_cannot_train_is_refused(text: str) -> None:
    with pytest.raises(InvalidData, match=text.split("(")[0]):
        parse_control(text)
