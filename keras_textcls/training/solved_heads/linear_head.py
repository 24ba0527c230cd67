"""A linear head on frozen features, solved to its optimum.

The optimum is that of scikit-learn's `LogisticRegression(C=1 / regularization)` on
standardized features, one-vs-rest for multi-label. The standardization is folded into
kernel and bias, so that `features @ kernel + bias` are the logits of the raw features of
the backbone.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.training.solved_heads.cross_validation import (
    Folds,
    RegularizationScore,
    assign_folds,
    best_score,
    between_scores,
    read_regularizations,
    score_outputs,
    search_regularizations,
)
from keras_textcls.training.solved_heads.head_data import read_head_data
from keras_textcls.training.solved_heads.logistic_regression import (
    FEW_NUMBERS,
    Basis,
    LogisticProblem,
    minimize,
)

# From 30 to 0.0003, two for each power of ten.
REGULARIZATIONS = tuple(float(f"{10 ** (1.5 - i / 2):.3g}") for i in range(11))
# Of few numbers the folds are solved more closely: it is cheap, and rough scores of few texts
# choose another regularization.
_ROUGH, _ROUGH_OF_FEW, _TIGHT = 1e-2, 1e-4, 1e-9
# Share of the variance that is kept to choose a regularization; the rest does not change it.
_COMPARED_SHARE = 0.95
_FOLDS, _FOLDS_OF_MANY, _MANY = 5, 3, 50


@dataclasses.dataclass(frozen=True)
class LinearHead:
    """A solved linear head.

    Args:
        kernel: float32 array of shape `(hidden_dim, num_classes)`.
        bias: float32 array of shape `(num_classes,)`.
        regularization: float, strength of the penalty, scikit-learn's `1 / C` on
            features that are standardized and have a mean squared norm of about
            1.
        scores: tuple of `RegularizationScore`, by decreasing regularization;
            empty without cross-validation.
        temperature: float, the divisor of the logits that calibrates the
            probabilities of held-out texts best; kernel and bias do not include
            it.
        num_iterations: int, number of iterations of the last solve.
        notes: tuple of strings, deviations from the arguments, with reasons.
    """

    kernel: np.ndarray
    bias: np.ndarray
    regularization: float
    scores: tuple[RegularizationScore, ...] = ()
    temperature: float = 1.0
    num_iterations: int = 0
    notes: tuple[str, ...] = ()


def solve_linear_head(
    features: Any,
    targets: Any,
    multi_label: bool = False,
    strengths: str | float | Sequence[float] = "auto",
    folds: int | str = "auto",
    seed: int = 0,
    class_weight: str | Mapping[int, float] | None = None,
    sample_weight: Any = None,
    num_classes: int | None = None,
) -> LinearHead:
    """Solve a linear head on features and targets.

    The same arguments give the same head, bit for bit, on one machine.

    Args:
        features: float array of shape `(num_texts, hidden_dim)`.
        targets: int array of shape `(num_texts,)`, classes; for multi-label a
            matrix of shape `(num_texts, num_classes)` of 1, 0 and, if unknown, -1
            or NaN: such a text is left out for that label.
        multi_label: bool, whether a text may have several labels, or none.
            Defaults to `False`.
        strengths: float or sequence of floats, strengths of the regularization
            to choose from by stratified cross-validation, or `"auto"`. Defaults
            to `"auto"`: `REGULARIZATIONS`, without those that cannot be the best.
        folds: int, 2 or more, or `"auto"`. Defaults to `"auto"`: 5, or 3 for more
            than 50 labels, which take longer.
        seed: int, random seed of the folds. Defaults to `0`.
        class_weight: `"balanced"`, a dict from class to weight, or `None`; for
            single-label only. Defaults to `None`.
        sample_weight: array of shape `(num_texts,)`, or `None`. Defaults to
            `None`.
        num_classes: int or `None`. Defaults to `None`: the classes that occur, or
            the columns of `targets`.

    Returns:
        A `LinearHead`.

    Raises:
        InvalidDataError: shapes do not fit, a number is not finite, or all texts
            have the same label.
        ArgumentError: another argument is wrong.

    Example:
    >>> features = np.array([[0.0, 1.0], [0.2, 0.9], [1.0, 0.1], [0.9, 0.0]])
    >>> head = solve_linear_head(features, [0, 0, 1, 1])
    >>> (features @ head.kernel + head.bias).argmax(axis=1).tolist()
    [0, 0, 1, 1]
    """
    path = read_regularizations(strengths, REGULARIZATIONS)
    if folds != "auto" and (not isinstance(folds, (int, np.integer)) or folds < 2):
        raise ArgumentError(
            f'`folds` must be "auto" or an integer from 2 on. Received: folds={shorten(folds)}.'
        )
    data = read_head_data(features, targets, multi_label, class_weight, sample_weight, num_classes)
    # One BLAS thread: the folds run in parallel, and sums have the same order on every machine.
    with threadpool_limits(1, "blas"):
        basis = Basis.of(data.features)
        problem = LogisticProblem(basis.rows, data.targets, data.weights, data.softmax)
        if folds == "auto":
            folds = _FOLDS_OF_MANY if len(data.outputs) > _MANY else _FOLDS
        plan = assign_folds(data.stratify, int(folds), seed)
        is_chosen = len(path) > 1 and plan.count > 0
        scores, start = _cross_validate(problem, plan, path, strengths == "auto", is_chosen)
        best = best_score(scores) if scores else None
        if best is None:
            regularization = _default_regularization(problem, path)
        else:
            regularization = between_scores(scores) if strengths == "auto" else best.regularization
        weights, iterations = minimize(problem, regularization, start, _TIGHT)
        kernel, bias = basis.unfold(weights)
    kernel, bias = data.expand(kernel, bias, data.features)
    return LinearHead(
        kernel=kernel.astype("float32"),
        bias=bias.astype("float32"),
        regularization=regularization,
        scores=tuple(scores),
        temperature=best.temperature if best else 1.0,
        num_iterations=iterations,
        notes=data.notes + (plan.notes if len(path) > 1 else ()),
    )


def _default_regularization(problem: LogisticProblem, path: Sequence[float]) -> float:
    """Three times the curvature of the loss of a text; the best value is usually close to it."""
    shares = problem.shares()
    usual = 3 * float(np.mean(shares * (1 - shares)))
    return min(path, key=lambda regularization: abs(np.log(regularization / usual)))


def _cross_validate(
    problem: LogisticProblem,
    plan: Folds,
    path: Sequence[float],
    may_skip: bool,
    is_chosen: bool,
) -> tuple[list[RegularizationScore], np.ndarray]:
    """The scores along the path, and initial weights for the last solve."""
    if not is_chosen:
        return [], problem.start()
    narrow = _narrow(problem)
    solver = _FoldSolver(narrow, plan, path)
    begin = path.index(_default_regularization(problem, path)) if may_skip else 0
    with ThreadPoolExecutor(min(plan.count, os.cpu_count() or 1)) as pool:
        if may_skip:
            scores = search_regularizations(lambda i: solver.evaluate(i, pool), len(path), begin)
        else:
            scores = [solver.evaluate(i, pool) for i in range(len(path))]
    solution = np.mean(solver.solved[path.index(best_score(scores).regularization)], axis=0)
    start = problem.start()
    start[: len(solution) - 1], start[-1] = solution[:-1], solution[-1]
    return scores, start


def _narrow(problem: LogisticProblem) -> LogisticProblem:
    """Keep the principal axes with the most variance."""
    rows = problem.rows[:, :-1]
    shares = np.cumsum(np.einsum("ij,ij->j", rows, rows, dtype="float64"))
    width = int(np.searchsorted(shares, _COMPARED_SHARE * shares[-1:].sum())) + 1
    kept = np.hstack([rows[:, :width], problem.rows[:, -1:]])
    return dataclasses.replace(problem, rows=kept)


class _FoldSolver:
    """Solves all folds at one regularization at a time, each from the nearest solution."""

    def __init__(self, problem: LogisticProblem, plan: Folds, path: Sequence[float]) -> None:
        self._path = path
        self._parts = [_without_constant(problem.take(train)) for train, _ in plan]
        self._held_out = [problem.take(test) for _, test in plan]
        for part, test in zip(self._parts, self._held_out, strict=True):
            # A label that all or none of a fold's training texts have is not scored there.
            if not problem.softmax:
                test.weights[:] *= part.weights.any(axis=0)
        self.solved: dict[int, list[np.ndarray]] = {}

    def evaluate(self, position: int, pool: ThreadPoolExecutor) -> RegularizationScore:
        """Score the regularization at a position of the path."""
        if self.solved:
            near = self.solved[min(self.solved, key=lambda other: abs(other - position))]
        else:
            near = [part.start() for part in self._parts]
        regularization = self._path[position]

        def solve(part: LogisticProblem, start: np.ndarray) -> np.ndarray:
            tolerance = _ROUGH_OF_FEW if part.rows.size < FEW_NUMBERS else _ROUGH
            return minimize(part, regularization, start, tolerance)[0]

        self.solved[position] = list(pool.map(solve, self._parts, near))
        outputs = [
            test.rows @ weights
            for test, weights in zip(self._held_out, self.solved[position], strict=True)
        ]
        return score_outputs(
            regularization,
            np.concatenate(outputs),
            np.concatenate([test.targets for test in self._held_out]),
            np.concatenate([test.weights for test in self._held_out]),
            self._parts[0].softmax,
        )


def _without_constant(part: LogisticProblem) -> LogisticProblem:
    """Leave out labels that all or none of the texts have."""
    if not part.softmax:
        counted = part.weights > 0
        positive = (counted & (part.targets > 0.5)).any(axis=0)
        negative = (counted & (part.targets < 0.5)).any(axis=0)
        part.weights[:] *= positive & negative
    return part
