"""Losses and metrics for texts of which some labels are unknown.

People who annotate texts with many labels often judge only a few of them. In the
targets of a multi-label classifier, 1 is a label that is there, 0 is one that is
not, and any number below 0, or NaN, is one that nobody has judged. The losses and
metrics of this module leave such labels out, and say so with the attribute
`ignores_unknown`. Losses and metrics without it, such as those of Keras, would
compute with the number -1, so `TextClassifier` refuses to train or evaluate with them.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.keras_compat.metrics import copy_direction


@keras.saving.register_keras_serializable(package="keras_textcls")
class MaskedBinaryCrossentropy(keras.losses.BinaryCrossentropy):
    """Binary cross-entropy over the labels that are known.

    Targets are 1, 0 and, where unknown, -1 (any negative number, or NaN). The
    loss of a text is the mean over its known labels, and 0 if it has none; an
    unknown label has no gradient. Where every label is known this is
    `keras.losses.BinaryCrossentropy`, to the last bit.

    A batch is reduced as Keras reduces it: with the default
    `"sum_over_batch_size"` the losses of the texts are summed and divided by
    the number of texts, those without any known label included, as Keras counts
    texts of sample weight 0. So every text counts the same, however many of its
    labels are known, and the loss of a data set does not depend on how it is
    cut into batches, as a mean over the known labels of a batch would. This is
    the partial cross-entropy of
    [Durand et al., 2019](https://arxiv.org/abs/1902.09720), normalized by the
    share of labels that is known.

    Args:
        from_logits: bool, whether predictions are logits instead of
            probabilities. Defaults to `False`.
        label_smoothing: float in `[0, 1]`, by how much targets move towards
            0.5. Defaults to `0.0`.
        axis: int, the axis of the labels. Defaults to `-1`.
        reduction: string or `None`, as in `keras.losses.Loss`. Defaults to
            `"sum_over_batch_size"`.
        name: string. Defaults to `"binary_crossentropy"`.
        dtype: dtype of the computation. Defaults to `None`, Keras's `floatx`.

    Example:
    >>> import numpy as np
    >>> loss = MaskedBinaryCrossentropy()
    >>> y_true = np.array([[1.0, 0.0], [1.0, -1.0]])
    >>> y_pred = np.array([[0.5, 0.5], [0.25, 0.9]])
    >>> round(float(loss(y_true, y_pred)), 4)  # (log 2 + log 4) / 2
    1.0397
    """

    ignores_unknown = True

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        self.fn = _mean_over_known


def _mean_over_known(
    y_true: Any, y_pred: Any, from_logits: bool, label_smoothing: float, axis: int
) -> Any:
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    known = _is_known(y_true)
    # Both times: a loss of -1 must reach neither the sum nor the gradient.
    y_true = ops.where(known, y_true, 0.0)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    losses = ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits)
    losses = ops.where(known, losses, 0.0)
    counted = ops.cast(known, "float32")
    # Exactly 1 where all is known, so that the mean stays Keras's.
    scale = ops.divide_no_nan(
        ops.sum(ops.ones_like(counted), axis=axis), ops.sum(counted, axis=axis)
    )
    return ops.mean(losses, axis=axis) * ops.cast(scale, losses.dtype)


def _is_known(y_true: Any) -> Any:
    # Not so for NaN either.
    return ops.greater_equal(y_true, 0)


@keras.saving.register_keras_serializable(package="keras_textcls")
class MaskedMetric(keras.metrics.Metric):
    """Wraps a metric over single entries, so that it leaves unknown labels out.

    It passes a weight for each entry to the metric: 0 for an unknown label, else
    the weight of its text, or 1. Where every label is known, its value is that
    of the metric itself.

    Args:
        metric: a `keras.metrics.Metric` instance that takes a weight for each
            entry of a `(batch, num_classes)` matrix, such as `BinaryAccuracy`,
            `Precision`, `Recall` or `AUC`.
        name: string. Defaults to `None`, the name of the metric.
        dtype: dtype of the computation. Defaults to `None`, that of the metric.

    Raises:
        ArgumentError: `metric` is not a metric.

    Example:
    >>> metric = MaskedMetric(keras.metrics.BinaryAccuracy())
    >>> metric.update_state([[1.0, 0.0], [-1.0, 1.0]], [[0.9, 0.2], [0.1, 0.3]])
    >>> round(float(metric.result()), 4)  # two of the three that are known
    0.6667
    """

    ignores_unknown = True

    def __init__(self, metric: Any, name: str | None = None, dtype: Any = None) -> None:
        if not isinstance(metric, keras.metrics.Metric):
            raise ArgumentError(
                "`metric` must be a keras.metrics.Metric instance, such as "
                f"keras.metrics.BinaryAccuracy(). Received: metric={shorten(metric)}."
            )
        super().__init__(name=name or metric.name, dtype=dtype or metric.dtype)
        self.metric = metric
        copy_direction(self, metric)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count one batch.

        Args:
            y_true: array of shape `(batch, num_classes)`, below 0 where
                unknown.
            y_pred: array of the same shape.
            sample_weight: array of shape `(batch,)` or `(batch, num_classes)`,
                or `None`. Defaults to `None`.
        """
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        known = _is_known(y_true)
        weights = ops.cast(known, self.dtype)
        if sample_weight is not None:
            sample_weight = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
            if len(sample_weight.shape) < len(weights.shape):
                sample_weight = ops.expand_dims(sample_weight, -1)
            weights = weights * sample_weight
        self.metric.update_state(ops.where(known, y_true, 0.0), y_pred, sample_weight=weights)

    def result(self) -> Any:
        """Return the value of the metric so far."""
        return self.metric.result()

    def reset_state(self) -> None:
        """Forget what was counted."""
        self.metric.reset_state()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        metric = keras.saving.serialize_keras_object(self.metric)
        return {**super().get_config(), "metric": metric}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> MaskedMetric:
        """Make a metric from what `get_config` returned."""
        metric = keras.saving.deserialize_keras_object(config["metric"])
        return cls(**{**config, "metric": metric})


def unknown_refused_for(loss: Any, metrics: Any) -> str | None:
    """Find a loss or metric that would count unknown labels as if -1 were a target.

    Args:
        loss: what `compile` takes as `loss`: an object, a name or a function,
            or a nest of those.
        metrics: what it takes as `metrics`, likewise.

    Returns:
        A string that goes on after "y[0] leaves labels unknown, ": what counts
        them and the remedy. `None` if nothing does.
    """
    for part in keras.tree.flatten(loss):
        if part is not None and not getattr(part, "ignores_unknown", False):
            return (
                f"but the loss {_name(part)} takes them for targets of -1. Compile with "
                'loss="auto" or keras_textcls.MaskedBinaryCrossentropy, or give a loss of your own '
                "that leaves out targets below 0 the attribute `ignores_unknown = True`."
            )
    for part in keras.tree.flatten(metrics):
        if part is not None and not getattr(part, "ignores_unknown", False):
            return (
                f"but the metric {_name(part)} takes them for targets of -1. Compile with "
                'metrics="auto", or wrap it: keras_textcls.MaskedMetric(metric).'
            )
    return None


def _name(part: Any) -> str:
    if not isinstance(part, str):
        part = getattr(part, "name", None) or getattr(part, "__name__", part)
    return shorten(part)
