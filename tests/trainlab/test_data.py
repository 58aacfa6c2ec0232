"""Bundled data: shapes, ranges, and the same rows for the same seed."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from trainlab import data
from trainlab.data import digits, pca_digits


def test_digits_are_those_of_scikit_learn_with_or_without_its_file(monkeypatch):
    wanted = load_digits(return_X_y=True)
    read = data._digits()
    monkeypatch.setattr(data, "find_spec", lambda _: None)
    for found in (read, data._digits()):
        for mine, theirs in zip(found, wanted, strict=True):
            assert np.array_equal(mine, theirs)


def test_digits():
    full = digits()
    assert full.inputs.shape == (1797, 64)
    assert full.inputs.min() == 0
    assert full.inputs.max() == 1
    assert sorted(set(full.labels)) == list(range(10))


@pytest.mark.parametrize("classes", [2, 4, 10])
def test_fewer_classes_and_rows(classes):
    some = digits(100, classes)
    assert some.inputs.shape == (100, 64)
    assert set(some.labels) == set(range(classes))
    assert some.one_hot.shape == (100, classes)
    assert np.array_equal(some.one_hot.argmax(axis=1), some.labels)
    assert np.array_equal(some.one_hot.sum(axis=1), np.ones(100))


def test_the_seed_decides_the_rows():
    assert np.array_equal(digits(50, seed=1).inputs, digits(50, seed=1).inputs)
    assert not np.array_equal(digits(50, seed=1).inputs, digits(50, seed=2).inputs)
    assert np.array_equal(digits(50).inputs, digits(100).inputs[:50])


def test_principal_components_are_centred_scaled_and_uncorrelated():
    rows = pca_digits(8, 200)
    assert rows.inputs.shape == (200, 8)
    np.testing.assert_allclose(rows.inputs.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(rows.inputs.T @ rows.inputs / 200, np.eye(8), atol=1e-10)
    assert np.array_equal(rows.labels, digits(200).labels)


def test_the_sign_of_a_component_is_fixed_by_its_largest_pixel():
    raw, scores = digits(200).inputs, pca_digits(3, 200).inputs
    axes = np.linalg.lstsq(raw - raw.mean(axis=0), scores, rcond=None)[0].T
    for axis in axes:
        assert axis[np.abs(axis).argmax()] > 0
