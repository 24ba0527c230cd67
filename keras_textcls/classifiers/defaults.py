"""What a `TextClassifier` takes where an argument is left out: label names, loss, metrics."""

from __future__ import annotations

from typing import Any

import keras

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.labels import LabelSet
from keras_textcls.optimization.masked import MaskedBinaryCrossentropy, MaskedMetric
from keras_textcls.saving.preset_files import LONG_TEXTS, LongTexts


def class_names(num_classes: int | None, labels: Any) -> LabelSet:
    """Return the names of the classes, from whichever argument is given.

    Args:
        num_classes: int, or `None`.
        labels: list of names, or `None`.

    Returns:
        A `LabelSet`; numbered placeholders if there are no names.

    Raises:
        ArgumentError: neither is given, or they contradict each other.
    """
    if labels is None and num_classes is None:
        raise ArgumentError(
            "A classifier needs its classes: pass labels=[...] (names), or num_classes=... "
            "(numbers only)."
        )
    if labels is None:
        return LabelSet.numbered(num_classes)  # type: ignore[arg-type]
    labels = labels if isinstance(labels, LabelSet) else LabelSet(labels)
    if num_classes is not None and num_classes != len(labels):
        raise ArgumentError(
            "`num_classes` and `labels` contradict each other: "
            f"num_classes={num_classes}, but labels="
            f"{shorten(list(labels))} has {len(labels)} names. Pass only `labels`."
        )
    return labels


def read_long_texts(value: Any) -> LongTexts:
    """Check the argument `long_texts`.

    Args:
        value: `"truncate"` or `"chunk"`.

    Returns:
        The value.

    Raises:
        ArgumentError: it is neither.
    """
    for known in LONG_TEXTS:
        if isinstance(value, str) and value == known:
            return known
    raise ArgumentError(
        f"`long_texts` must be one of {list(LONG_TEXTS)}. Received: long_texts={shorten(value)}."
    )


def default_loss(multi_label: bool, is_probability: bool) -> keras.losses.Loss:
    """Return the loss of `compile(loss="auto")`.

    Args:
        multi_label: bool.
        is_probability: bool, whether the outputs are probabilities, not logits.

    Returns:
        A `keras.losses.Loss`.
    """
    if multi_label:
        return MaskedBinaryCrossentropy(from_logits=not is_probability)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=not is_probability)


def default_metrics(multi_label: bool, is_probability: bool) -> list[keras.metrics.Metric]:
    """Return the metrics of `compile(metrics="auto")`.

    Args:
        multi_label: bool.
        is_probability: bool, whether the outputs are probabilities, not logits.

    Returns:
        A list of `keras.metrics.Metric`.
    """
    if not multi_label:
        return [keras.metrics.SparseCategoricalAccuracy()]
    half = 0.5 if is_probability else 0.0
    return [
        MaskedMetric(keras.metrics.BinaryAccuracy(threshold=half)),
        MaskedMetric(keras.metrics.Precision(thresholds=half, name="precision")),
        MaskedMetric(keras.metrics.Recall(thresholds=half, name="recall")),
    ]
