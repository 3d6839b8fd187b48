"""Fine-tuning with your own augmentation in loader workers: three lines record it, and a clean pass sees plain pictures.

python examples/fine_tuning.py [DIRECTORY]      (about a minute on two cores; finished runs are kept)

The backbone stands for a pretrained one, as from timm: here it learned to tell how a picture was turned, without labels.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import byrote
from byrote.recorder import OwnRun, WithIds
from byrote.scores import forgetting, memorization
from byrote.task.datasets.fashion_mnist import CLASSES, fashion

RUNS, EPOCHS, BATCH, TAKEN = 4, 6, 64, 600


class Pictures(Dataset[Any]):
    """Pictures with their labels, shifted and mirrored at random."""

    def __init__(self, examples: byrote.Examples) -> None:
        self.pictures, self.labels = torch.from_numpy(examples.inputs) / 255, torch.from_numpy(examples.labels)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        down, right = torch.randint(-2, 3, (2,)).tolist()
        picture = self.pictures[index].roll((down, right), (1, 2))
        return picture.flip(2) if torch.rand(()) < 0.5 else picture, self.labels[index]


def backbone() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten()
    )  # fmt: skip


def pretrained(pictures: Tensor) -> dict[str, Tensor]:
    """Return the weights of a backbone that tells by how many quarters a picture was turned."""
    torch.manual_seed(0)
    model = nn.Sequential(backbone(), nn.Linear(512, 4))
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for batch in pictures.repeat(2, 1, 1, 1).split(BATCH):
        turns = torch.randint(0, 4, (len(batch),))
        turned = torch.stack([one.rot90(int(turn), (1, 2)) for one, turn in zip(batch, turns, strict=True)])
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(turned), turns).backward()
        optimizer.step()
    return model[0].state_dict()


def fine_tune(run: OwnRun, weights: dict[str, Tensor]) -> float:
    torch.manual_seed(run.seed)
    body = backbone()
    body.load_state_dict(weights)
    model = nn.Sequential(body, nn.Linear(512, len(CLASSES)))
    optimizer = torch.optim.AdamW(
        [{"params": model[0].parameters(), "lr": 1e-3}, {"params": model[1].parameters(), "lr": 1e-2}]
    )
    loader = DataLoader(run.train, BATCH, shuffle=True, num_workers=2, persistent_workers=True)
    recorder = run.recorder(steps=EPOCHS)  # 1
    total = 0.0
    for epoch in range(EPOCHS):
        model.train()
        for inputs, labels, ids in loader:
            logits = model(inputs)
            loss = nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            recorder.seen(ids, logits, labels)  # 2
            total = loss.item()
        if epoch + 1 == EPOCHS:
            for ids, logits, labels in predictions(model, run.all_train):
                recorder.clean(ids, logits, labels)
            for ids, logits, labels in predictions(model, run.test) if run.test else ():
                recorder.clean(ids, logits, labels, split="test")
        recorder.end_step(epoch + 1)  # 3
    return total


def predictions(model: nn.Module, data: WithIds) -> list[tuple[list[str], Tensor, Tensor]]:
    model.eval()
    with torch.inference_mode():
        return [(ids, model(inputs), labels) for inputs, labels, ids in DataLoader(data, 500)]


def taken(examples: byrote.Examples) -> byrote.Examples:
    """Return the first pictures, with an axis of one channel."""
    return byrote.Examples(examples.inputs[:TAKEN, None], examples.labels[:TAKEN], list(examples.ids[:TAKEN]))


def main(directory: Path) -> None:
    train, test = map(taken, fashion())
    augmented = Pictures(train)
    data, weights = byrote.with_ids(augmented, train.ids), pretrained(augmented.pictures)
    for run in byrote.own_runs(directory, data, test, clean=train, runs=RUNS, classes=CLASSES):
        print(f"run {run.number}: loss of the last batch {fine_tune(run, weights):.3f}", file=sys.stderr)

    record = byrote.Record(directory)
    causal, events = byrote.evaluate(memorization, record), byrote.evaluate(forgetting, record)
    print(f"{'example':<14} {'label':<11} memorization (90 % interval)  forgetting")
    for i in causal.ranked(record.population.where("train"))[:10]:
        label = record.classes[record.population.labels[i]]
        interval = f"{causal.value[i]:+.2f}  ({causal.low[i]:+.2f} to {causal.high[i]:+.2f})"
        print(f"{causal.ids[i]:<14} {label:<11} {interval:<28} {events.value[i]:>11.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "audits/fine_tuning"))
