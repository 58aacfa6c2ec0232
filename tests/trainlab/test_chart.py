"""The chart of a run against closed forms, against torch, and against the run without it."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from trainlab import chart, plots


def blobs(count=120, seed=0):
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(count) % 3
    return torch.randn(count, 4, generator=generator) + 2 * F.one_hot(y, 4), y


def network(unit=nn.ReLU, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), unit(), nn.Dropout(0.2), nn.Linear(8, 6), unit(), nn.Linear(6, 3))


def stepper(net, rows, lr=0.1):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)

    def step(t):
        drawn = torch.randint(0, len(rows[0]), (16,))
        loss = F.cross_entropy(net(rows[0][drawn]), rows[1][drawn])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def record(net, rows=None, lr=0.1, **keywords):
    rows = rows or blobs()
    return chart.record(
        net, stepper(net, rows, lr), F.cross_entropy, rows, blobs(90, 1), steps=20, rate=lr, **keywords
    )


@pytest.mark.slow
def test_looking_leaves_the_run_as_it_was():
    net = network()
    step = stepper(net, blobs())
    alone = [step(t).item() for t in range(20)]
    looked_at = record(network(), every=3)
    np.testing.assert_array_equal(looked_at.batch, alone)


def test_shapes_and_the_last_examination():
    found = record(network(), every=8)
    assert found.steps.tolist() == [0, 8, 16, 20]
    assert found.batch.shape == (20,) == found.smoothed.shape
    assert found.gradient.shape == found.update.shape == found.norm.shape == (4, 3)
    assert found.idle.shape == (4, 2) and found.spread.shape == (4, 3)
    np.testing.assert_array_equal(found.update[-1], found.update[-2])


def test_numbers_of_the_first_examination_are_those_of_torch():
    rows, held, net = blobs(), blobs(90, 1), network()
    net.eval()
    loss = F.cross_entropy(net(rows[0]), rows[1])
    gradients = torch.autograd.grad(loss, [p for p in net.parameters() if p.ndim > 1])
    hidden = net[1](net[0](rows[0]))
    expected = F.cross_entropy(net(held[0]), held[1]).item()
    net.train()
    found = record(net)
    assert found.train[0] == pytest.approx(loss.item(), rel=1e-6)
    assert found.held[0] == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(found.gradient[0], [g.norm() for g in gradients], rtol=1e-5)
    assert found.spread[0, 1] == pytest.approx(hidden.var(dim=0, correction=0).mean().sqrt().item(), rel=1e-5)
    assert found.repeat.max() == 0


def test_an_update_is_the_steps_change_over_the_weights():
    net = network()
    before = [p.detach().clone() for p in net.parameters() if p.ndim > 1]
    stepper(net, blobs())(0)
    after = [p.detach() for p in net.parameters() if p.ndim > 1]
    expected = [((b - a).norm() / a.norm()).item() for a, b in zip(before, after, strict=True)]
    np.testing.assert_allclose(record(network()).update[0], expected, rtol=1e-5)


def test_curvature_times_rate_of_a_bowl():
    """The mean squared error of a linear unit: curvature 2 times the largest eigenvalue of X^T X / N."""
    x = torch.randn(100, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 2.0, 5.0])
    net = nn.Sequential(nn.Linear(3, 1, bias=False))
    rows = x, torch.zeros(100, dtype=torch.int64)
    loss = lambda out, y: (out[:, 0] - y).square().mean()  # noqa: E731
    found = chart.record(net, lambda t: torch.zeros(()), loss, rows, rows, steps=1, rate=0.01)
    expected = 0.01 * 2 * np.linalg.eigvalsh((x.T @ x / 100).numpy())[-1]
    assert found.stability[0] == pytest.approx(expected, rel=1e-3)


def test_noise_scale_of_gradients_that_are_known():
    """A constant output against targets: the gradient of one row is 2 (b - y), so the scale is var / mean^2 of b - y."""

    class Bias(nn.Module):
        def __init__(self):
            super().__init__()
            self.b = nn.Parameter(torch.zeros(1, 1))

        def forward(self, x):
            return self.b.expand(len(x), 1)

    y = 1 + 2 * torch.randn(200, generator=torch.Generator().manual_seed(3))
    loss = lambda out, labels: (out[:, 0] - labels).square().mean()  # noqa: E731
    rows = torch.zeros(200, 1), y
    found = chart.record(Bias(), lambda t: torch.zeros(()), loss, rows, rows, steps=1, rate=1.0)
    means = y.reshape(8, 25).mean(dim=1).double()  # the estimate from eight parts, in closed form
    scatter = 4 * means.var().item()
    expected = scatter * 25 / (4 * means.mean().item() ** 2 - scatter / 8)
    assert found.noise[0] == pytest.approx(expected, rel=1e-4)


def test_dead_saturated_frozen_and_detached():
    dead = network()
    nn.init.constant_(dead[0].bias, -100.0)
    found = record(dead)
    assert found.idle[0, 0] == 1 and found.gradient[0, 0] == 0
    saturated = network(nn.Tanh)
    nn.init.constant_(saturated[0].bias, 100.0)
    assert record(saturated).idle[0, 0] == 1
    frozen = network()
    for parameter in frozen[0].parameters():
        parameter.requires_grad_(False)
    found = record(frozen)
    assert found.update[:, 0].tolist() == [0, 0, 0] and found.gradient[:, 0].tolist() == [0, 0, 0]
    assert (found.update[:, 1:] > 0).all()


def test_a_run_that_is_read_in_training_mode_answers_twice_differently():
    net = network()
    assert record(net, scores=net).readings()["repeat"] > 0


def test_a_run_that_explodes_is_charted_to_its_end():
    found = record(network(), lr=1e30)
    assert len(found.batch) == 20
    assert not np.isfinite(found.held[-1])
    plots.figure(*chart.panels(found), columns=3)


def test_readings_are_plain_numbers_and_the_chart_can_be_drawn():
    found = record(network())
    readings = found.readings()
    assert len(readings) == 20 and {type(value) for value in readings.values()} == {float}
    assert len(plots.figure(*chart.panels(found), columns=3).axes) == 6
