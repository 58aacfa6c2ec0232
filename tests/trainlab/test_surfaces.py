"""Surfaces: the gradient is the derivative of the value, and a batch is its points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trainlab.surfaces import DoubleWell, Quadratic, Slice

coordinates = st.floats(-5, 5, allow_nan=False)
depths = st.floats(0, 3)


def central_difference(surface, w, h=1e-5):
    steps = h * np.eye(w.size)
    return np.array([(surface.value(w + step) - surface.value(w - step)) / (2 * h) for step in steps])


@given(arrays(float, 4, elements=coordinates), arrays(float, 4, elements=st.floats(-10, 10)))
def test_gradient_of_quadratic(w, eigenvalues):
    surface = Quadratic(tuple(eigenvalues))
    np.testing.assert_allclose(surface.grad(w), central_difference(surface, w), atol=1e-6)


@given(arrays(float, 1, elements=coordinates), depths)
def test_gradient_of_double_well(w, depth):
    surface = DoubleWell(depth)
    np.testing.assert_allclose(surface.grad(w), central_difference(surface, w), atol=1e-6)


@given(arrays(float, (3, 2, 1), elements=coordinates), depths)
def test_a_batch_is_its_points(points, depth):
    for surface in (DoubleWell(depth), Quadratic((depth,))):
        value, grad = surface.value(points), surface.grad(points)
        assert value.shape == (3, 2)
        assert grad.shape == (3, 2, 1)
        for index in np.ndindex(3, 2):
            assert value[index] == pytest.approx(surface.value(points[index]), rel=1e-12, abs=1e-12)
            assert grad[index] == pytest.approx(surface.grad(points[index]), rel=1e-12, abs=1e-12)


def test_quadratic_by_hand():
    bowl = Quadratic((1.0, 10.0))
    w = np.array([2.0, 3.0])
    assert bowl.value(w) == 0.5 * (1 * 4 + 10 * 9)
    assert bowl.grad(w).tolist() == [2.0, 30.0]


@pytest.mark.parametrize(("depth", "x", "loss"), [(0.3, 1.1706, 0.1834), (1.0, 1.0497, -0.5050)])
def test_the_dent_is_a_minimum_above_or_below_the_valley(depth, x, loss):
    well = DoubleWell(depth)
    assert abs(well.grad(np.array([x]))[0]) < 1e-3
    assert well.value(np.array([x])) == pytest.approx(loss, abs=1e-4)
    assert well.value(np.array([6.0])) == pytest.approx(0, abs=1e-20)


def test_surfaces_leave_their_argument_alone():
    w = np.array([[1.0], [2.0]])
    for surface in (DoubleWell(0.3), Quadratic((2.0,))):
        surface.value(w), surface.grad(w)
    assert w.tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize("k", [1, 2])
def test_a_slice_is_the_surface_on_it(k):
    rng = np.random.default_rng(3)
    bowl, origin, directions = Quadratic((1.0, 4.0, 9.0, 2.0)), rng.normal(size=4), rng.normal(size=(k, 4))
    plane = Slice(bowl, origin, directions)
    c = rng.normal(size=(5, k))
    w = origin + sum(c[:, [i]] * directions[i] for i in range(k))
    np.testing.assert_allclose(plane.value(c), bowl.value(w))
    np.testing.assert_allclose(plane.grad(c[0]), central_difference(plane, c[0]), rtol=1e-7)
    np.testing.assert_allclose(plane.shadow(w), c)


def test_the_shadow_is_the_nearest_point_of_the_slice():
    rng = np.random.default_rng(4)
    plane = Slice(Quadratic((1.0,) * 5), rng.normal(size=5), rng.normal(size=(2, 5)))
    w = rng.normal(size=5)
    gap = w - plane.origin - plane.shadow(w) @ plane.directions
    np.testing.assert_allclose(plane.directions @ gap, 0, atol=1e-12)
