"""Stratified folds, and scores of regularizations on the held-out texts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.inputs.stratification import shuffled_by_group
from keras_textcls.predictions.calibration import best_log_scale, mean_loss

# Cross-validation on more texts takes longer and does not change the choice.
_MOST_TEXTS = 20_000
# Range of the logarithm of the factor on logits.
_CALIBRATIONS = (-2.5, 2.5)
_CALIBRATION_TOLERANCE = 0.05
# The search goes on while a step lowers the loss to less than this share.
_MARKED = 0.99


class RegularizationScore(NamedTuple):
    """The score of a regularization on the held-out texts.

    Args:
        regularization: float, strength of the penalty, scikit-learn's `1 / C`.
        loss: float, mean cross-entropy of the held-out texts.
        calibrated_loss: float, the same after the logits are divided by
            `temperature`.
        accuracy: float, share of the texts with a correct label; for
            multi-label, share of the known labels that are correct.
        temperature: float, the temperature with the lowest loss.
    """

    regularization: float
    loss: float
    calibrated_loss: float
    accuracy: float
    temperature: float


@dataclasses.dataclass(frozen=True)
class Folds:
    """The assignment of texts to folds.

    Args:
        numbers: int array of shape `(num_texts,)`: the fold that holds the text
            out, or -1 if the text is in the training part of every fold.
        count: int, number of folds; 0 if too few texts have the same label.
        notes: tuple of strings, deviations from the arguments.
        is_used: bool array of shape `(num_texts,)`, false for texts that are in
            no part, if there are very many texts.
    """

    numbers: np.ndarray
    count: int
    notes: tuple[str, ...]
    is_used: np.ndarray

    def __iter__(self) -> Any:
        for fold in range(self.count):
            held_out = self.numbers == fold
            yield np.flatnonzero(self.is_used & ~held_out), np.flatnonzero(held_out)


def assign_folds(targets: np.ndarray, count: int, seed: int) -> Folds:
    """Assign texts to stratified folds.

    Unlike `StratifiedKFold` of scikit-learn, this allows labels with fewer texts than folds,
    and labels with a single text, which is in the training part of every fold. Texts with
    several labels are stratified by their rarest label.

    Args:
        targets: int array of shape `(num_texts,)`, or for multi-label of shape
            `(num_texts, num_classes)`, 1 if the text has the label.
        count: int, number of folds, 2 or more.
        seed: int, random seed.

    Returns:
        `Folds`.

    Example:
    >>> assign_folds(np.array([0, 0, 0, 1, 1, 2]), 3, seed=0).numbers[-1]
    np.int64(-1)
    """
    group = targets if targets.ndim == 1 else _rarest_label(targets)
    order = shuffled_by_group(group, np.random.default_rng(seed))
    is_alone = np.bincount(group)[group] == 1
    dealt = order[~is_alone[order]]
    notes = []
    if is_alone.any() and targets.ndim == 1:
        notes.append(f"{is_alone.sum()} labels with a single text train in every fold")
    parts = count * math.ceil(len(group) / _MOST_TEXTS)
    if parts > count:
        notes.append(f"cross-validated on {count} of {parts} parts of the texts")
    if len(dealt) < parts:
        count = parts = len(dealt) if len(dealt) >= 2 else 0
        notes.append(f"{count} folds, since no more texts share a label")
    numbers = np.full(len(group), -1)
    numbers[dealt] = np.arange(len(dealt)) % max(parts, 1)
    return Folds(numbers, count, tuple(notes), numbers < count)


def _rarest_label(targets: np.ndarray) -> np.ndarray:
    """The rarest label of each text; `num_classes` for texts without a label."""
    counts = (targets == 1).sum(axis=0)
    ranked = np.where(targets == 1, counts, len(targets) + 1)
    return np.where((targets == 1).any(axis=1), ranked.argmin(axis=1), targets.shape[1])


def score_outputs(
    regularization: float,
    outputs: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    softmax: bool,
) -> RegularizationScore:
    """Score the logits of held-out texts.

    Overconfident or underconfident logits do not make a regularization worse: it is chosen by
    the loss after the logits are scaled by one factor, as calibration does later (Berta et
    al., "Rethinking Early Stopping: Refine, Then Calibrate", 2025).

    Args:
        regularization: float.
        outputs: float array of shape `(num_texts, num_outputs)`, logits.
        targets: float array of the same shape, of 0 and 1.
        weights: float array of shape `(num_texts, 1)` or that of `outputs`.
        softmax: bool, whether labels exclude each other.

    Returns:
        A `RegularizationScore`.
    """
    # Labels that all texts have are not scored, so the sum of the weights may be 0.
    total = max(float(weights.sum(dtype="float64")), 1e-12)
    log_scale, calibrated = best_log_scale(
        outputs, targets, weights, softmax, _CALIBRATIONS, _CALIBRATION_TOLERANCE
    )
    if softmax:
        right = (outputs.argmax(axis=1) == targets.argmax(axis=1))[:, None]
    else:
        right = (outputs > 0) == (targets > 0.5)
    accuracy = float((right * weights).sum(dtype="float64")) / total
    loss = mean_loss(outputs, targets, weights, softmax)
    return RegularizationScore(
        regularization, loss, calibrated, accuracy, float(np.exp(-log_scale))
    )


def search_regularizations(
    evaluate: Callable[[int], RegularizationScore], count: int, start: int
) -> list[RegularizationScore]:
    """Search along a path of regularizations while the calibrated loss decreases clearly.

    Weak penalties take long to solve, and often give about the same score.

    Args:
        evaluate: function from a position on the path to its score.
        count: int, number of regularizations.
        start: int, position of the first evaluation.

    Returns:
        A list of the `RegularizationScore`s that were evaluated, in the order of
        the path.
    """
    scores = {start: evaluate(start)}
    # Towards weaker penalties first.
    for step, enough in ((1, _MARKED), (-1, 1.0)):
        position = start
        while 0 <= position + step < count:
            scores[position + step] = evaluate(position + step)
            if scores[position + step].calibrated_loss >= enough * scores[position].calibrated_loss:
                break
            position += step
        if position != start:
            break
    return [scores[position] for position in sorted(scores)]


def best_score(scores: Sequence[RegularizationScore]) -> RegularizationScore:
    """Return the score with the lowest calibrated loss, of equal ones the strongest penalty."""
    return min(scores, key=lambda score: (score.calibrated_loss, -score.regularization))


def between_scores(scores: Sequence[RegularizationScore]) -> float:
    """Return the minimum of a parabola through the best score and its two neighbours.

    Args:
        scores: sequence of `RegularizationScore`, by decreasing regularization.

    Returns:
        A float, a regularization; that of the best score if it is at an end.
    """
    best = best_score(scores)
    i = scores.index(best)
    if not 0 < i < len(scores) - 1:
        return best.regularization
    x, y = (
        np.array([getattr(score, name) for score in scores[i - 1 : i + 2]])
        for name in ("regularization", "calibrated_loss")
    )
    square, slope, _ = np.polyfit(np.log(x / best.regularization), y - y[1], 2)
    if square <= 0:
        return best.regularization
    return float(np.clip(best.regularization * np.exp(-slope / (2 * square)), x[2], x[0]))


def read_regularizations(strengths: Any, usual: Sequence[float]) -> list[float]:
    """Check the argument `strengths`.

    Args:
        strengths: `"auto"`, a number or a sequence of numbers.
        usual: sequence of floats, the values for `"auto"`.

    Returns:
        A list of floats, the strongest regularization first.

    Raises:
        ArgumentError: `strengths` is none of these.
    """
    if isinstance(strengths, str) and strengths == "auto":
        return list(usual)
    try:
        path = sorted({float(value) for value in np.atleast_1d(strengths)}, reverse=True)
    except (TypeError, ValueError):
        path = []
    if not path or not all(0 < value < np.inf for value in path):
        raise ArgumentError(
            '`strengths` must be "auto", a positive number or a sequence of positive numbers. '
            f"Received: strengths={shorten(strengths)}."
        )
    return path
