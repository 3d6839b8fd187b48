import pytest
import torch
from torch import nn

from byrote.task.models import cnn, mlp, signal_cnn, suited


def weights(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (3, 32, 32), (8, 8), (3, 9, 14), (31, 17)])
@pytest.mark.parametrize("build", [cnn, mlp])
def test_one_logit_per_class(build: type, shape: tuple[int, ...]) -> None:
    logits = build(shape, 7)(torch.zeros(2, *shape))
    assert logits.shape == (2, 7)
    assert torch.isfinite(logits).all()


def test_grey_images_need_no_channel() -> None:
    torch.manual_seed(0)
    model, images = cnn((28, 28), 10), torch.rand(3, 28, 28)
    assert torch.equal(model(images), model(images[:, None]))


def test_size_is_as_documented_and_follows_the_width() -> None:
    assert round(weights(cnn((28, 28), 10)), -4) == 410_000
    assert weights(mlp((28, 28), 10, width=3)) == 784 * 3 + 3 + 30 + 10
    assert weights(cnn((28, 28), 10, width=4)) < weights(cnn((28, 28), 10)) / 10


@pytest.mark.parametrize(
    ("shape", "convolutional"),
    [((28, 28), True), ((1, 8, 8), True), ((3, 32, 32), True), ((12,), False), ((7, 28), False), ((5, 28, 28), False)],
)
def test_images_get_the_convolutional_network(shape: tuple[int, ...], convolutional: bool) -> None:
    model = suited(shape, 4)()
    assert any(isinstance(layer, nn.Conv2d) for layer in model.modules()) is convolutional
    assert model(torch.zeros(2, *shape)).shape == (2, 4)


def test_every_model_is_fresh() -> None:
    factory = suited((12,), 4)
    first, second = factory(), factory()
    assert first is not second
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


@pytest.mark.parametrize("shape", [(1, 200), (3, 40), (2, 5), (1, 1), (17,), (12, 1024)])
def test_signals_of_any_length_get_the_network_for_signals(shape: tuple[int, ...]) -> None:
    model = suited(shape, 4, kind="signal")()
    assert any(isinstance(layer, nn.Conv1d) for layer in model.modules())
    assert model(torch.randn(3, *shape)).shape == (3, 4)
    assert suited(shape, 4, kind="signal")(width=2).__class__ is nn.Sequential  # pyright: ignore[reportCallIssue]


def test_the_network_for_signals_does_not_depend_on_their_unit() -> None:
    assert round(weights(signal_cnn((1, 200), 10)), -3) == 89_000
    torch.manual_seed(0)
    model, signals = signal_cnn((1, 50), 3), torch.randn(20, 1, 50)
    assert torch.allclose(model(signals), model(signals * 1000 - 50), atol=1e-3)
