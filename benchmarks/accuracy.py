"""Accuracy: the Fashion-MNIST CNN of the lectures trained in tinynet and in PyTorch, side by side.

Both start from the same weights, see the same batches in the same order, and take the same Adam
steps; only what dropout drops is drawn by each in its own way.  So the accuracies must agree within
what changes from seed to seed.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy

import tinynet as tn
from tinynet.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D

from .measure.turns import machine

RESULTS = Path(__file__).parent / "results" / "accuracy.json"


class Effort(NamedTuple):
    """How much is trained."""

    pictures: int
    tested: int
    epochs: int
    seeds: tuple[int, ...]


FULL = Effort(60_000, 10_000, 3, (0, 1, 2))
QUICK = Effort(2_000, 2_000, 1, (0, 1))
BATCH = 128

Data = tuple[numpy.ndarray, numpy.ndarray]


def main(threads: int, quick: bool = False, record: bool = False) -> int:
    try:
        import torch
    except ModuleNotFoundError:
        print("accuracy: there is no PyTorch to compare with: pip install -e '.[bench]'.")
        return 1
    torch.set_num_threads(threads)
    effort = QUICK if quick else FULL
    try:
        train, test = (
            scaled(tn.data.fashion_mnist(split), count)
            for split, count in (("train", effort.pictures), ("test", effort.tested))
        )
    except tn.data.DataNotFoundError as error:
        print(f"accuracy: {error}")
        return 1
    facts = machine() | {"PyTorch": f"{torch.__version__}, {threads} threads"}
    for name, fact in facts.items():
        print(f"{name:12} {fact}")
    print(f"Fashion-MNIST, {len(train[0])} pictures, {effort.epochs} epochs, batch {BATCH}\n")

    rows: list[dict[str, Any]] = []
    for seed in effort.seeds:
        row: dict[str, Any] = {"seed": seed}
        for name, run in (("tinynet", in_tinynet), ("PyTorch", in_pytorch)):
            start = time.perf_counter()
            row[name] = run(train, test, effort.epochs, seed)
            seconds = time.perf_counter() - start
            print(f"seed {seed}  {name:8} {row[name]:7.2%}  {seconds:6.0f} s", flush=True)
        rows.append(row)
    summary = {}
    for name in ("tinynet", "PyTorch"):
        seen = [row[name] for row in rows]
        summary[name] = {"mean": statistics.mean(seen), "deviation": statistics.stdev(seen)}
        print(f"{name:8} {statistics.mean(seen):.2%} +- {statistics.stdev(seen):.2%}")
    if record and not quick:
        text = json.dumps(
            {"machine": facts, "effort": effort._asdict(), "runs": rows} | summary, indent=2
        )
        RESULTS.write_text(text + "\n")
        print(f"written: {RESULTS}", file=sys.stderr)
    return 0


def scaled(data: Data, count: int) -> Data:
    """uint8 pictures as float32 in [0, 1]."""
    pictures, labels = data
    return pictures[:count].astype(numpy.float32) / 255, labels[:count]


def model(seed: int) -> tn.Sequential:
    return tn.Sequential(
        [
            Conv2D(32, 3, activation="relu"),
            Conv2D(64, 3, activation="relu"),
            MaxPooling2D(),
            Dropout(0.25),
            Flatten(),
            Dense(128, activation="relu"),
            Dropout(0.5),
            Dense(10),
        ],
        input_shape=(28, 28, 1),
        rng=numpy.random.default_rng(seed),
    )


def in_tinynet(train: Data, test: Data, epochs: int, seed: int) -> float:
    """The share of test pictures that tinynet's model knows after the training."""
    network = model(seed)
    optimizer = tn.optim.Adam(network.parameters())
    data = tn.data.batches(*train, size=BATCH, rng=numpy.random.default_rng(seed + 1000))
    tn.fit(network, data, tn.cross_entropy, optimizer, epochs, progress=False)
    return tn.evaluate(network, test, metrics=[tn.metrics.accuracy])["accuracy"]


def in_pytorch(train: Data, test: Data, epochs: int, seed: int) -> float:
    """The same in PyTorch eager."""
    import torch

    torch.manual_seed(seed)
    network = torch_model(model(seed))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001, eps=1e-7)
    rng = numpy.random.default_rng(seed + 1000)
    x, labels = torch.from_numpy(train[0]), torch.from_numpy(train[1])
    network.train()
    for _ in range(epochs):
        order = torch.from_numpy(rng.permutation(len(x)))
        for start in range(0, len(x), BATCH):
            chosen = order[start : start + BATCH]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x[chosen]), labels[chosen]).backward()
            optimizer.step()
    network.eval()
    with torch.no_grad():
        parts = torch.from_numpy(test[0]).split(1000)
        predicted = torch.cat([network(part).argmax(1) for part in parts])
    return float((predicted == torch.from_numpy(test[1])).float().mean())


def torch_model(source: tn.Sequential) -> Any:
    """The same network with the same weights; it takes channels-last pictures, as ours does."""
    import torch
    from torch import nn

    class ChannelsFirst(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.permute(0, 3, 1, 2)

    class ChannelsLast(nn.Module):
        def forward(self, x: Any) -> Any:  # so that Flatten gives the order of ours
            return x.permute(0, 2, 3, 1)

    network = nn.Sequential(
        ChannelsFirst(),
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        ChannelsLast(),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )
    weights = iter(source.state_dict().values())
    with torch.no_grad():
        for layer in network:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                kernel = next(weights)  # (KH, KW, C, O) or (D, O)
                order = (3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)
                layer.weight.copy_(torch.from_numpy(kernel.transpose(order).copy()))
                layer.bias.copy_(torch.from_numpy(next(weights)))
    return network
