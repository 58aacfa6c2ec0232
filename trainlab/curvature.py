"""Second derivatives of a training loss at a point."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

from trainlab.networks import Objective
from trainlab.surfaces import Array


def hessian(objective: Objective, w: Array) -> Array:
    """The Hessian (n, n) of the loss at w (n,), symmetrised against rounding, by n backward passes through the gradient."""
    H = torch.func.jacrev(torch.func.grad(objective.loss))(torch.from_numpy(w)).numpy()
    return np.asarray((H + H.T) / 2)


def sharpness(objective: Objective, w: Array, tolerance: float = 1e-4) -> float:
    """The largest eigenvalue of the Hessian at w (n,), to a relative `tolerance`, without forming the Hessian.

    Lanczos iteration (ARPACK) on Hessian-vector products, each one more backward pass through the gradient
    (Pearlmutter 1994). The starting vector is fixed, so the answer is the same every time. ValueError for a point that
    is not finite.
    """
    if not np.all(np.isfinite(w)):
        raise ValueError("the point is not finite: has the run diverged?")
    theta = torch.tensor(w, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(objective.loss(theta), theta, create_graph=True)

    def times(v: Array) -> Array:
        (Hv,) = torch.autograd.grad(gradient, theta, torch.from_numpy(v.ravel()), retain_graph=True)
        return np.asarray(Hv.numpy())

    n = theta.numel()
    start = np.random.default_rng(0).normal(size=n)
    operator = LinearOperator((n, n), matvec=times, dtype=np.float64)
    return float(eigsh(operator, k=1, which="LA", v0=start, tol=tolerance, return_eigenvectors=False)[0])
