"""Calibration: of the answers with a probability of 0.8, 8 in 10 should be right.

The logits of held-out texts are scaled so that the likelihood of their labels is
highest: all by one temperature ([Guo et al., 2017](
https://arxiv.org/abs/1706.04599)), or each label by a factor and a bias of its
own (vector scaling, same paper; for multi-label this is Platt's scaling of each
label). The functions take plain arrays; users call `TextClassifier.calibrate`.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_expit, log_softmax, softmax

BINS = 15
METHODS = ("temperature", "vector")
# Logarithms of what logits are multiplied by.
_SCALES = (-5.0, 5.0)


@dataclasses.dataclass(frozen=True)
class VectorScaling:
    """A factor and a bias for the logit of each label.

    Args:
        scale: tuple of floats, one a label.
        bias: tuple of floats, one a label.
    """

    scale: tuple[float, ...]
    bias: tuple[float, ...]

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """Scale logits.

        Args:
            logits: float array of shape `(num_texts, num_classes)`.

        Returns:
            A float64 array of the same shape.
        """
        return logits.astype("float64") * np.asarray(self.scale) + np.asarray(self.bias)


@dataclasses.dataclass(frozen=True)
class Calibration:
    """The result of a calibration, measured on the texts that it was fitted on.

    Args:
        method: string, `"temperature"` or `"vector"`.
        temperature: float, by which logits are divided; 1 for `"vector"`.
        vector_scaling: `VectorScaling`, or `None` for `"temperature"`.
        texts: int, how many.
        error_before: float, expected calibration error without any calibration.
        error_after: float, the same afterwards.
        log_loss_before: float, mean cross-entropy.
        log_loss_after: float.
    """

    method: str
    temperature: float
    vector_scaling: VectorScaling | None
    texts: int
    error_before: float
    error_after: float
    log_loss_before: float
    log_loss_after: float

    def __str__(self) -> str:
        how = f" {self.temperature:.3f}" if self.vector_scaling is None else ""
        return (
            f"{self.method}{how} on {self.texts:,} texts: expected calibration error "
            f"{self.error_before:.4f} -> {self.error_after:.4f}, log loss "
            f"{self.log_loss_before:.4f} -> {self.log_loss_after:.4f}"
        )


def fit_calibration(logits: np.ndarray, targets: np.ndarray, method: str) -> Calibration:
    """Find the scaling of logits that makes held-out labels most likely.

    Args:
        logits: float array of shape `(num_texts, num_classes)`.
        targets: int array of shape `(num_texts,)`, labels that exclude each
            other; or a matrix of the shape of `logits` of 1, 0 and, where
            unknown, -1.
        method: string, `"temperature"` or `"vector"`.

    Returns:
        A `Calibration`.
    """
    logits = logits.astype("float64")
    exclusive = targets.ndim == 1
    matrix = np.eye(logits.shape[1])[targets] if exclusive else targets
    known = np.ones((len(logits), 1)) if exclusive else (matrix >= 0).astype("float64")
    # Without regularization, perfectly separated texts would give an infinite scale.
    log_scale, _ = best_log_scale(logits, matrix, known, exclusive, bounds=_SCALES)
    temperature = float(np.exp(-log_scale))
    vector = None
    scaled = logits / temperature
    if method == "vector":
        vector = _fit_vector(logits, matrix, known, exclusive, 1 / temperature)
        temperature, scaled = 1.0, vector.apply(logits)
    return Calibration(
        method=method,
        temperature=temperature,
        vector_scaling=vector,
        texts=len(logits),
        error_before=_error(logits, targets),
        error_after=_error(scaled, targets),
        log_loss_before=mean_loss(logits, matrix, known, exclusive),
        log_loss_after=mean_loss(scaled, matrix, known, exclusive),
    )


def best_log_scale(
    logits: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    exclusive: bool,
    bounds: tuple[float, float],
    tolerance: float = 1e-4,
) -> tuple[float, float]:
    """Find the factor on all logits that makes the labels most likely.

    A regularization of the weight of one text keeps the factor near 1 where there
    are few texts, and finite where the labels are perfectly separated.

    Args:
        logits: float array of shape `(num_texts, num_outputs)`.
        targets: float array of the same shape, of 0 and 1.
        weights: float array of shape `(num_texts, 1)` or that of `logits`.
        exclusive: bool, softmax over the outputs; else a sigmoid of each.
        bounds: tuple of floats, lowest and highest logarithm of the factor.
        tolerance: float, of that logarithm. Defaults to `1e-4`.

    Returns:
        A tuple of the logarithm of the factor and the mean loss there.
    """
    total = max(float(weights.sum(dtype="float64")), 1e-12)

    def loss(log_scale: float) -> float:
        scaled = logits * logits.dtype.type(np.exp(log_scale))
        return mean_loss(scaled, targets, weights, exclusive) + 0.5 * log_scale**2 / total

    optimum = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": tolerance})
    return float(optimum.x), float(optimum.fun)


def mean_loss(
    logits: np.ndarray, targets: np.ndarray, weights: np.ndarray, exclusive: bool
) -> float:
    """Return the mean cross-entropy.

    Args:
        logits: float array of shape `(num_texts, num_outputs)`.
        targets: float array of the same shape, 1 where a label is there.
        weights: float array of shape `(num_texts, 1)` or that of `logits`.
        exclusive: bool, softmax over the outputs; else a sigmoid of each.

    Returns:
        A float.
    """
    if exclusive:
        losses = -np.einsum("ij,ij->i", log_softmax(logits, axis=1), targets)[:, None]
    else:
        losses = -log_expit((2 * (targets == 1) - 1) * logits)
    total = max(float(weights.sum(dtype="float64")), 1e-12)
    return float((losses * weights).sum(dtype="float64")) / total


def _fit_vector(
    logits: np.ndarray, targets: np.ndarray, weights: np.ndarray, exclusive: bool, start: float
) -> VectorScaling:
    """Factors and biases by L-BFGS, each regularized with the weight of one text."""
    classes = logits.shape[1]
    there = (targets == 1).astype("float64")
    total = max(float(weights.sum()), 1e-12)

    def loss_and_gradient(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        logs, bias = parameters[:classes], parameters[classes:]
        scaled = logits * np.exp(logs) + bias
        away = np.concatenate([logs - np.log(start), bias])
        probabilities = softmax(scaled, axis=1) if exclusive else expit(scaled)
        slopes = (probabilities - there) * weights / total
        gradient = np.concatenate(
            [(slopes * logits).sum(axis=0) * np.exp(logs), slopes.sum(axis=0)]
        )
        loss = mean_loss(scaled, targets, weights, exclusive) + 0.5 * (away @ away) / total
        return loss, gradient + away / total

    begin = np.concatenate([np.full(classes, np.log(start)), np.zeros(classes)])
    solution = minimize(loss_and_gradient, begin, jac=True, method="L-BFGS-B").x
    return VectorScaling(
        tuple(np.exp(solution[:classes]).tolist()), tuple(solution[classes:].tolist())
    )


def _error(logits: np.ndarray, targets: np.ndarray) -> float:
    """Expected calibration error."""
    if targets.ndim == 1:
        probabilities = softmax(logits, axis=1)
        best = probabilities.argmax(axis=1)
        probability, right = probabilities.max(axis=1), best == targets
    else:
        probability, right = expit(logits)[targets >= 0], targets[targets >= 0] == 1
    gaps = np.bincount(bin_of(probability, BINS), probability - right, minlength=BINS)
    return float(np.abs(gaps).sum() / max(len(probability), 1))


def bin_of(probability: np.ndarray, bins: int) -> np.ndarray:
    """Return the bin of each probability, of bins of equal width that are closed above.

    Args:
        probability: float array.
        bins: int, number of bins.

    Returns:
        An int array of the same shape, in `[0, bins)`.
    """
    edges = np.linspace(0, 1, bins + 1)
    return np.clip(np.searchsorted(edges, probability, side="left") - 1, 0, bins - 1)
