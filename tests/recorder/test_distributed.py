"""Two processes that train one model with gloo, and one process that sees the same batches: their records are the same."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, Subset, TensorDataset

from byrote.errors import ByroteError, InvalidData, WrongRecord
from byrote.record import Record
from byrote.recorder import DistributedRecorder, Recorder, own_runs, with_ids
from byrote.recorder.run_recording import RunRecording
from byrote.task.examples import Examples

N, EPOCHS, WORLD = 23, 2, 2  # 23 in two parts: one example is given twice

pytestmark = pytest.mark.cluster


def data() -> Any:
    source = torch.Generator().manual_seed(0)
    items = TensorDataset(torch.randn(N, 4, generator=source), torch.randint(0, 3, (N,), generator=source))
    return with_ids(items, [f"row {at}" for at in range(N)])


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(4, 3)


def loader(part: Any, rank: int, epoch: int, batch: int = 4) -> Any:
    sampler = DistributedSampler(part, WORLD, rank, shuffle=True, seed=3)
    sampler.set_epoch(epoch)
    return DataLoader(part, batch, sampler=sampler)


def distributed(rank: int, folder: str, address: str) -> None:
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=WORLD)
    try:
        network = DistributedDataParallel(model())
        optimizer = torch.optim.SGD(network.parameters(), lr=0.3)
        everything = data()
        recorder = DistributedRecorder(Path(folder) / "two", steps=EPOCHS)
        for epoch in range(EPOCHS):
            for inputs, labels, ids in loader(everything, rank, epoch):
                logits = network(inputs)
                loss = nn.functional.cross_entropy(logits, labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                recorder.seen(ids, logits, labels)
            with torch.no_grad():
                for inputs, labels, ids in loader(everything, rank, 0, 100):
                    recorder.clean(ids, network(inputs), labels)
            recorder.end_step(epoch + 1)
        refusals(rank, Path(folder))
        callbacks(Path(folder), network.module)
    finally:
        dist.destroy_process_group()


def refusals(rank: int, folder: Path) -> None:
    """Whatever stops the first process stops the others too, with the same sentence; and no one waits."""
    with pytest.raises(ByroteError, match="DistributedRecorder"):
        Recorder(folder / "alone", steps=1)
    with pytest.raises(WrongRecord, match="already finished"):
        DistributedRecorder(folder / "two", steps=EPOCHS)
    recorder = DistributedRecorder(folder / "wrong", steps=1)
    with pytest.raises(InvalidData, match="Nothing was recorded"):
        recorder.end_step(1)
    recorder.seen([rank], torch.zeros(1, 2 + rank), [0])
    with pytest.raises(InvalidData, match="2 outputs, and another one 3"):
        recorder.end_step(1)
    recorder = DistributedRecorder(folder / "wrong", run=1, steps=1)
    recorder.seen(["same"], torch.zeros(1, 2), [rank])
    with pytest.raises(InvalidData, match="'train/same' has label 1 here and 0 elsewhere"):
        recorder.end_step(1)


def callbacks(folder: Path, network: nn.Module) -> None:
    """What the callbacks of training libraries use takes the distributed recorder by itself."""
    inputs, labels = data().dataset.tensors
    (run,) = own_runs(folder / "own", Examples(inputs.numpy(), labels.numpy()), runs=1)
    recording = RunRecording(run, 1)
    assert isinstance(run.train, Subset)
    for x, y, ids in loader(run.train, dist.get_rank(), 0):
        recording.seen(ids, network(x), y)
    recording.end_epoch(1, network)


def alone(folder: Path) -> None:
    """The same updates in one process: the batches of both ranks in turns, and the mean of their gradients."""
    network, everything = model(), data()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.3)
    recorder = Recorder(folder / "one", steps=EPOCHS)
    for epoch in range(EPOCHS):
        for together in zip(*(loader(everything, rank, epoch) for rank in range(WORLD)), strict=True):
            optimizer.zero_grad()
            for inputs, labels, ids in together:
                logits = network(inputs)
                (nn.functional.cross_entropy(logits, labels) / WORLD).backward()
                recorder.seen(ids, logits, labels)
            optimizer.step()
        with torch.no_grad():
            for rank in range(WORLD):
                for inputs, labels, ids in loader(everything, rank, 0, 100):
                    recorder.clean(ids, network(inputs), labels)
        recorder.end_step(epoch + 1)


@pytest.mark.skipif(sys.platform == "win32", reason="gloo over a file")
def test_two_processes_record_what_one_would(tmp_path: Path) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    mp.spawn(distributed, (str(tmp_path), f"file://{tmp_path}/meeting"), nprocs=WORLD)
    alone(tmp_path)
    one, two = Record(tmp_path / "one"), Record(tmp_path / "two")
    assert one.population.ids.tolist() == two.population.ids.tolist()
    np.testing.assert_array_equal(one.population.labels, two.population.labels)
    np.testing.assert_array_equal(one.member(0), two.member(0))
    assert one.member(0).all()
    for step in (1, 2):
        for column in one.layout.columns:
            np.testing.assert_allclose(two.at_step(0, column, step), one.at_step(0, column, step), rtol=2e-5, atol=1e-6)
    given = [ids for rank in range(WORLD) for *_, ids in loader(data(), rank, 0)]
    assert len([name for ids in given for name in ids]) == N + 1, "the sampler gives one example twice"
    own = Record(tmp_path / "own")
    assert own.member(0).sum() == 16
    assert np.isfinite(own.at_step(0, "loss", 1)).all()
    assert own.population.inputs.shape == (N, 4)


def test_one_process_is_told_to_use_a_recorder(tmp_path: Path) -> None:
    with pytest.raises(ByroteError, match=r"use byrote.Recorder"):
        DistributedRecorder(tmp_path / "record", steps=1)
