"""Checks the features, targets and weights of a head and converts them for the solvers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_textcls.errors import ArgumentError, InvalidDataError, shorten
from keras_textcls.inputs.targets import class_weights, read_sample_weight
from keras_textcls.labels import LabelSet

_MOST_NAMED = 10


@dataclasses.dataclass(frozen=True)
class HeadData:
    """The training data of a head.

    Args:
        features: float32 array of shape `(num_texts, hidden_dim)`.
        targets: float32 array of shape `(num_texts, num_outputs)` of 0 and 1. For
            two mutually exclusive labels, there is one output, for the second
            label. Labels that cannot be learnt have no output.
        weights: float32 array of shape `(num_texts, 1)`, or `(num_texts,
            num_outputs)` for multi-label; 0 where a label is unknown.
        softmax: bool, whether the outputs are mutually exclusive.
        stratify: int array, the targets for stratified folds.
        outputs: int array of shape `(num_outputs,)`, the class of each output.
        priors: float array of shape `(num_classes,)`, smoothed share of each
            class.
        notes: tuple of strings, labels that were left out.
        multi_label: bool, whether a text may have any number of labels.
    """

    features: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    softmax: bool
    stratify: np.ndarray
    outputs: np.ndarray
    priors: np.ndarray
    notes: tuple[str, ...]
    multi_label: bool

    def expand(
        self, kernel: np.ndarray, bias: np.ndarray, inputs: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Expand the weights of the outputs to weights of all classes.

        With two mutually exclusive labels, each gets half of the logit, with opposite
        signs. A label that could not be learnt is predicted with its smoothed share; if
        labels are mutually exclusive, this holds approximately, on average.

        Args:
            kernel: float array of shape `(hidden_dim, num_outputs)`.
            bias: float array of shape `(num_outputs,)`.
            inputs: float array of shape `(num_texts, hidden_dim)`, inputs of the
                kernel.

        Returns:
            A tuple of float arrays of shapes `(hidden_dim, num_classes)` and
            `(num_classes,)`.
        """
        if not self.multi_label and not self.softmax:
            kernel, bias = np.hstack([-kernel, kernel]) / 2, np.concatenate([-bias, bias]) / 2
        full = np.zeros((len(kernel), len(self.priors)))
        full[:, self.outputs] = kernel
        if self.multi_label:
            biases = np.log(self.priors) - np.log1p(-self.priors)
        else:
            scores = inputs @ kernel.astype("float32") + bias
            highest = scores.max(axis=1)
            total = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
            biases = np.log(self.priors) + total.mean()
        biases[self.outputs] = bias
        return full, biases


def read_head_data(
    features: Any,
    targets: Any,
    multi_label: bool,
    class_weight: str | Mapping[int, float] | None = None,
    sample_weight: Any = None,
    num_classes: int | None = None,
) -> HeadData:
    """Check the training data of a head.

    Args:
        features: float array of shape `(num_texts, hidden_dim)`.
        targets: int array of shape `(num_texts,)`; for multi-label a matrix of
            shape `(num_texts, num_classes)` of 1, 0 and -1 or NaN.
        multi_label: bool.
        class_weight: `"balanced"`, a dict from class to weight, or `None`.
            Defaults to `None`.
        sample_weight: array of shape `(num_texts,)`, or `None`. Defaults to
            `None`.
        num_classes: int or `None`. Defaults to `None`, as many as occur.

    Returns:
        `HeadData`.

    Raises:
        InvalidDataError: shapes do not fit, a number is not finite, or all texts
            have the same label.
        ArgumentError: `class_weight` cannot be used.
    """
    features = _read_features(features)
    weights = read_sample_weight(sample_weight, len(features))
    weights = np.ones(len(features), "float32") if weights is None else weights
    if not weights.any():
        raise InvalidDataError("`sample_weight` is 0 for all texts. Leave it out.")
    targets = np.asarray(targets)
    if multi_label:
        if class_weight is not None:
            raise ArgumentError(
                "`class_weight` is for one label a text. Received class_weight="
                f"{shorten(class_weight)} with multi_label=True; use `sample_weight`."
            )
        return _multi_label_data(features, targets, weights, num_classes)
    classes = _read_classes(targets, len(features), num_classes)
    num_classes = num_classes or int(classes.max()) + 1
    if class_weight is not None:
        per_class = class_weights(class_weight, LabelSet.numbered(num_classes), classes)
        weights = weights * per_class[classes].astype("float32")
    return _single_label_data(features, classes, weights, num_classes)


def _read_features(features: Any) -> np.ndarray:
    values = np.asarray(features, "float32")
    if values.ndim != 2 or 0 in values.shape:
        raise InvalidDataError(
            "`features` must have the shape (num_texts, hidden_dim), with at least one text. "
            f"Received shape {values.shape}."
        )
    # If the sum is finite, all values are; this needs no mask of the size of the features.
    if not np.isfinite(values.sum(dtype="float64")):
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if bad.size:
            raise InvalidDataError(
                f"features[{bad[0]}] holds numbers that are not finite. A backbone in float16 may "
                'overflow; load it with dtype="float32" or "bfloat16".'
            )
    return values


def _read_classes(targets: np.ndarray, num_texts: int, num_classes: int | None) -> np.ndarray:
    if targets.shape != (num_texts,) or targets.dtype.kind not in "iu":
        raise InvalidDataError(
            f"`targets` must be an integer array of shape ({num_texts},). Received "
            f"{targets.dtype} of shape {targets.shape}; a matrix needs multi_label=True."
        )
    bad = np.flatnonzero((targets < 0) | (targets >= (num_classes or np.inf)))
    if bad.size:
        raise InvalidDataError(
            f"targets[{bad[0]}]={targets[bad[0]]} is no class: they run from 0 to "
            f"{'num_classes - 1' if num_classes is None else num_classes - 1}."
        )
    return targets.astype("int64")


def _single_label_data(
    features: np.ndarray, classes: np.ndarray, weights: np.ndarray, num_classes: int
) -> HeadData:
    present, positions = np.unique(classes, return_inverse=True)
    if len(present) < 2:
        raise InvalidDataError(
            f"All {len(classes)} texts have the label {present[0]}, so there is nothing to learn. "
            "Add texts of another label."
        )
    targets = np.eye(len(present), dtype="float32")[positions]
    softmax = len(present) > 2
    counts = np.bincount(classes, minlength=num_classes)
    missing = np.flatnonzero(counts == 0)
    return HeadData(
        features=features,
        targets=targets if softmax else targets[:, 1:],
        weights=weights[:, None],
        softmax=softmax,
        stratify=positions,
        outputs=present,
        priors=(counts + 0.5) / (len(classes) + 0.5 * num_classes),
        notes=_note(missing, "without any text"),
        multi_label=False,
    )


def _multi_label_data(
    features: np.ndarray, targets: np.ndarray, weights: np.ndarray, num_classes: int | None
) -> HeadData:
    width = targets.shape[1] if targets.ndim == 2 else -1
    if targets.shape != (len(features), num_classes or width) or targets.dtype.kind not in "iufb":
        raise InvalidDataError(
            f"Multi-label `targets` must be a matrix of shape ({len(features)}, "
            f"{num_classes or 'num_classes'}). Received {targets.dtype} of shape {targets.shape}."
        )
    is_positive = targets == 1
    is_negative = targets == 0
    strange = ~(is_positive | is_negative | (targets == -1) | np.isnan(targets.astype("float32")))
    if strange.any():
        i, j = np.argwhere(strange)[0]
        raise InvalidDataError(
            f"targets[{i}, {j}]={targets[i, j]} is neither 1, 0 nor, for unknown, -1 or NaN."
        )
    masked = (is_positive | is_negative) * weights[:, None]
    positive = (masked * is_positive).sum(axis=0, dtype="float64")
    negative = (masked * is_negative).sum(axis=0, dtype="float64")
    learnt = np.flatnonzero((positive > 0) & (negative > 0))
    constant = np.flatnonzero((positive == 0) | (negative == 0))
    return HeadData(
        features=features,
        targets=is_positive[:, learnt].astype("float32"),
        weights=masked[:, learnt].astype("float32"),
        softmax=False,
        stratify=is_positive.astype("int8"),
        outputs=learnt,
        priors=(positive + 0.5) / (positive + negative + 1),
        notes=_note(constant, "that all texts have, or none,"),
        multi_label=True,
    )


def _note(classes: np.ndarray, kind: str) -> tuple[str, ...]:
    if not classes.size:
        return ()
    shown = ", ".join(map(str, classes[:_MOST_NAMED]))
    more = f" and {classes.size - _MOST_NAMED} more" if classes.size > _MOST_NAMED else ""
    return (f"classes {kind} score by their share only: {shown}{more}",)
