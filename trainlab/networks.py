"""Small networks whose parameters are one vector, and their training losses as surfaces.

Everything here is float64: stability limits and curvatures are measured, and float32 rounding would show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainlab.surfaces import Array

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "linear": lambda z: z,
}

CHUNK = 512
"""Points of a batch that are evaluated at once: bounds the memory that a fine grid takes."""


@dataclass(frozen=True)
class MLP:
    """A fully connected network: `widths` from input to output, an activation on hidden layers, a linear output.

    Its parameters are one vector theta of `size` numbers, layer after layer: the weights W (out, in) by rows, then the
    biases b (out,).
    """

    widths: tuple[int, ...]
    activation: Literal["tanh", "sigmoid", "relu", "linear"] = "tanh"

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(out, in) of every weight matrix."""
        return list(zip(self.widths[1:], self.widths[:-1], strict=True))

    @property
    def size(self) -> int:
        return sum(out * (fan_in + 1) for out, fan_in in self.shapes)

    def layers(self, theta: Tensor) -> list[tuple[Tensor, Tensor]]:
        """The (W, b) of each layer: views into theta (size,), or (..., size) for many networks at once."""
        sizes = [n for out, fan_in in self.shapes for n in (out * fan_in, out)]
        blocks, many = theta.split(sizes, dim=-1), theta.shape[:-1]
        return [
            (W.view(*many, *shape), b)
            for W, b, shape in zip(blocks[::2], blocks[1::2], self.shapes, strict=True)
        ]

    def forward(self, theta: Tensor, inputs: Tensor) -> Tensor:
        """Outputs (N, out) for inputs (N, in) and theta (size,); (..., N, out) for theta (..., size)."""
        *hidden, (W, b) = self.layers(theta)
        for V, c in hidden:
            inputs = ACTIVATIONS[self.activation](inputs @ V.mT + c.unsqueeze(-2))
        return inputs @ W.mT + b.unsqueeze(-2)

    def initial(self, seed: int, scale: float = 1.0) -> Array:
        """A start (size,): weights normal with standard deviation scale / sqrt(fan-in), biases zero."""
        rng = np.random.default_rng(seed)
        blocks = [
            (rng.normal(size=out * fan_in) * scale / np.sqrt(fan_in), np.zeros(out))
            for out, fan_in in self.shapes
        ]
        return np.concatenate([part for block in blocks for part in block])


@dataclass(frozen=True)
class ResidualMLP(MLP):
    """An MLP whose hidden layers after the first add to what they get: h <- h + phi(W h + b) (He et al. 2015).

    The hidden widths are equal. With `post_norm`, every sum is normalised over its row to mean 0 and variance 1, the
    place that layer normalisation has in the first transformers (Vaswani et al. 2017), here without gain and bias.
    """

    post_norm: bool = False

    def forward(self, theta: Tensor, inputs: Tensor) -> Tensor:
        """Outputs, as in `MLP.forward`."""
        phi = ACTIVATIONS[self.activation]
        (W, b), *blocks, (V, c) = self.layers(theta)
        h = phi(inputs @ W.mT + b.unsqueeze(-2))
        for W, b in blocks:
            h = h + phi(h @ W.mT + b.unsqueeze(-2))
            if self.post_norm:
                h = torch.nn.functional.layer_norm(h, h.shape[-1:])
        return h @ V.mT + c.unsqueeze(-2)

    def initial(self, seed: int, scale: float = 1.0) -> Array:
        """A start (size,) as in `MLP.initial`, the weights of the L blocks divided by sqrt(L): their sum stays bounded."""
        blocks = len(self.widths) - 3
        theta = super().initial(seed, scale)
        first = (self.widths[0] + 1) * self.widths[1]
        last = (self.widths[-2] + 1) * self.widths[-1]
        theta[first : len(theta) - last] /= np.sqrt(max(blocks, 1))
        return theta


@dataclass(frozen=True, eq=False)
class Objective:
    """Any differentiable loss of one parameter vector, as a surface: numpy in, numpy out.

    `loss` maps a float64 tensor (n,) to a scalar tensor. `trainlab.curvature` differentiates it a second time. Like
    every surface it takes a batch of points (..., n) too: 400 small networks train in one run.
    """

    loss: Callable[[Tensor], Tensor]

    def value(self, w: Array) -> Any:
        with torch.no_grad():
            losses = self._each(torch.tensor(w, dtype=torch.float64))
        return losses.item() if losses.ndim == 0 else losses.numpy()

    def grad(self, w: Array) -> Array:
        theta = torch.tensor(w, dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(self._each(theta).sum(), theta)
        return np.asarray(gradient.numpy())

    def _each(self, theta: Tensor) -> Tensor:
        """The loss at each of the points (..., n): a tensor (...)."""
        if theta.ndim == 1:
            return self.loss(theta)
        points = theta.reshape(-1, theta.shape[-1])
        return torch.vmap(self.loss, chunk_size=CHUNK)(points).reshape(theta.shape[:-1])


def half_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Half the squared distance between output and target, summed over outputs, averaged over the N rows."""
    return 0.5 * (outputs - targets).square().sum(dim=1).mean()


def training_loss(
    network: MLP,
    inputs: Array,
    targets: NDArray[Any],
    loss: Callable[[Tensor, Tensor], Tensor] = half_squared_error,
) -> Objective:
    """The full-batch loss of `network` on inputs (N, in) and targets, as a function of its parameter vector.

    `loss` takes outputs (N, out) and the targets as a tensor: `torch.nn.functional.cross_entropy` with integer labels
    (N,) does, and so does the default with targets (N, out).
    """
    x, t = torch.tensor(inputs, dtype=torch.float64), torch.tensor(targets)
    return Objective(lambda theta: loss(network.forward(theta, x), t))
