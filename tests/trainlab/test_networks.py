"""Networks on one parameter vector against torch.nn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from trainlab.networks import ACTIVATIONS, MLP, Objective, ResidualMLP, half_squared_error, training_loss

MODULES = {
    "tanh": torch.nn.Tanh,
    "sigmoid": torch.nn.Sigmoid,
    "relu": torch.nn.ReLU,
    "linear": torch.nn.Identity,
}


def as_module(net, theta):
    layers = []
    for W, b in net.layers(torch.tensor(theta)):
        layer = torch.nn.Linear(W.shape[1], W.shape[0], dtype=torch.float64)
        layer.weight.data, layer.bias.data = W, b
        layers += [layer, MODULES[net.activation]()]
    return torch.nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("widths", [(3, 2), (3, 5, 2), (4, 3, 6, 1)])
def test_forward_is_torch_nn(widths, activation):
    net = MLP(widths, activation)
    theta = net.initial(0) + 0.1  # biases that are not zero
    x = torch.tensor(np.random.default_rng(1).normal(size=(7, widths[0])))
    out = net.forward(torch.tensor(theta), x)
    assert out.shape == (7, widths[-1])
    torch.testing.assert_close(out, as_module(net, theta)(x))


def test_size_counts_weights_and_biases():
    assert MLP((8, 16, 16, 10)).size == 8 * 16 + 16 + 16 * 16 + 16 + 16 * 10 + 10
    assert MLP((8, 16, 16, 10)).initial(0).shape == (586,)


@pytest.mark.parametrize("net", [MLP((3, 4, 4, 2)), ResidualMLP((3, 4, 4, 2), "relu", post_norm=True)])
def test_many_networks_at_once_are_each_of_them(net):
    theta = torch.tensor(np.random.default_rng(0).normal(size=(2, 3, net.size)))
    x = torch.tensor(np.random.default_rng(1).normal(size=(7, 3)))
    out = net.forward(theta, x)
    assert out.shape == (2, 3, 7, 2)
    for index in np.ndindex(2, 3):
        torch.testing.assert_close(out[index], net.forward(theta[index], x))


@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_initial_weights_have_variance_one_over_fan_in_and_biases_are_zero(scale):
    net = MLP((200, 300, 100))
    layers = net.layers(torch.tensor(net.initial(3, scale)))
    for W, b in layers:
        assert W.std().item() == pytest.approx(scale / np.sqrt(W.shape[1]), rel=0.02)
        assert b.abs().max() == 0


def test_initial_depends_on_the_seed_only():
    net = MLP((4, 3, 2))
    np.testing.assert_array_equal(net.initial(1), net.initial(1))
    assert not np.array_equal(net.initial(1), net.initial(2))


RNG = np.random.default_rng(0)
LOSSES: dict[str, tuple[Callable[..., torch.Tensor], Any]] = {
    "squared": (half_squared_error, RNG.normal(size=(9, 2))),
    "entropy": (torch.nn.functional.cross_entropy, RNG.integers(0, 2, size=9)),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_value_and_gradient_are_those_of_torch(loss):
    function, targets = LOSSES[loss]
    net, x = MLP((3, 4, 2)), np.random.default_rng(1).normal(size=(9, 3))
    objective, theta = training_loss(net, x, targets, function), net.initial(0)
    module = as_module(net, theta)
    expected = function(module(torch.tensor(x)), torch.tensor(targets))
    expected.backward()
    gradient = np.concatenate([p.grad.numpy().ravel() for p in module.parameters()])
    assert objective.value(theta) == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(objective.grad(theta), gradient, rtol=1e-10, atol=1e-14)


def test_half_squared_error_by_hand():
    outputs, targets = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 2.0]])
    assert half_squared_error(outputs, targets).item() == (0.5 * 5 + 0.5 * 4) / 2


def test_objective_keeps_to_float64_and_leaves_its_argument_alone():
    objective, w = Objective(lambda t: (t**2).sum()), np.array([1.0, 2.0])
    assert isinstance(objective.value(w), float)
    assert objective.grad(w).dtype == np.float64
    assert objective.grad(w).tolist() == [2.0, 4.0]
    assert w.tolist() == [1.0, 2.0]


def test_a_batch_of_parameter_vectors_is_its_members():
    rng = np.random.default_rng(0)
    net = MLP((3, 4, 2))
    objective = training_loss(net, rng.normal(size=(9, 3)), rng.normal(size=(9, 2)))
    w = rng.normal(size=(2, 3, net.size))
    values, grads = objective.value(w), objective.grad(w)
    assert values.shape == (2, 3)
    assert grads.shape == w.shape
    for index in np.ndindex(2, 3):
        assert values[index] == pytest.approx(objective.value(w[index]), rel=1e-12)
        np.testing.assert_allclose(grads[index], objective.grad(w[index]), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("post_norm", [False, True])
def test_residual_blocks_add_to_what_they_get(post_norm):
    """Against torch.nn, layer by layer: h <- h + relu(W h + b), normalised over the row where asked."""
    net = ResidualMLP((5, 4, 4, 4, 3), "relu", post_norm=post_norm)
    theta = net.initial(0) + 0.1
    x = torch.tensor(np.random.default_rng(1).normal(size=(7, 5)))
    first, second, third, last = as_module(net, theta)[::2]
    h = torch.relu(first(x))
    for block in (second, third):
        h = h + torch.relu(block(h))
        if post_norm:
            h = (h - h.mean(dim=1, keepdim=True)) / torch.sqrt(
                h.var(dim=1, correction=0, keepdim=True) + 1e-5
            )
    torch.testing.assert_close(net.forward(torch.tensor(theta), x), last(h))


def test_residual_start_divides_the_blocks_by_the_root_of_their_number():
    plain, residual = MLP((5, 4, 4, 4, 3), "relu"), ResidualMLP((5, 4, 4, 4, 3), "relu")
    quotients = [
        (W / V).numpy()
        for (W, _), (V, _) in zip(
            residual.layers(torch.tensor(residual.initial(3))),
            plain.layers(torch.tensor(plain.initial(3))),
            strict=True,
        )
    ]
    for quotient, expected in zip(quotients, (1, 0.5**0.5, 0.5**0.5, 1), strict=True):
        np.testing.assert_allclose(quotient, expected)
