"""`Prediction`: the answer for one text, in label names."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import keras
import numpy as np
import scipy.special

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.labels import LabelSet


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a classifier says of one text.

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


def read_thresholds(threshold: object, labels: LabelSet) -> np.ndarray | None:
    """Turn a threshold, one for all or one a label, into an array.

    Args:
        threshold: float in `[0, 1]`, a sequence of those, one a label, a dict
            from label name to float, or `None`.
        labels: `LabelSet`. Labels that a dict lacks have threshold 0.5.

    Returns:
        A float array of shape `(num_classes,)`, or `None` for `None`.

    Raises:
        ArgumentError: a value is not in `[0, 1]`, or the number of values is
            not that of the labels.
    """
    if threshold is None:
        return None
    if isinstance(threshold, dict):
        values = np.full(len(labels), 0.5)
        for name, value in threshold.items():
            values[labels.index(name)] = value
    else:
        values = np.asarray(threshold, dtype=float)
        values = np.full(len(labels), values) if values.ndim == 0 else values
    if values.shape != (len(labels),) or not ((values >= 0) & (values <= 1)).all():
        raise ArgumentError(
            f"`threshold` must be a number in [0, 1], or {len(labels)} of them, one a label. "
            f"Received: threshold={shorten(threshold)}."
        )
    return values


def to_probabilities(
    outputs: np.ndarray, activation: Any, multi_label: bool, temperature: float = 1.0
) -> np.ndarray:
    """Turn the outputs of a classifier into probabilities.

    Args:
        outputs: float array of shape `(num_texts, num_classes)`.
        activation: the activation that made them: linear, softmax or sigmoid.
        multi_label: bool.
        temperature: float by which logits are divided. Defaults to `1.0`.

    Returns:
        A float32 array of shape `(num_texts, num_classes)`.

    Raises:
        ArgumentError: the activation makes neither logits nor probabilities.
    """
    final = keras.activations.sigmoid if multi_label else keras.activations.softmax
    if activation not in (keras.activations.linear, final):
        raise ArgumentError(
            f"Probabilities need `activation` None or {final.__name__!r}. The classifier has "
            f"activation={getattr(activation, '__name__', activation)!r}."
        )
    if activation is final and temperature == 1.0:
        return outputs
    logits = outputs.astype("float64")
    if activation is final:
        logits = scipy.special.logit(logits) if multi_label else np.log(logits)
    final_of = (
        scipy.special.expit if multi_label else functools.partial(scipy.special.softmax, axis=-1)
    )
    return final_of(logits / temperature).astype("float32")


def decide(
    probabilities: np.ndarray,
    labels: LabelSet,
    multi_label: bool,
    thresholds: np.ndarray | None,
    top_k: int | None,
) -> list[Prediction]:
    """Turn probabilities into predictions.

    Args:
        probabilities: float array of shape `(num_texts, num_classes)`.
        labels: `LabelSet`.
        multi_label: bool.
        thresholds: float array of shape `(num_classes,)`, or `None`: 0.5 for
            multi-label, none otherwise.
        top_k: int or `None`, most labels a text.

    Returns:
        A list of `Prediction`, one a text.
    """
    if top_k is not None and (not isinstance(top_k, int) or top_k < 1):
        raise ArgumentError(
            f"`top_k` must be a positive integer or None. Received: top_k={shorten(top_k)}."
        )
    if thresholds is None:
        thresholds = np.full(len(labels), 0.5 if multi_label else 0.0)
    predictions = []
    for row, order in zip(probabilities, np.argsort(-probabilities, kind="stable"), strict=True):
        best = int(order[0])
        shown = order[row[order] >= thresholds[order]] if multi_label else order
        shown = shown[:top_k]
        predictions.append(
            Prediction(
                label=labels[best] if row[best] >= thresholds[best] else None,
                score=float(row[best]),
                labels=tuple(labels.decode(shown)),
                scores=tuple(float(row[i]) for i in shown),
            )
        )
    return predictions
