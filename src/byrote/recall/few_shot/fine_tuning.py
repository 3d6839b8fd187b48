"""Fine-tuning: a linear layer on an encoder, trained on the support by gradient steps (the baseline of Vinyals et al. 2016)."""

import copy
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from byrote.recall.few_shot.descent import descend


def fine_tuned_scores(
    model: nn.Module,
    support: Float[Tensor, "way shot *shape"],
    queries: Float[Tensor, "query *shape"],
    *,
    train: Literal["head", "all"] = "head",
    steps: int = 50,
    learning_rate: float = 0.01,
    seed: int = 0,
) -> Float[Tensor, "query way"]:
    """Logits of a copy of the model with a new linear layer, after `steps` of Adam on the whole support: high is likely.

    `train` says what is trained: the new layer ("head"; Chen et al. 2019, arXiv:1904.04232, call this the baseline), or the
    encoder too ("all"). The model itself is not changed. It is in evaluation mode: a support is too small a batch for the
    statistics of batch normalization.
    """
    way, shot = support.shape[:2]
    network = copy.deepcopy(model).eval() if train == "all" else model.eval()
    pictures, target = support.flatten(0, 1), torch.arange(way).repeat_interleave(shot)
    with torch.set_grad_enabled(train == "all"):
        vectors = network(pictures)
    generator = torch.Generator().manual_seed(seed)
    weight = (torch.randn(way, vectors.shape[1], generator=generator) * 0.01).requires_grad_()
    bias = torch.zeros(way, requires_grad=True)
    parameters = [weight, bias, *(network.parameters() if train == "all" else ())]

    def loss(_: int) -> Tensor:
        found = network(pictures) if train == "all" else vectors
        return nn.functional.cross_entropy(nn.functional.linear(found, weight, bias), target)

    descend(parameters, loss, updates=steps, learning_rate=learning_rate)
    with torch.no_grad():
        return nn.functional.linear(network(queries), weight, bias)


def train_classifier(
    model: nn.Module,
    pictures: Float[Tensor, "example *shape"],
    labels: Int[Tensor, " example"],
    *,
    epochs: int = 10,
    batch: int = 128,
    learning_rate: float = 2e-3,
    seed: int,
) -> list[float]:
    """Train the encoder with a linear layer to tell all training classes apart; return the loss of each epoch.

    What fine-tuning begins with. The layer is thrown away. The model is changed in place, and is in evaluation mode then.
    """
    generator = torch.Generator().manual_seed(seed)
    model.train()
    head = nn.Linear(model(pictures[:2]).shape[1], int(labels.max()) + 1)
    nn.init.normal_(head.weight, std=0.01, generator=generator)
    nn.init.zeros_(head.bias)
    optimizer = torch.optim.Adam([*model.parameters(), *head.parameters()], lr=learning_rate)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    losses: list[float] = []
    for _ in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(labels), generator=generator).split(batch):
            loss = nn.functional.cross_entropy(head(model(pictures[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        falling.step()
        losses.append(total / len(labels))
    model.eval()
    return losses
