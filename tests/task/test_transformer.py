"""The small language model: causal, the same alone and in a pack, and nothing that cannot be built."""

from functools import partial

import pytest
import torch

from byrote.controls import CONTROLS
from byrote.controls.dropout import places
from byrote.errors import InvalidData
from byrote.objectives import Tokens
from byrote.task.transformer import Transformer, transformer
from byrote.training.stacked import Stacked, fresh, obstacle
from controls.tasks import language_task

SMALL = partial(transformer, 20, 12, width=16, depth=2, heads=2)
TEXTS = torch.randint(0, 20, (6, 12), generator=torch.Generator().manual_seed(0))


def test_its_size_is_that_of_its_layers() -> None:
    width = 128
    block = 12 * width**2 + 13 * width
    assert sum(w.numel() for w in transformer(1024, 96).parameters()) == (1024 + 96) * width + 4 * block + 2 * width


def test_a_place_depends_on_what_is_before_it_alone() -> None:
    torch.manual_seed(0)
    model = SMALL().eval()
    changed = TEXTS.clone()
    changed[:, 7:] = (changed[:, 7:] + 1) % 20
    with torch.no_grad():
        one, other = model(TEXTS), model(changed)
        torch.testing.assert_close(model(TEXTS[:, :5]), one[:, :5])
    torch.testing.assert_close(one[:, :7], other[:, :7])
    assert not torch.allclose(one[:, 7:], other[:, 7:])


def test_attention_is_that_of_torch() -> None:
    torch.manual_seed(0)
    model = SMALL().eval()
    assert isinstance(model, Transformer)
    attention = model.blocks[0].attention
    x = torch.randn(3, 12, 16)
    query, key, value = attention.read(x).unflatten(2, (3, 2, 8)).permute(2, 0, 3, 1, 4)
    fused = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    torch.testing.assert_close(attention(x), attention.out(fused.transpose(1, 2).flatten(2)))


def test_it_stacks_without_a_loop() -> None:
    targets = torch.cat([TEXTS[:, 1:], torch.full((6, 1), -1)], 1)
    assert obstacle(SMALL, TEXTS, targets, Tokens(20)) == ""
    networks = [fresh(SMALL, seed, torch.device("cpu")) for seed in (0, 1)]
    with torch.no_grad():
        torch.testing.assert_close(Stacked(networks).ask(TEXTS)[1], networks[1](TEXTS))


def test_a_longer_text_is_refused() -> None:
    with pytest.raises(InvalidData, match="reads 12 tokens, and was given 13"):
        SMALL()(torch.zeros(1, 13, dtype=torch.long))


@pytest.mark.parametrize("sizes", [{"width": 10, "heads": 4}, {"width": 0}, {"heads": 0}, {"depth": -1}])
def test_sizes_that_cannot_be_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(InvalidData):
        transformer(20, 12, **sizes)


def test_controls_find_its_parameters_and_places() -> None:
    task = language_task()
    for text, parameters in (("width", {"width": 8}), ("depth", {"depth": 3})):
        model = CONTROLS[text](*({"width": 0.5, "depth": 2}[text],))(task).model
        assert model().state_dict().keys() == partial(task.model, **parameters)().state_dict().keys()  # pyright: ignore[reportCallIssue]
    assert places(SMALL) == ["dropout", "blocks.0.dropout", "blocks.1.dropout"]
