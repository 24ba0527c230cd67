"""A head with one hidden layer on frozen features, trained to convergence.

It is trained by full-batch L-BFGS with the gradients of the active backend. On features that
are computed once, this is fast and reproducible.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from threadpoolctl import threadpool_limits

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.optimization.gradients import Gradients, with_gradients
from keras_textcls.training.solved_heads.cross_validation import (
    RegularizationScore,
    assign_folds,
    best_score,
    read_regularizations,
    score_outputs,
    search_regularizations,
)
from keras_textcls.training.solved_heads.head_data import read_head_data
from keras_textcls.training.solved_heads.logistic_regression import Basis, l_bfgs

REGULARIZATIONS = (10.0, 3.16, 1.0, 0.316, 0.1, 0.0316, 0.01)
_START = 1.0
# One of five parts is held out.
_PARTS = 5
_ROUGH, _TIGHT = 1e-3, 1e-6

_ACTIVATIONS = ("gelu", "relu", "tanh")


def _scores(rows: Any, first: Any, second: Any, activation: str) -> Any:
    """The logits of a head; the last row of each weight matrix is the bias."""
    rows, first, second = (ops.convert_to_tensor(array) for array in (rows, first, second))
    hidden = keras.activations.get(activation)(ops.matmul(rows, first[:-1]) + first[-1])
    return ops.matmul(hidden, second[:-1]) + second[-1]


@functools.cache
def _graded_losses(activation: str, softmax: bool) -> Gradients:
    """The cross-entropies and their gradients, compiled once for each kind of problem."""

    def losses(kernels: list[Any], rows: Any, targets: Any, weights: Any) -> Any:
        scores = _scores(rows, kernels[0], kernels[1], activation)
        if softmax:
            total = ops.logsumexp(scores, axis=1, keepdims=True)
            return (total - ops.sum(scores * targets, axis=1, keepdims=True)) * weights
        return (ops.softplus(scores) - scores * targets) * weights

    return with_gradients(losses)


@dataclasses.dataclass(frozen=True)
class HiddenHead:
    """A trained head with one hidden layer.

    Args:
        hidden_kernel: float32 array of shape `(hidden_dim, width)`.
        hidden_bias: float32 array of shape `(width,)`.
        activation: string, of the hidden layer.
        kernel: float32 array of shape `(width, num_classes)`.
        bias: float32 array of shape `(num_classes,)`.
        regularization: float, strength of the penalty on both kernels, in the
            scale of standardized features.
        scores: tuple of `RegularizationScore` on the held-out texts; empty if
            none were held out.
        temperature: float, as in `LinearHead`.
        num_iterations: int, number of iterations of the last training.
        notes: tuple of strings, deviations from the arguments, with reasons.
    """

    hidden_kernel: np.ndarray
    hidden_bias: np.ndarray
    activation: str
    kernel: np.ndarray
    bias: np.ndarray
    regularization: float
    scores: tuple[RegularizationScore, ...] = ()
    temperature: float = 1.0
    num_iterations: int = 0
    notes: tuple[str, ...] = ()

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Compute the logits of the head.

        Args:
            features: float array of shape `(num_texts, hidden_dim)`.

        Returns:
            A float array of shape `(num_texts, num_classes)`.
        """
        layers = ((self.hidden_kernel, self.hidden_bias), (self.kernel, self.bias))
        first, second = (np.vstack(layer).astype("float32") for layer in layers)
        features = np.asarray(features, "float32")
        return ops.convert_to_numpy(_scores(features, first, second, self.activation))


def solve_hidden_head(
    features: Any,
    targets: Any,
    multi_label: bool = False,
    hidden_dim: int = 384,
    activation: str = "gelu",
    strengths: str | float | Sequence[float] = "auto",
    seed: int = 0,
    class_weight: str | Mapping[int, float] | None = None,
    sample_weight: Any = None,
    num_classes: int | None = None,
    max_iterations: int = 300,
) -> HiddenHead:
    """Train a head with one hidden layer.

    The regularization is chosen on a stratified fifth of the texts; then the head is trained
    on all texts.

    Args:
        features: as in `solve_linear_head`.
        targets: as in `solve_linear_head`.
        multi_label: bool. Defaults to `False`.
        hidden_dim: int, width of the hidden layer. Defaults to `384`.
        activation: string, `"gelu"`, `"relu"` or `"tanh"`. Defaults to
            `"gelu"`.
        strengths: float or sequence of floats, strengths of the regularization
            to choose from, or `"auto"`. Defaults to `"auto"`, `REGULARIZATIONS`.
        seed: int, random seed of the initial weights and the held-out texts.
            Defaults to `0`.
        class_weight: as in `solve_linear_head`. Defaults to `None`.
        sample_weight: as in `solve_linear_head`. Defaults to `None`.
        num_classes: as in `solve_linear_head`. Defaults to `None`.
        max_iterations: int. Defaults to `300`.

    Returns:
        A `HiddenHead`.

    Raises:
        InvalidDataError: features or targets cannot be used.
        ArgumentError: another argument is wrong.
    """
    if activation not in _ACTIVATIONS:
        raise ArgumentError(
            f"`activation` must be one of {list(_ACTIVATIONS)}. Received: "
            f"activation={shorten(activation)}."
        )
    path = read_regularizations(strengths, REGULARIZATIONS)
    data = read_head_data(features, targets, multi_label, class_weight, sample_weight, num_classes)
    with threadpool_limits(1, "blas"):
        basis = Basis.of(data.features)
    rows = basis.rows[:, :-1]
    problem = HiddenProblem(rows, data.targets, data.weights, activation, data.softmax)
    start = problem.start(hidden_dim, seed)
    plan = assign_folds(data.stratify, _PARTS, seed)
    scores: list[RegularizationScore] = []
    regularization = path[len(path) // 2] if len(path) > 1 else path[0]
    if len(path) > 1 and plan.count:
        train, test = (problem.take(indices) for indices in next(iter(plan)))

        def score(i: int) -> RegularizationScore:
            trained = train.fit(path[i], start, _ROUGH, max_iterations)
            return test.score(trained[0], trained[1], path[i])

        begin = min(range(len(path)), key=lambda i: abs(np.log(path[i] / _START)))
        scores = search_regularizations(score, len(path), begin)
        regularization = best_score(scores).regularization
    first, second, iterations = problem.fit(regularization, start, _TIGHT, max_iterations)
    hidden_kernel, hidden_bias = basis.unfold(first)
    hidden = keras.activations.get(activation)(ops.convert_to_tensor(rows @ first[:-1] + first[-1]))
    kernel, bias = data.expand(second[:-1], second[-1], ops.convert_to_numpy(hidden))
    return HiddenHead(
        hidden_kernel=hidden_kernel.astype("float32"),
        hidden_bias=hidden_bias.astype("float32"),
        activation=activation,
        kernel=kernel.astype("float32"),
        bias=bias.astype("float32"),
        regularization=regularization,
        scores=tuple(scores),
        temperature=best_score(scores).temperature if scores else 1.0,
        num_iterations=iterations,
        notes=data.notes + (plan.notes if len(path) > 1 else ()),
    )


class HiddenProblem:
    """The loss of a head with one hidden layer, as a function of its weights.

    Args:
        rows: float32 array of shape `(num_texts, rank)`.
        targets: float32 array of shape `(num_texts, num_outputs)`, from
            `HeadData`.
        weights: float32 array, from `HeadData`.
        activation: string, of the hidden layer.
        softmax: bool, whether the outputs are mutually exclusive.
    """

    def __init__(
        self,
        rows: np.ndarray,
        targets: np.ndarray,
        weights: np.ndarray,
        activation: str,
        softmax: bool,
    ) -> None:
        self._arrays = (rows, targets, weights)
        self._tensors = [ops.convert_to_tensor(array, "float32") for array in self._arrays]
        self._activation, self._softmax = activation, softmax

    def take(self, indices: np.ndarray) -> HiddenProblem:
        """Return the problem of some of the texts."""
        rows, targets, weights = (array[indices] for array in self._arrays)
        return HiddenProblem(rows, targets, weights, self._activation, self._softmax)

    def start(self, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Initial weights, with biases as the last row; hidden units have a variance of 1."""
        rng = np.random.default_rng(seed)
        rank, outputs = self._arrays[0].shape[1], self._arrays[1].shape[1]
        first, second = np.zeros((rank + 1, width)), np.zeros((width + 1, outputs))
        first[:-1] = rng.normal(size=(rank, width))
        second[:-1] = rng.normal(size=(width, outputs)) / np.sqrt(width)
        return first.astype("float32"), second.astype("float32")

    def loss_and_gradients(
        self, first: np.ndarray, second: np.ndarray, regularization: float
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Compute the penalized loss and its gradients.

        Args:
            first: float32 array of shape `(rank + 1, width)`.
            second: float32 array of shape `(width + 1, num_outputs)`.
            regularization: float, strength of the penalty, which excludes biases.

        Returns:
            A tuple of a float and arrays like `first` and `second`.
        """
        kernels = [ops.convert_to_tensor(kernel) for kernel in (first, second)]
        losses, gradients = _graded_losses(self._activation, self._softmax)(kernels, *self._tensors)
        loss = float(ops.convert_to_numpy(losses).sum(dtype="float64"))
        of_first, of_second = (np.array(ops.convert_to_numpy(gradient)) for gradient in gradients)
        for weights, gradient in ((first, of_first), (second, of_second)):
            kernel = weights[:-1]
            loss += (
                0.5 * regularization * float(np.einsum("ij,ij->", kernel, kernel, dtype="float64"))
            )
            gradient[:-1] += np.float32(regularization) * kernel
        return loss, of_first, of_second

    def fit(
        self,
        regularization: float,
        start: tuple[np.ndarray, np.ndarray],
        tolerance: float,
        max_iterations: int,
    ) -> tuple[np.ndarray, np.ndarray, int]:
        """Train from `start`; return both weight matrices and the number of iterations."""
        size, shapes = start[0].size, [weights.shape for weights in start]

        def unpack(point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            point = point.astype("float32")
            return point[:size].reshape(shapes[0]), point[size:].reshape(shapes[1])

        def objective(point: np.ndarray) -> tuple[float, np.ndarray]:
            loss, *gradients = self.loss_and_gradients(*unpack(point), regularization)
            return loss, np.concatenate([gradient.ravel() for gradient in gradients])

        flat = np.concatenate([weights.ravel() for weights in start])
        point, iterations = l_bfgs(objective, flat, tolerance, max_iterations)
        return *unpack(point), iterations

    def score(
        self, first: np.ndarray, second: np.ndarray, regularization: float
    ) -> RegularizationScore:
        """Score weights that were trained on other texts."""
        outputs = ops.convert_to_numpy(_scores(self._tensors[0], first, second, self._activation))
        return score_outputs(regularization, outputs, *self._arrays[1:], self._softmax)
