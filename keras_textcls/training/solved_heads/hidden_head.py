"""A head with one hidden layer on frozen features, trained until it stands still.

Full-batch L-BFGS with gradients by hand, in float32: on features that are
computed once this is small work, the same on every backend, and reproducible.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.training.solved_heads.cross_validation import (
    StrengthScore,
    assign_folds,
    best_score,
    read_strengths,
    score_outputs,
    search_strengths,
)
from keras_textcls.training.solved_heads.head_data import HeadData, read_head_data
from keras_textcls.training.solved_heads.logistic_regression import Basis, cross_entropy, l_bfgs

STRENGTHS = (10.0, 3.16, 1.0, 0.316, 0.1, 0.0316, 0.01)
_START = 1.0
# A fifth is held out.
_PARTS = 5
_ROUGH, _TIGHT = 1e-3, 1e-6

_Function = Callable[[np.ndarray], np.ndarray]


def _gelu_slope(x: np.ndarray) -> np.ndarray:
    return ndtr(x) + x * np.exp(-0.5 * x * x) / np.float32(np.sqrt(2 * np.pi))


# Each with its derivative.
_ACTIVATIONS: dict[str, tuple[_Function, _Function]] = {
    "gelu": (lambda x: x * ndtr(x), _gelu_slope),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(x.dtype)),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
}


@dataclasses.dataclass(frozen=True)
class HiddenHead:
    """A trained head with one hidden layer.

    Args:
        hidden_kernel: float32 array of shape `(hidden_dim, width)`.
        hidden_bias: float32 array of shape `(width,)`.
        activation: string, of the hidden layer.
        kernel: float32 array of shape `(width, num_classes)`.
        bias: float32 array of shape `(num_classes,)`.
        strength: float, of the penalty on both kernels, in the scale of
            standardized features.
        scores: tuple of `StrengthScore`, of the texts that were held out; empty
            where none were.
        temperature: float, as of `LinearHead`.
        num_iterations: int, of the last training.
        notes: tuple of strings, what was done differently and why.
    """

    hidden_kernel: np.ndarray
    hidden_bias: np.ndarray
    activation: str
    kernel: np.ndarray
    bias: np.ndarray
    strength: float
    scores: tuple[StrengthScore, ...] = ()
    temperature: float = 1.0
    num_iterations: int = 0
    notes: tuple[str, ...] = ()

    def logits(self, features: np.ndarray) -> np.ndarray:
        """What the head answers.

        Args:
            features: float array of shape `(num_texts, hidden_dim)`.

        Returns:
            A float array of shape `(num_texts, num_classes)`.
        """
        function, _ = _ACTIVATIONS[self.activation]
        return function(features @ self.hidden_kernel + self.hidden_bias) @ self.kernel + self.bias


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

    The penalty is chosen on a stratified fifth of the texts, then all of them
    train.

    Args:
        features: as of `solve_linear_head`.
        targets: as of `solve_linear_head`.
        multi_label: bool. Defaults to `False`.
        hidden_dim: int, width of the hidden layer. Defaults to `384`.
        activation: string, `"gelu"`, `"relu"` or `"tanh"`. Defaults to
            `"gelu"`.
        strengths: float or sequence of floats, strengths of the penalty to
            choose from, or `"auto"`. Defaults to `"auto"`, `STRENGTHS`.
        seed: int, from which the first weights and the texts held out follow.
            Defaults to `0`.
        class_weight: as of `solve_linear_head`. Defaults to `None`.
        sample_weight: as of `solve_linear_head`. Defaults to `None`.
        num_classes: as of `solve_linear_head`. Defaults to `None`.
        max_iterations: int. Defaults to `300`.

    Returns:
        A `HiddenHead`.

    Raises:
        InvalidDataError: features or targets cannot be used.
        ArgumentError: another argument cannot be used.
    """
    if activation not in _ACTIVATIONS:
        raise ArgumentError(
            f"`activation` must be one of {list(_ACTIVATIONS)}. Received: "
            f"activation={shorten(activation)}."
        )
    path = read_strengths(strengths, STRENGTHS)
    data = read_head_data(features, targets, multi_label, class_weight, sample_weight, num_classes)
    with threadpool_limits(1, "blas"):
        basis = Basis.of(data.features)
        problem = HiddenProblem(basis.rows, data, activation)
        start = problem.start(hidden_dim, seed)
        plan = assign_folds(data.stratify, _PARTS, seed)
        scores: list[StrengthScore] = []
        strength = path[len(path) // 2] if len(path) > 1 else path[0]
        if len(path) > 1 and plan.count:
            train, test = next(iter(plan))
            score = lambda i: problem.score(path[i], start, train, test, max_iterations)  # noqa: E731
            begin = min(range(len(path)), key=lambda i: abs(np.log(path[i] / _START)))
            scores = search_strengths(score, len(path), begin)
            strength = best_score(scores).strength
        first, second, iterations = problem.fit(strength, start, _TIGHT, max_iterations)
        hidden_kernel, hidden_bias = basis.unfold(first)
    function, _ = _ACTIVATIONS[activation]
    hidden = function(data.features @ hidden_kernel.astype("float32") + hidden_bias)
    kernel, bias = data.expand(second[:-1], second[-1], hidden.astype("float32"))
    return HiddenHead(
        hidden_kernel=hidden_kernel.astype("float32"),
        hidden_bias=hidden_bias.astype("float32"),
        activation=activation,
        kernel=kernel.astype("float32"),
        bias=bias.astype("float32"),
        strength=strength,
        scores=tuple(scores),
        temperature=best_score(scores).temperature if scores else 1.0,
        num_iterations=iterations,
        notes=data.notes + (plan.notes if len(path) > 1 else ()),
    )


class HiddenProblem:
    """The loss of a head with one hidden layer, as a function of its weights.

    Args:
        rows: float32 array of shape `(num_texts, rank + 1)`, as of `Basis`.
        data: `HeadData`.
        activation: string, of the hidden layer.
    """

    def __init__(self, rows: np.ndarray, data: HeadData, activation: str) -> None:
        self._rows = rows
        self._data = data
        self._function, self._slope = _ACTIVATIONS[activation]

    def start(self, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """First weights, biases as the last row: hidden units of variance about 1."""
        rng = np.random.default_rng(seed)
        rank, outputs = self._rows.shape[1] - 1, self._data.targets.shape[1]
        first, second = np.zeros((rank + 1, width)), np.zeros((width + 1, outputs))
        first[:-1] = rng.normal(size=(rank, width))
        second[:-1] = rng.normal(size=(width, outputs)) / np.sqrt(width)
        return first.astype("float32"), second.astype("float32")

    def loss_and_gradients(
        self, first: np.ndarray, second: np.ndarray, strength: float, indices: Any = slice(None)
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """The penalized loss of some texts.

        Args:
            first: float array of shape `(rank + 1, width)`.
            second: float array of shape `(width + 1, num_outputs)`.
            strength: float, of the penalty; biases go free.
            indices: int array, which texts. Defaults to all.

        Returns:
            A tuple of a float and arrays like `first` and `second`.
        """
        rows, data = self._rows[indices], self._data
        before = rows @ first
        hidden = self._function(before)
        scores = hidden @ second[:-1] + second[-1]
        loss, slopes = cross_entropy(
            scores, data.targets[indices], data.weights[indices], data.softmax
        )
        of_first = rows.T @ ((slopes @ second[:-1].T) * self._slope(before))
        of_second = np.vstack([hidden.T @ slopes, slopes.sum(axis=0)])
        for weights, gradient in ((first, of_first), (second, of_second)):
            kernel = weights[:-1]
            loss += 0.5 * strength * float(np.einsum("ij,ij->", kernel, kernel, dtype="float64"))
            gradient[:-1] += np.float32(strength) * kernel
        return loss, of_first, of_second

    def fit(
        self,
        strength: float,
        start: tuple[np.ndarray, np.ndarray],
        tolerance: float,
        max_iterations: int,
        indices: Any = slice(None),
    ) -> tuple[np.ndarray, np.ndarray, int]:
        """Train from `start`; returns both weights and the number of iterations."""
        size, shapes = start[0].size, [weights.shape for weights in start]

        def objective(point: np.ndarray) -> tuple[float, np.ndarray]:
            first, second = point[:size].reshape(shapes[0]), point[size:].reshape(shapes[1])
            loss, *gradients = self.loss_and_gradients(first, second, strength, indices)
            return loss, np.concatenate([gradient.ravel() for gradient in gradients])

        flat = np.concatenate([weights.ravel() for weights in start])
        point, iterations = l_bfgs(objective, flat, tolerance, max_iterations)
        return point[:size].reshape(shapes[0]), point[size:].reshape(shapes[1]), iterations

    def score(
        self,
        strength: float,
        start: tuple[np.ndarray, np.ndarray],
        train: np.ndarray,
        test: np.ndarray,
        max_iterations: int,
    ) -> StrengthScore:
        """Train on some texts and score others."""
        first, second, _ = self.fit(strength, start, _ROUGH, max_iterations, train)
        outputs = self._function(self._rows[test] @ first) @ second[:-1] + second[-1]
        data = self._data
        return score_outputs(
            strength, outputs, data.targets[test], data.weights[test], data.softmax
        )
