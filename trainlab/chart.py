"""The chart of a training run: what to measure before changing anything, from one call.

    found = chart.record(net, step, F.cross_entropy, (x, y), (x_held, y_held), steps=100, rate=0.1)
    found.show(alt="...")
    found.readings()["update_largest"]

The run stays the script's own: `record` calls its `step` and looks at the network between the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainlab import plots
from trainlab.surfaces import Array

ROWS = 200
"""Training rows that gradients, activations and curvature are measured on."""
BATCHES = 8
"""Equal parts of these rows, whose gradients give the noise scale."""
UNITS = (nn.ReLU, nn.Tanh, nn.Sigmoid)
"""Modules whose outputs are hidden activations."""
FLAT = 0.1
"""A tanh or logistic unit counts as saturated on a row where its slope is below this part of the largest slope."""

Rows = tuple[Tensor, Tensor]
"""Inputs (N, ...) and labels (N,)."""
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Chart:
    """K examinations of a run, at `steps`; L weight matrices, H hidden layers. A number that is not finite stays as it is."""

    steps: Array
    """(K,) steps done when the numbers below were taken."""
    batch: Array
    """(T,) the loss that each step of the script returned."""
    train: Array
    """(K,) loss on all training rows."""
    held: Array
    """(K,) loss on the held-out rows."""
    accuracy: Array
    """(K,) share of training rows whose largest output is the label's."""
    held_accuracy: Array
    """(K,) the same on the held-out rows."""
    gradient: Array
    """(K, L) norm of the loss's gradient, for each weight matrix."""
    update: Array
    """(K, L) norm of the next step's change over the norm of the weights."""
    idle: Array
    """(K, H) share of units that are dead (ReLU: zero on every row) or of outputs that are saturated (tanh, logistic)."""
    spread: Array
    """(K, H + 1) standard deviation over rows, root mean square over units; the inputs first."""
    stability: Array
    """(K,) largest curvature times the learning rate: plain gradient descent is stable below 2."""
    norm: Array
    """(K, L) norm of each weight matrix."""
    noise: Array
    """(K,) gradient noise scale in rows: trace of the gradients' covariance over the squared norm of their mean."""
    repeat: Array
    """(K,) how much the held-out loss differs when it is asked for twice, over its size."""

    @property
    def smoothed(self) -> Array:
        """(T,) the batches' losses, each the mean of itself and up to nine before it."""
        total = np.cumsum(np.concatenate([[0.0], self.batch]))
        end = np.arange(1, len(total))
        begin = np.maximum(end - 10, 0)
        return np.asarray((total[end] - total[begin]) / (end - begin))

    def readings(self) -> dict[str, float]:
        """The chart in twenty numbers, as a doctor reads it out: start, end, smallest, largest."""
        update = np.median(self.update, axis=0)
        return {
            "start_loss": float(self.train[0]),
            "end_loss": float(self.train[-1]),
            "batch_loss": float(self.smoothed[-1]),
            "held_loss": float(self.held[-1]),
            "accuracy": float(self.accuracy[-1]),
            "held_accuracy": float(self.held_accuracy[-1]),
            "gradient_first": float(self.gradient[0, 0]),
            "gradient_last": float(self.gradient[0, -1]),
            "update_smallest": float(update.min()),
            "update_largest": float(update.max()),
            "update_growth": _ratio(self.update[-1].max(), self.update[0].max()),
            "idle_start": float(self.idle[0].max(initial=0.0)),
            "idle_end": float(self.idle[-1].max(initial=0.0)),
            "spread_inputs": float(self.spread[0, 0]),
            "spread_top": float(self.spread[0, -1]),
            "stability_start": float(self.stability[0]),
            "stability_end": float(self.stability[-1]),
            "norm_growth": _ratio(self.norm[-1].max(), self.norm[0].max()),
            "noise_scale": float(np.median(self.noise)),
            "repeat": float(self.repeat.max()),
        }

    def show(self, *, alt: str) -> None:
        """Six panels: losses, gradients, updates, idle units, spread of activations, curvature times rate."""
        plots.show(*panels(self), columns=3, height=4.0, alt=alt)


def _ratio(after: float, before: float) -> float:
    return float(after / before) if before > 0 else 1.0 if after == 0 else float("inf")


def record(
    net: nn.Module,
    step: Callable[[int], Any],
    loss: Loss,
    train: Rows,
    held: Rows,
    *,
    steps: int,
    rate: float,
    every: int = 10,
    scores: Callable[[Tensor], Tensor] | None = None,
) -> Chart:
    """Train by `step(0)`, `step(1)`, ... and examine the network before every `every`-th of them and after the last.

    `step(t)` makes one update and returns the loss of its batch. `loss` takes outputs (N, classes) and labels (N,).
    `scores` is how the script itself reads rows, by default the network in evaluation mode. `rate` is the step length, for the curvature's
    limit. `steps` is at least 1. What is measured leaves the run as it was: mode, gradients and random numbers are put back.
    """
    matrices = [p for p in net.parameters() if p.ndim > 1]
    read = scores if scores is not None else lambda rows: _evaluated(net, rows)
    batch: list[float] = []
    rows: dict[str, list[Any]] = {}
    direction: list[Tensor] = []
    for t in range(steps + 1):
        look = t % every == 0 or t == steps
        if look:
            with _undisturbed(net):
                found, direction = _examine(net, loss, read, train, held, matrices, direction)
            found["stability"] = rate * found["stability"]
            for name, value in {"steps": t, **found}.items():
                rows.setdefault(name, []).append(value)
            before = [W.detach().clone() for W in matrices]
        if t < steps:
            batch.append(float(torch.as_tensor(step(t)).detach()))
        if look:
            moved = [float((W.detach() - b).norm()) for W, b in zip(matrices, before, strict=True)]
            sizes = [_ratio(m, float(b.norm())) if m else 0.0 for m, b in zip(moved, before, strict=True)]
            rows.setdefault("update", []).append(sizes)
    rows["update"][-1] = rows["update"][-2]  # no step follows the last examination
    return Chart(
        batch=np.array(batch), **{name: np.array(values, dtype=np.float64) for name, values in rows.items()}
    )


def _evaluated(net: nn.Module, rows: Tensor) -> Tensor:
    training = net.training
    outputs: Tensor = net.eval()(rows)
    net.train(training)
    return outputs


@contextmanager
def _undisturbed(net: nn.Module) -> Iterator[None]:
    """What happens inside leaves mode, gradients, buffers and the random numbers of the run as they were."""
    training, buffers = net.training, [b.clone() for b in net.buffers()]
    with torch.random.fork_rng(devices=[]):
        yield
    net.train(training)
    with torch.no_grad():
        for buffer, kept in zip(net.buffers(), buffers, strict=True):
            buffer.copy_(kept)


def _examine(
    net: nn.Module,
    loss: Loss,
    read: Callable[[Tensor], Tensor],
    train: Rows,
    held: Rows,
    matrices: list[nn.Parameter],
    direction: list[Tensor],
) -> tuple[dict[str, Any], list[Tensor]]:
    """One examination by the names of `Chart`; the curvature without the rate, and the direction that it was found in."""
    found: dict[str, Any] = {}
    with torch.no_grad():
        for name, (x, y) in (("", train), ("held_", held)):
            outputs = read(x)
            found[f"{name}accuracy"] = float((outputs.argmax(dim=1) == y).float().mean())
            found["held" if name else "train"] = float(loss(outputs, y))
        again = float(loss(read(held[0]), held[1]))
    found["repeat"] = abs(again - found["held"]) / max(abs(found["held"]), 1e-12)

    net.eval()
    x, y = train[0][:ROWS], train[1][:ROWS]
    outputs, hidden = _watched(net, x)
    found["spread"] = [_spread(h) for h in (x, *(h for _, h in hidden))]
    found["idle"] = [_idle(unit, h) for unit, h in hidden]
    found["norm"] = [float(W.detach().norm()) for W in matrices]

    moving = [p for p in net.parameters() if p.requires_grad]
    gradient = _gradients(loss(outputs, y), moving, graph=True)
    norms = {id(p): float(g.detach().norm()) for p, g in zip(moving, gradient, strict=True)}
    found["gradient"] = [norms.get(id(W), 0.0) for W in matrices]
    found["stability"], direction = _curvature(gradient, moving, direction)
    found["noise"] = _noise_scale(net, loss, x, y, moving)
    return found, direction


def _watched(net: nn.Module, x: Tensor) -> tuple[Tensor, list[tuple[nn.Module, Tensor]]]:
    """The outputs, and every hidden layer's activations in the order in which they were computed."""
    seen: list[tuple[nn.Module, Tensor]] = []
    hooks = [
        module.register_forward_hook(lambda unit, _, h: seen.append((unit, h.detach())))
        for module in net.modules()
        if isinstance(module, UNITS)
    ]
    outputs: Tensor = net(x)
    for hook in hooks:
        hook.remove()
    return outputs, seen


def _spread(h: Tensor) -> float:
    return float(h.flatten(1).var(dim=0, correction=0).mean().sqrt())


def _idle(unit: nn.Module, h: Tensor) -> float:
    if isinstance(unit, nn.ReLU):
        return float((h == 0).all(dim=0).float().mean())
    slope = 1 - h**2 if isinstance(unit, nn.Tanh) else 4 * h * (1 - h)
    return float((slope < FLAT).float().mean())


def _gradients(value: Tensor, weights: list[nn.Parameter], graph: bool = False) -> list[Tensor]:
    """The gradient for each of `weights`, zero where the value does not depend on them."""
    if not value.requires_grad:
        return [torch.zeros_like(w) for w in weights]
    found = torch.autograd.grad(value, weights, create_graph=graph, allow_unused=True)
    return [torch.zeros_like(w) if g is None else g for w, g in zip(weights, found, strict=True)]


def _curvature(
    gradient: list[Tensor], weights: list[nn.Parameter], direction: list[Tensor], products: int = 8
) -> tuple[float, list[Tensor]]:
    """Largest curvature in size, by power iteration on Hessian-vector products (Pearlmutter 1994), from where it ended last time."""
    if not direction:
        generator = torch.Generator().manual_seed(0)
        direction = [torch.randn(w.shape, generator=generator, dtype=w.dtype) for w in weights]
        products *= 2
    curved = [k for k, g in enumerate(gradient) if g.requires_grad]
    size = 0.0
    for _ in range(products if curved else 0):
        pulled = [gradient[k] for k in curved], weights, [direction[k] for k in curved]
        found = torch.autograd.grad(*pulled, retain_graph=True, allow_unused=True)
        image = [torch.zeros_like(w) if h is None else h for w, h in zip(weights, found, strict=True)]
        size = float(torch.cat([h.flatten() for h in image]).norm())
        if not np.isfinite(size) or size == 0:
            return size, []
        direction = [h / size for h in image]
    return size, direction


def _noise_scale(net: nn.Module, loss: Loss, x: Tensor, y: Tensor, weights: list[nn.Parameter]) -> float:
    """The batch size at which noise and signal of a gradient are equal (McCandlish et al. 2018), from `BATCHES` parts of x."""
    parts = [
        torch.cat([g.flatten() for g in _gradients(loss(net(rows), labels), weights)])
        for rows, labels in zip(x.chunk(BATCHES), y.chunk(BATCHES), strict=True)
    ]
    each = torch.stack(parts).double()
    scatter = float(each.var(dim=0).sum())  # the covariance's trace over the rows of a part
    signal = float(each.mean(dim=0).square().sum()) - scatter / BATCHES
    return scatter * len(x) / BATCHES / signal if signal > 0 else float("inf")


def panels(chart: Chart) -> list[plots.Panel]:
    """The six panels of `Chart.show`."""
    t, last = chart.steps, len(chart.norm[0])
    Curve = plots.Curve

    def layers(values: Array, names: tuple[str, str]) -> list[plots.Curve]:
        ends = ((0, names[0], 0), (-1, names[1], 1))[: min(2, values.shape[1])]
        floor = 1e-12  # a logarithmic axis has no zero
        return [Curve(t, np.maximum(values[:, k], floor), name, colour=c) for k, name, c in ends]

    number = f"layer {last}"
    return [
        plots.lines(
            Curve(np.arange(1, len(chart.batch) + 1), chart.smoothed, "batches", colour=2),
            Curve(t, chart.train, "training", colour=0),
            Curve(t, chart.held, "held out", colour=1),
            xlabel="step",
            ylabel="loss",
            title="loss",
        ),
        plots.lines(
            *layers(chart.gradient, ("layer 1", number)),
            xlabel="step",
            ylabel="norm",
            title="gradient",
            logy=True,
        ),
        plots.lines(
            *layers(chart.update, ("layer 1", number)),
            xlabel="step",
            ylabel="ratio",
            title="update to weight",
            logy=True,
        ),
        plots.lines(
            *layers(chart.idle + 1e-12, ("first", "last")),
            xlabel="step",
            ylabel="share",
            title="idle units",
            ylim=(-0.05, 1.05),
        ),
        plots.lines(
            *layers(chart.spread, ("inputs", "top")),
            xlabel="step",
            ylabel="standard deviation",
            title="spread over rows",
            logy=True,
        ),
        plots.lines(
            Curve(t, np.full(len(t), 2.0), "limit 2", theory=True, colour=3),
            Curve(t, np.maximum(chart.stability, 1e-12), "measured", colour=0),
            xlabel="step",
            ylabel="λ · η",
            title="curvature times rate",
            logy=True,
        ),
    ]
