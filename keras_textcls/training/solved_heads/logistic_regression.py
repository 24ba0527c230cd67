"""Penalized logistic regression, solved to its optimum in the eigenbasis of the features.

The optimum is the same as that of scikit-learn's `LogisticRegression(C=1 / regularization)`,
which the tests check, and with many labels it is reached about ten times as fast: L-BFGS (Liu
and Nocedal, 1989) in coordinates in which the curvature is close to the identity. The
curvature of cross-entropy is bounded by the Gram matrix of the features times `p * (1 - p)`
(Böhning, 1992), so the eigenvectors of the Gram matrix are computed once and precondition
every fold and every regularization.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy import optimize
from scipy.special import expit

_MEMORY = 8
# Tolerances below this one are for the final solution, those above for comparisons only.
_TIGHT = 1e-6
# Least relative decrease of the loss in an iteration.
_LEAST_GAIN = 1e-10
# Below this size of the rows float64 is used: it is cheap, and float32 would round the loss.
FEW_NUMBERS = 1 << 22
# Share of the mean squared norm; smaller eigenvalues are rounding errors of the features.
_NEGLIGIBLE = 1e-9
# Weight, in texts, of the pooled variance of all features in the variance of each.
_PRIOR_TEXTS = 50


@dataclasses.dataclass(frozen=True)
class Basis:
    """Features that are standardized and rotated to their principal axes.

    The scaled features have a mean squared norm of about 1, so that a regularization has the
    same effect for all backbones and widths.

    Args:
        rows: float32 array of shape `(num_texts, rank + 1)`; the last column is
            1, for the biases.
        to_raw: float array of shape `(hidden_dim, rank)`, maps coefficients of the
            rotated features to those of the raw features.
        mean: float array of shape `(hidden_dim,)`.
    """

    rows: np.ndarray
    to_raw: np.ndarray
    mean: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> Basis:
        """Standardize and rotate features.

        A feature that is the same for all texts is ignored.

        Args:
            features: float array of shape `(num_texts, hidden_dim)`.

        Returns:
            A `Basis`.
        """
        features = np.asarray(features, "float32")
        mean = features.mean(axis=0, dtype="float64")
        centred = features - mean.astype("float32")
        variance = np.mean(np.square(centred), axis=0, dtype="float64")
        # A smaller variance is a rounding error of a constant feature.
        varies = variance > 1e-12 * np.maximum(np.square(mean), variance.max(initial=0.0))
        # With few texts, the pooled variance of all features is the better estimate.
        pooled = variance[varies].mean() if varies.any() else 0.0
        share = len(features) / (len(features) + _PRIOR_TEXTS)
        variance = share * variance + (1 - share) * pooled
        scale = np.zeros_like(variance)
        scale[varies] = 1 / np.sqrt(variance[varies] * varies.sum())
        axes = _principal_axes(centred * scale.astype("float32"))
        to_raw = scale[:, None] * axes
        rows = np.ones((len(features), axes.shape[1] + 1), "float32")
        rows[:, :-1] = centred @ to_raw.astype("float32")
        return cls(rows, to_raw, mean)

    def unfold(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Convert weights of the rotated features to a kernel and biases of the raw features.

        Args:
            weights: float array of shape `(rank + 1, num_outputs)`.

        Returns:
            A tuple of float64 arrays of shapes `(hidden_dim, num_outputs)` and
            `(num_outputs,)`.
        """
        kernel = self.to_raw @ weights[:-1].astype("float64")
        return kernel, weights[-1] - self.mean @ kernel


def _principal_axes(scaled: np.ndarray) -> np.ndarray:
    """Orthonormal columns that span the rows, the most variance first."""
    tall = len(scaled) >= scaled.shape[1]
    values, vectors = np.linalg.eigh(scaled.T @ scaled if tall else scaled @ scaled.T)
    kept = np.flatnonzero(values > _NEGLIGIBLE * len(scaled))[::-1]
    if tall:
        return vectors[:, kept]
    return scaled.T @ (vectors[:, kept] / np.sqrt(values[kept]))


@dataclasses.dataclass(frozen=True)
class LogisticProblem:
    """The objective: the weighted cross-entropy of some texts, plus a penalty.

    It is the sum over texts of `weight * cross_entropy`, plus `regularization / 2` times the
    sum of the squared weights without the biases.

    Args:
        rows: float array of shape `(num_texts, rank + 1)`, from `Basis`.
        targets: float32 array of shape `(num_texts, num_outputs)` of 0 and 1.
        weights: float32 array of shape `(num_texts, 1)` or `(num_texts,
            num_outputs)`; targets with the weight 0 are ignored.
        softmax: bool, whether the outputs are mutually exclusive.
    """

    rows: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    softmax: bool

    def take(self, indices: np.ndarray) -> LogisticProblem:
        """Return the problem of some of the texts."""
        return LogisticProblem(
            self.rows[indices], self.targets[indices], self.weights[indices], self.softmax
        )

    def in_precision(self, dtype: str) -> LogisticProblem:
        """Return the problem with its rows in `"float32"` or `"float64"`."""
        return dataclasses.replace(self, rows=self.rows.astype(dtype, copy=False))

    def shares(self) -> np.ndarray:
        """Smoothed share of each output among the texts, of shape `(num_outputs,)`."""
        weights = np.broadcast_to(self.weights, self.targets.shape)
        positive = np.einsum("ij,ij->j", weights, self.targets, dtype="float64")
        return (positive + 0.5) / (weights.sum(axis=0, dtype="float64") + 1)

    def start(self) -> np.ndarray:
        """Initial weights, which predict the share of each output for every text."""
        weights = np.zeros((self.rows.shape[1], self.targets.shape[1]), "float32")
        shares = self.shares()
        weights[-1] = np.log(shares) - (0 if self.softmax else np.log1p(-shares))
        return weights

    def loss_and_gradient(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Compute the cross-entropy, without the penalty, and its gradient.

        Args:
            weights: float array of shape `(rank + 1, num_outputs)`.

        Returns:
            A tuple of a float and an array like `weights`.
        """
        scores = self.rows @ weights
        loss, slopes = cross_entropy(scores, self.targets, self.weights, self.softmax)
        return loss, self.rows.T @ slopes


def cross_entropy(
    scores: np.ndarray, targets: np.ndarray, weights: np.ndarray, softmax: bool
) -> tuple[float, np.ndarray]:
    """Compute the weighted sum of the cross-entropies of logits, and its gradient.

    Args:
        scores: float array of shape `(num_texts, num_outputs)`, logits; it is
            overwritten.
        targets: float array of the same shape, of 0 and 1.
        weights: float array of shape `(num_texts, 1)` or that of `scores`.
        softmax: bool, whether the outputs exclude each other.

    Returns:
        A tuple of a float and an array like `scores`.
    """
    if softmax:
        scores -= scores.max(axis=1, keepdims=True)
        of_target = np.einsum("ij,ij->i", scores, targets)
        np.exp(scores, out=scores)
        total = scores.sum(axis=1, keepdims=True)
        losses = (np.log(total[:, 0]) - of_target) * weights[:, 0]
        scores /= total
    else:
        losses = (np.logaddexp(0, scores) - scores * targets) * weights
        scores = expit(scores)
    scores -= targets
    scores *= weights
    return float(losses.sum(dtype="float64")), scores


def minimize(
    problem: LogisticProblem,
    regularization: float,
    start: np.ndarray,
    tolerance: float,
    max_iterations: int = 1000,
) -> tuple[np.ndarray, int]:
    """Find the weights with the lowest penalized cross-entropy.

    Args:
        problem: `LogisticProblem`.
        regularization: float, strength of the penalty.
        start: float32 array of shape `(rank + 1, num_outputs)`, initial weights.
        tolerance: float, approximate relative distance to the minimum.
        max_iterations: int. Defaults to `1000`.

    Returns:
        A tuple of the weights, like `start`, and the number of iterations.
    """
    dtype = "float64" if problem.rows.size < FEW_NUMBERS and tolerance < _TIGHT else "float32"
    problem = problem.in_precision(dtype)
    penalty = np.full((len(start), 1), regularization, dtype)
    penalty[-1] = 0
    shares = problem.shares()
    gram = np.einsum("ij,ij->j", problem.rows, problem.rows) * problem.weights.mean()
    scale = (1 / np.sqrt(np.outer(gram, shares * (1 - shares)) + penalty)).astype(dtype)

    def objective(point: np.ndarray) -> tuple[float, np.ndarray]:
        weights = (scale * point).astype(dtype)
        loss, gradient = problem.loss_and_gradient(weights)
        penalized = penalty * weights
        loss += 0.5 * float(np.einsum("ij,ij->", penalized, weights, dtype="float64"))
        return loss, scale * (gradient + penalized)

    point, iterations = l_bfgs(objective, start / scale, tolerance, max_iterations)
    return (scale * point).astype("float32"), iterations


def l_bfgs(
    objective: Callable[[np.ndarray], tuple[float, np.ndarray]],
    point: np.ndarray,
    tolerance: float,
    max_iterations: int,
) -> tuple[np.ndarray, int]:
    """Minimize a smooth function whose curvature is close to the identity.

    Args:
        objective: function from a float64 array to a float and its gradient.
        point: float array, initial point.
        tolerance: float; the search ends when the squared norm of the gradient is
            at most this share of the objective.
        max_iterations: int.

    Returns:
        A tuple of the float64 array at the minimum and the number of iterations.
    """
    shape = point.shape
    is_done = False

    def evaluate(values: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal is_done
        loss, gradient = objective(values.reshape(shape))
        is_done = float(np.vdot(gradient, gradient)) <= tolerance * loss
        return loss, gradient.ravel()

    def stop(_: np.ndarray) -> None:
        # An iteration ends at the point that was evaluated last.
        if is_done:
            raise StopIteration

    options = {"maxiter": max_iterations, "maxcor": _MEMORY, "ftol": _LEAST_GAIN, "gtol": 0.0}
    solved = optimize.minimize(
        evaluate, point.ravel(), jac=True, method="L-BFGS-B", callback=stop, options=options
    )
    return solved.x.reshape(shape), solved.nit
