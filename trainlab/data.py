"""Data sets that come with scikit-learn: nothing is downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainlab.surfaces import Array


@dataclass(frozen=True, eq=False)
class Labelled:
    """N examples of `classes` classes."""

    inputs: Array
    """(N, d)"""
    labels: NDArray[np.int64]
    """(N,), from 0"""
    classes: int

    @property
    def one_hot(self) -> Array:
        """Targets (N, classes): 1 at the label, 0 elsewhere."""
        return np.eye(self.classes)[self.labels]


def digits(count: int | None = None, classes: int = 10, seed: int = 0) -> Labelled:
    """Handwritten digits of 8 by 8 pixels, in [0, 1], shuffled by `seed`: the first `count` of at most 1,797.

    Only the digits below `classes` are used. Alpaydin & Kaynak 1998, by way of scikit-learn.
    """
    pixels, labels = _digits()
    (kept,) = np.nonzero(labels < classes)
    kept = np.random.default_rng(seed).permutation(kept)[:count]
    return Labelled(pixels[kept] / 16, labels[kept].astype(np.int64), classes)


def _digits() -> tuple[Array, Array]:
    """Pixels (1797, 64) from 0 to 16 and labels (1797,), from scikit-learn's own file: to import all of it for that takes a second."""
    spec = find_spec("sklearn")
    for folder in (spec and spec.submodule_search_locations) or ():
        if (file := Path(folder, "datasets", "data", "digits.csv.gz")).is_file():
            table = np.loadtxt(file, delimiter=",")
            return table[:, :-1], table[:, -1]
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return pixels, labels


def pca_digits(components: int, count: int | None = None, classes: int = 10, seed: int = 0) -> Labelled:
    """`digits` seen along their first principal components, each of mean 0 and variance 1 over the rows returned."""
    full = digits(count, classes, seed)
    centred = full.inputs - full.inputs.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:components]
    # An axis is defined up to its sign: make the largest entry positive, so that every LAPACK gives the same data.
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    scores = centred @ (axes * np.sign(largest)).T
    return Labelled(scores / scores.std(axis=0), full.labels, classes)
