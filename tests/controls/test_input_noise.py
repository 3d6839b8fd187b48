"""Input noise: as much as it says, in each feature, from its seed alone."""

import pytest
import torch

from byrote.controls import input_noise
from byrote.errors import InvalidData
from controls.tasks import text_task

TABLE = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 50.0, 0.0]) + 7


def test_a_table_has_noise_in_standard_deviations_of_each_feature() -> None:
    added = input_noise(0.5).transform(TABLE, 0.5, 3) - TABLE
    assert added.std(0).tolist() == pytest.approx((0.5 * TABLE.std(0)).tolist(), rel=0.05)
    assert not added[:, 2].any(), "what is constant stays so"
    assert torch.corrcoef(added[:, :2].T)[0, 1].abs() < 0.05


def test_other_inputs_have_noise_in_the_standard_deviation_of_all_values() -> None:
    pictures = TABLE[:, :2].reshape(80, 10, 10)
    added = input_noise(0.5).transform(pictures, 0.5, 3) - pictures
    assert float(added.std()) == pytest.approx(0.5 * float(pictures.std()), rel=0.05)


def test_it_depends_on_its_seed_alone_and_leaves_whole_numbers() -> None:
    both = {"x": TABLE, "ids": torch.arange(4000)}
    first, again, other = (input_noise(0.5).transform(both, 0.5, seed) for seed in (3, 3, 4))
    assert torch.equal(first["x"], again["x"])
    assert not torch.equal(first["x"], other["x"])
    assert torch.equal(first["ids"], both["ids"])
    two = input_noise(0.5).transform((TABLE, TABLE), 0.5, 3)
    assert not torch.equal(two[0], two[1]), "each part has its own noise"


def test_token_ids_are_refused() -> None:
    with pytest.raises(
        InvalidData, match=r"is for inputs of real numbers, and an input of 'text' is text. Use token_dropout"
    ):
        input_noise(0.5)(text_task())
