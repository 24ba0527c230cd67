"""`Prediction`: the answer for one text, in label names."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import scipy.special

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.labels import LabelSet
from keras_textcls.predictions.calibration import VectorScaling
from keras_textcls.predictions.decisions import (
    NO_ANSWER,
    decide,
    default_thresholds,
    select_labels,
)


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The answer of a classifier for one text.

    Args:
        label: string, the most probable label, or `None` where it stays below
            its threshold.
        score: float, the probability of the most probable label.
        labels: tuple of strings, most probable first: all labels (or the
            `top_k` asked for) of a single-label classifier, those that reach
            their threshold of a multi-label one.
        scores: tuple of floats, their probabilities.
    """

    label: str | None
    score: float
    labels: tuple[str, ...]
    scores: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class AnswerOptions:
    """Defaults of `classify`: which labels a prediction may list.

    Args:
        select_labels: tuple of strings, the only labels that are answered, or
            `None` for all. Defaults to `None`.
        min_score: float in `[0, 1]`, lowest probability of a label that is
            listed. Defaults to `0.0`.
        max_labels: int or `None`, most labels that are listed. Defaults to
            `None`.

    Raises:
        ArgumentError: a value is none of the above.
    """

    select_labels: tuple[str, ...] | None = None
    min_score: float = 0.0
    max_labels: int | None = None

    def __post_init__(self) -> None:
        names = self.select_labels
        if names is not None:
            is_list = isinstance(names, (list, tuple)) and all(isinstance(n, str) for n in names)
            if not is_list or not names or len(set(names)) < len(names):
                raise ArgumentError(
                    "`select_labels` must be a list of different label names or None. "
                    f"Received: select_labels={shorten(names)}."
                )
            object.__setattr__(self, "select_labels", tuple(names))
        score, most = self.min_score, self.max_labels
        if isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= 1:
            raise ArgumentError(
                f"`min_score` must be a number in [0, 1]. Received: min_score={shorten(score)}."
            )
        is_int = isinstance(most, int) and not isinstance(most, bool)
        if most is not None and (not is_int or most < 1):
            raise ArgumentError(
                "`max_labels` (`top_k` in classify) must be a positive integer or None. Received: "
                f"{shorten(most)}."
            )


def to_probabilities(
    outputs: np.ndarray,
    activation: Any,
    multi_label: bool,
    temperature: float = 1.0,
    vector_scaling: VectorScaling | None = None,
) -> np.ndarray:
    """Turn the outputs of a classifier into probabilities.

    Args:
        outputs: float array of shape `(num_texts, num_classes)`.
        activation: the activation that made them: linear, softmax or sigmoid.
        multi_label: bool.
        temperature: float by which logits are divided. Defaults to `1.0`.
        vector_scaling: `VectorScaling`, applied to logits before, or `None`.
            Defaults to `None`.

    Returns:
        A float32 array of shape `(num_texts, num_classes)`.

    Raises:
        ArgumentError: the activation makes neither logits nor probabilities.
    """
    if is_final(activation, multi_label) and temperature == 1.0 and vector_scaling is None:
        return outputs
    logits = to_logits(outputs, activation, multi_label)
    if vector_scaling is not None:
        logits = vector_scaling.apply(logits)
    final_of = (
        scipy.special.expit if multi_label else functools.partial(scipy.special.softmax, axis=-1)
    )
    return final_of(logits / temperature).astype("float32")


def is_final(activation: Any, multi_label: bool) -> bool:
    """Return whether an activation makes probabilities; `False` if it makes logits.

    Args:
        activation: an activation of Keras, `linear`, `softmax` or `sigmoid`.
        multi_label: bool.

    Returns:
        A bool.

    Raises:
        ArgumentError: it makes neither.
    """
    final = "sigmoid" if multi_label else "softmax"
    # By name: whoever has probabilities and no Keras can use this module.
    name = getattr(activation, "__name__", activation)
    is_of_keras = getattr(activation, "__module__", "").partition(".")[0] == "keras"
    if not is_of_keras or name not in ("linear", final):
        raise ArgumentError(
            f"Probabilities need `activation` None or {final!r}. The classifier has "
            f"activation={name!r}."
        )
    return name == final


def to_logits(outputs: np.ndarray, activation: Any, multi_label: bool) -> np.ndarray:
    """Turn the outputs of a classifier into logits.

    Args:
        outputs: float array of shape `(num_texts, num_classes)`.
        activation: the activation that made them: linear, softmax or sigmoid.
        multi_label: bool.

    Returns:
        A float64 array of the same shape.

    Raises:
        ArgumentError: the activation makes neither logits nor probabilities.
    """
    logits = outputs.astype("float64")
    if not is_final(activation, multi_label):
        return logits
    return scipy.special.logit(logits) if multi_label else np.log(logits)


def to_predictions(
    probabilities: np.ndarray,
    labels: LabelSet,
    multi_label: bool,
    thresholds: np.ndarray | None,
    options: AnswerOptions = AnswerOptions(),
) -> list[Prediction]:
    """Turn probabilities into predictions.

    Args:
        probabilities: float array of shape `(num_texts, num_classes)`.
        labels: `LabelSet`.
        multi_label: bool.
        thresholds: float array of shape `(num_classes,)`, or `None`: 0.5 for
            multi-label, none otherwise.
        options: `AnswerOptions`. Defaults to all labels.

    Returns:
        A list of `Prediction`, one a text.
    """
    if thresholds is None:
        thresholds = default_thresholds(len(labels), multi_label)
    if options.select_labels is not None:
        probabilities, thresholds, labels = select_labels(
            probabilities, thresholds, labels, options.select_labels
        )
    needed = np.maximum(thresholds, options.min_score)
    lowest = needed if multi_label else np.full(len(labels), options.min_score)
    best = decide(probabilities, False, needed)
    is_listed = decide(probabilities, True, lowest)
    predictions = []
    for i, order in enumerate(np.argsort(-probabilities, kind="stable")):
        shown = order[is_listed[i, order]][: options.max_labels]
        predictions.append(
            Prediction(
                label=None if best[i] == NO_ANSWER else labels[int(best[i])],
                score=float(probabilities[i, order[0]]),
                labels=tuple(labels.decode(shown)),
                scores=tuple(probabilities[i, shown].astype(float).tolist()),
            )
        )
    return predictions
