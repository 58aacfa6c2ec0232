"""How long one update of a network takes, against the batch size: measured here and now, or as stored.

    mine = timing.update_times()                 # this machine's processor
    theirs = timing.stored()                     # the machine that built the lectures
    python -m trainlab.timing > trainlab/update_times.json

The network is the one of Hung-yi Lee's lecture of 2021 in spirit: 784 inputs, 10 classes and 60,000 rows, as in MNIST,
with one hidden layer of 256 ReLU units, in float32. The rows are random numbers: their values do not change the time.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trainlab.surfaces import Array

ROWS = 60_000
"""Rows of an epoch: as many as MNIST has."""
SIZES = (1, 10, 100, 1000, 10_000, 60_000)


@dataclass(frozen=True)
class UpdateTimes:
    """Seconds per update for several batch sizes, on one chip."""

    chip: str
    threads: int
    torch: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    """The median time of one update, per size."""

    @property
    def epochs(self) -> Array:
        """Seconds per epoch of 60,000 rows, per size: the update time times the number of updates."""
        return np.array(self.seconds) * ROWS / np.array(self.sizes)


def update_times(
    sizes: Sequence[int] = SIZES,
    device: str = "cpu",
    budget: float = 1.0,
    clock: Callable[[], float] = time.perf_counter,
) -> UpdateTimes:
    """Measure an update (forward, backward, step) on `device` for each batch size, about `budget` seconds each.

    The batch lies in the device's memory, in order: fetching and shuffling rows is not part of the time. At least three
    updates per size are timed, after two that are not. The random generator of torch is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
        inputs, labels = torch.randn(max(sizes), 784), torch.randint(0, 10, (max(sizes),))
    network, inputs, labels = network.to(device), inputs.to(device), labels.to(device)
    seconds = tuple(_update(network, inputs[:B], labels[:B], budget, clock) for B in sizes)
    return UpdateTimes(chip(device), torch.get_num_threads(), torch.__version__, tuple(sizes), seconds)


def _update(
    network: torch.nn.Module, x: torch.Tensor, y: torch.Tensor, budget: float, clock: Callable[[], float]
) -> float:
    """The median time of an update of `network` on one batch."""
    weights = list(network.parameters())
    times: list[float] = []
    stop = time.perf_counter() + budget
    while len(times) < 5 or time.perf_counter() < stop:
        start = clock()
        loss = torch.nn.functional.cross_entropy(network(x), y)
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.sub_(gradient, alpha=0.01)
        if x.is_cuda:
            torch.cuda.synchronize()  # a GPU works on after the call returns
        times.append(clock() - start)
    return float(np.median(times[2:]))


def chip(device: str = "cpu") -> str:
    """What the chip calls itself."""
    if device != "cpu":
        return str(torch.cuda.get_device_name(device))
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def stored() -> UpdateTimes:
    """What `update_times` gave on the machine that built the lectures."""
    numbers: dict[str, Any] = json.loads(
        resources.files("trainlab").joinpath("update_times.json").read_text()
    )
    sizes, seconds = tuple(numbers.pop("sizes")), tuple(numbers.pop("seconds"))
    return UpdateTimes(**numbers, sizes=sizes, seconds=seconds)


if __name__ == "__main__":
    torch.set_num_threads(1)  # its own clock counts all of its work, and none of other programs'
    print(json.dumps(asdict(update_times(clock=time.thread_time)), indent=1))
