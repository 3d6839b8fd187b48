"""An ordinary PyTorch loop with three added lines: eight models on random subsets, then the memorized examples.

python examples/own_loop.py [DIRECTORY]      (less than a minute on two cores; finished runs are kept)
"""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset, TensorDataset

import byrote
from byrote.record import finished_runs
from byrote.recorder import WithIds
from byrote.scores import forgetting, mean_confidence, memorization
from byrote.task.datasets.fashion_mnist import CLASSES, fashion

RUNS, EPOCHS, BATCH, SHARE = 8, 6, 64, 0.7


def dataset(examples: byrote.Examples) -> TensorDataset:
    return TensorDataset(torch.from_numpy(examples.inputs).float().flatten(1) / 255, torch.from_numpy(examples.labels))


def train(directory: Path, run: int) -> None:
    torch.manual_seed(run)
    train_data, test_data = fashion()
    examples = byrote.with_ids(dataset(train_data), train_data.ids)
    tested = byrote.with_ids(dataset(test_data), test_data.ids)
    chosen = Subset(examples, torch.randperm(len(examples))[: int(SHARE * len(examples))].tolist())
    loader = DataLoader(chosen, BATCH, shuffle=True, num_workers=2, persistent_workers=True)

    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, len(CLASSES)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    recorder = byrote.Recorder(directory, run=run, steps=EPOCHS, classes=CLASSES, train=train_data, test=test_data)  # 1
    for epoch in range(EPOCHS):
        model.train()
        for inputs, labels, ids in loader:
            logits = model(inputs)
            loss = nn.functional.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            recorder.seen(ids, logits, labels)  # 2
        if epoch + 1 == EPOCHS:  # memorization compares clean predictions on members and non-members
            for ids, logits, labels in predictions(model, examples):
                recorder.clean(ids, logits, labels)
            for ids, logits, labels in predictions(model, tested):
                recorder.clean(ids, logits, labels, split="test")
        recorder.end_step(epoch + 1)  # 3
    print(f"run {run}: training loss of the last batch {loss.item():.3f}", file=sys.stderr)


def predictions(model: nn.Module, data: WithIds) -> list[tuple[list[str], Tensor, Tensor]]:
    model.eval()
    with torch.inference_mode():
        return [(ids, model(inputs), labels) for inputs, labels, ids in DataLoader(data, 1000)]


def main(directory: Path) -> None:
    for run in range(RUNS):
        if run not in finished_runs(directory):
            train(directory, run)

    record = byrote.Record(directory)
    real = record.population.where("train")
    causal, *cheap = (byrote.evaluate(each, record) for each in (memorization, mean_confidence, forgetting))
    print(f"{'example':<14} {'label':<11} memorization (90 % interval)  mean confidence  forgetting")
    for i in causal.ranked(real)[:15]:
        label = record.classes[record.population.labels[i]]
        interval = f"{causal.value[i]:+.2f}  ({causal.low[i]:+.2f} to {causal.high[i]:+.2f})"
        print(f"{causal.ids[i]:<14} {label:<11} {interval:<28} {cheap[0].value[i]:>16.2f} {cheap[1].value[i]:>11.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "audits/own_loop"))
