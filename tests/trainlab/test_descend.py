"""The loop around update rules; rules written in its form agree with torch.optim."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainlab.descend import rate, run
from trainlab.surfaces import DoubleWell, Quadratic


def gradient_descent(grad, w, lr):
    while True:
        w = w - lr * grad(w)
        yield w


def heavy_ball(grad, w, lr, beta):
    before = w
    while True:
        w, before = w - lr * grad(w) + beta * (w - before), w
        yield w


def nesterov(grad, w, lr, beta):
    before = w
    while True:
        ahead = w + beta * (w - before)
        w, before = ahead - lr * grad(ahead), w
        yield w


def adam(grad, w, lr, b1, b2, eps):
    m = v = 0.0
    t = 0
    while True:
        g, t = grad(w), t + 1
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        w = w - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
        yield w


def torch_path(optimiser, surface, start, steps, **options):
    p = torch.nn.Parameter(torch.tensor(start))
    opt = optimiser([p], **options)
    path = [p.detach().numpy().copy()]
    for _ in range(steps):
        p.grad = torch.from_numpy(surface.grad(p.detach().numpy()))
        opt.step()
        path.append(p.detach().numpy().copy())
    return np.stack(path)


STARTS = np.linspace(-3, 9, 5)[
    :, None
]  # gradients that vary from step to step, and differ from start to start


@pytest.mark.parametrize("steps", [1, 12, 40])
def test_gradient_descent_is_torch_sgd(steps):
    well = DoubleWell(0.3)
    ours = run(gradient_descent, well, STARTS, steps, lr=0.3).path
    np.testing.assert_allclose(ours, torch_path(torch.optim.SGD, well, STARTS, steps, lr=0.3), rtol=1e-12)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.99])
def test_heavy_ball_is_torch_sgd_with_momentum(beta):
    well = DoubleWell(1.0)
    ours = run(heavy_ball, well, STARTS, 40, lr=0.1, beta=beta).path
    theirs = torch_path(torch.optim.SGD, well, STARTS, 40, lr=0.1, momentum=beta)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("beta", [0.5, 0.9])
def test_look_ahead_points_of_nesterov_are_torch_sgd_with_nesterov(beta):
    well = DoubleWell(1.0)
    w = run(nesterov, well, STARTS, 40, lr=0.1, beta=beta).path
    ahead = np.concatenate([w[:1], w[1:] + beta * np.diff(w, axis=0)])
    theirs = torch_path(torch.optim.SGD, well, STARTS, 40, lr=0.1, momentum=beta, nesterov=True)
    np.testing.assert_allclose(ahead, theirs, rtol=1e-9, atol=1e-12)


def test_a_rule_with_more_state_is_torch_adam():
    well = DoubleWell(1.0)
    ours = run(adam, well, STARTS, 40, lr=0.1, b1=0.9, b2=0.99, eps=1e-8).path
    theirs = torch_path(torch.optim.Adam, well, STARTS, 40, lr=0.1, betas=(0.9, 0.99), eps=1e-8)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_what_is_recorded():
    bowl = Quadratic((1.0, 4.0))
    trace = run(gradient_descent, bowl, [1.0, 1.0], 5, lr=0.1)
    assert trace.steps.tolist() == [0, 1, 2, 3, 4, 5]
    assert trace.path.shape == (6, 2)
    assert trace.path[0].tolist() == [1.0, 1.0]
    np.testing.assert_allclose(trace.path[:, 0], 0.9 ** np.arange(6))
    np.testing.assert_array_equal(trace.losses, bowl.value(trace.path))
    assert trace.label == "gradient descent, η = 0.1"


@pytest.mark.parametrize(
    ("steps", "every", "expected"), [(10, 3, [0, 3, 6, 9]), (10, 5, [0, 5, 10]), (0, 1, [0])]
)
def test_every(steps, every, expected):
    bowl = Quadratic((1.0,))
    trace = run(gradient_descent, bowl, [1.0], steps, every=every, lr=0.1)
    full = run(gradient_descent, bowl, [1.0], steps, lr=0.1)
    assert trace.steps.tolist() == expected
    np.testing.assert_array_equal(trace.path, full.path[expected])


def test_a_batch_is_its_runs():
    well, lrs, betas = DoubleWell(0.3), np.array([[0.1], [0.2]]), np.array([[0.9], [0.5]])
    both = run(heavy_ball, well, np.full((2, 1), -3.0), 30, lr=lrs, beta=betas)
    for k in range(2):
        alone = run(heavy_ball, well, [-3.0], 30, lr=lrs[k, 0], beta=betas[k, 0])
        np.testing.assert_array_equal(both.path[:, k], alone.path)
        np.testing.assert_array_equal(both.losses[:, k], alone.losses)


def test_divergence_is_recorded_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trace = run(gradient_descent, Quadratic((1.0,)), [1.0], 5000, lr=3.0)
    assert trace.path.shape == (5001, 1)
    assert not np.isfinite(trace.losses[-1])


def test_the_start_is_not_changed_by_a_rule_that_works_in_place():
    def in_place(grad, w, lr):
        while True:
            w -= lr * grad(w)
            yield w

    start = np.array([1.0, 2.0])
    trace = run(in_place, Quadratic((1.0, 1.0)), start, 3, lr=0.5)
    assert start.tolist() == [1.0, 2.0]
    assert trace.path[:, 0].tolist() == [1.0, 0.5, 0.25, 0.125]


def test_steps_to():
    trace = run(gradient_descent, Quadratic((1.0,)), [1.0], 20, every=2, lr=0.5)  # loss 0.5 * 4^-t
    assert trace.steps_to(0.5 * 4**-3.0) == 4
    assert trace.steps_to(0.5) == 0
    assert trace.steps_to(1e-30) is None


@pytest.mark.parametrize(
    ("start", "steps", "every", "says"),
    [(1.0, 3, 1, "shape"), ([1.0], -1, 1, "steps"), ([1.0], 3, 0, "every")],
)
def test_bad_arguments_are_explained(start, steps, every, says):
    with pytest.raises(ValueError, match=says):
        run(gradient_descent, Quadratic((1.0,)), start, steps, every=every, lr=0.1)


@given(st.floats(0.1, 0.999), st.floats(1e-3, 1e3))
def test_rate_of_a_geometric_sequence(factor, scale):
    assert rate(scale * factor ** np.arange(200.0)) == pytest.approx(factor, rel=1e-9)


def test_rate_leaves_out_rounding_and_the_first_half():
    errors = np.concatenate(
        [np.ones(20), 0.5 ** np.arange(20.0), np.full(50, 1e-15)]
    )  # the half begins at step 19
    assert rate(errors) == pytest.approx(0.5 ** (19 / 20), rel=1e-9)
    with pytest.raises(ValueError, match="two errors"):
        rate([1.0, 0.0, 0.0])
