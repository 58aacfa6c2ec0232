"""Second derivatives against closed forms and against each other."""

import numpy as np
import pytest
import torch

from trainlab.curvature import hessian, sharpness
from trainlab.networks import MLP, Objective, training_loss


def quadratic(A):
    A = torch.tensor(A)
    return Objective(lambda w: w @ A @ w / 2)


def symmetric(n, seed):
    A = np.random.default_rng(seed).normal(size=(n, n))
    return A + A.T


@pytest.mark.parametrize("seed", range(3))
def test_hessian_and_sharpness_of_a_quadratic(seed):
    A = symmetric(12, seed)
    w = np.random.default_rng(seed).normal(size=12)
    np.testing.assert_allclose(hessian(quadratic(A), w), A, atol=1e-12)
    assert sharpness(quadratic(A), w) == pytest.approx(np.linalg.eigvalsh(A)[-1], rel=1e-4)


def test_sharpness_is_the_largest_eigenvalue_not_the_longest():
    A = np.diag([-100.0, -3.0, 0.5, 2.0, 1.0])
    assert sharpness(quadratic(A), np.ones(5)) == pytest.approx(2.0, rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_sharpness_of_a_network_is_the_end_of_its_spectrum(seed):
    rng = np.random.default_rng(seed)
    net = MLP((3, 5, 2))
    objective = training_loss(net, rng.normal(size=(20, 3)), rng.normal(size=(20, 2)))
    w = net.initial(seed)
    H = hessian(objective, w)
    np.testing.assert_array_equal(H, H.T)
    h = 1e-5
    columns = [(objective.grad(w + h * e) - objective.grad(w - h * e)) / (2 * h) for e in np.eye(net.size)]
    np.testing.assert_allclose(H, columns, atol=1e-8)
    assert sharpness(objective, w) == pytest.approx(np.linalg.eigvalsh(H)[-1], rel=1e-4)


def test_sharpness_says_the_same_twice():
    objective, w = quadratic(symmetric(30, 0)), np.ones(30)
    assert sharpness(objective, w) == sharpness(objective, w)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_diverged_point_is_refused(bad):
    with pytest.raises(ValueError, match="not finite"):
        sharpness(quadratic(np.eye(4)), np.array([0, bad, 0, 0]))
