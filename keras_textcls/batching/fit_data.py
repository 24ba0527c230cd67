"""From the arguments of `fit` and `evaluate` to the batches that Keras reads.

Which arguments go together is decided here: texts in memory have labels and
weights beside them, a data set brings its labels along, a stream both. What
becomes of the parts stands in `feeding.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_textcls.batching.batch_source import BatchSource, Encoded
from keras_textcls.batching.planner import Feeder, weigh
from keras_textcls.errors import ArgumentError, InvalidDataError, shorten
from keras_textcls.inputs.stratification import stratified_holdout
from keras_textcls.inputs.targets import names_in
from keras_textcls.inputs.texts import LabelledTexts, open_stream
from keras_textcls.labels import LabelSet


def fit_sources(
    feeder: Feeder,
    x: Any,
    y: Any,
    *,
    batch_size: int | None,
    epochs: int,
    validation_data: Any,
    validation_split: float,
    shuffle: bool,
    sample_weight: Any,
    class_weight: Any,
    seed: int,
    adopts_names: bool = True,
) -> tuple[BatchSource, BatchSource | None]:
    """Return what to train on and what to validate on.

    Args:
        feeder: `Feeder`, whose `labels` become the names that the data bring
            where it has only placeholders (see `adopt_names`).
        x: texts, a data set or a stream, as in `TextClassifier.fit`; so the
            other arguments.
        y: labels, or `None`.
        batch_size: int or `None`.
        epochs: int.
        validation_data: see `unpack_validation_data`, or `None`.
        validation_split: float.
        shuffle: bool.
        sample_weight: numbers, or `None`.
        class_weight: as in `class_weights`, or `None`.
        seed: int.
        adopts_names: bool, whether placeholders are replaced by names. Defaults
            to `True`.

    Returns:
        A tuple of the `BatchSource` to train on and that to validate on, or
        `None` in its place.
    """
    source = feeder.training_stream(x, batch_size, class_weight, shuffle, seed)
    validation = None
    if source is not None:
        _refuse_beside_stream(y=y, sample_weight=sample_weight, validation_split=validation_split)
    else:
        if adopts_names:
            feeder.labels = adopt_names(feeder.labels, x, y)
        data = read_labelled(feeder, x, y, sample_weight)
        if validation_split and validation_data is None:
            rng = np.random.default_rng([seed, 0])
            kept, held_out = stratified_holdout(np.asarray(data.y), validation_split, rng)
            validation = feeder.inference(data.take(held_out))
            data = data.take(kept)
        data = weigh(data, class_weight, feeder.labels)
        source = feeder.training(data, batch_size or 32, epochs, shuffle, seed)
    if validation_data is not None:
        validation = evaluation_source(feeder, *unpack_validation_data(validation_data))
    return source, validation


def evaluation_source(
    feeder: Feeder, x: Any, y: Any, sample_weight: Any, batch_size: int | None = None
) -> BatchSource:
    """Return what to evaluate on.

    Args:
        feeder: `Feeder`.
        x: texts, a data set or a stream, as in `TextClassifier.evaluate`.
        y: labels, or `None`.
        sample_weight: numbers, or `None`.
        batch_size: int or `None`, texts a batch. Defaults to `None`, as many as
            fit the token budget.

    Returns:
        A `BatchSource`.
    """
    source = feeder.inference_stream(x, labelled=True, batch_size=batch_size)
    if source is None:
        return feeder.inference(read_labelled(feeder, x, y, sample_weight), batch_size)
    _refuse_beside_stream(y=y, sample_weight=sample_weight)
    return source


def read_labelled(feeder: Feeder, x: Any, y: Any, sample_weight: Any = None) -> Encoded:
    """Read texts with their labels; no stream.

    Args:
        feeder: `Feeder`.
        x: texts, or a data set with labels.
        y: labels, or `None` for a data set.
        sample_weight: numbers, or `None`. Defaults to `None`.

    Returns:
        `Encoded`.

    Raises:
        InvalidDataError: there are no labels.
        ArgumentError: there are two sets of labels.
    """
    if isinstance(x, LabelledTexts):
        if y is not None:
            raise ArgumentError(
                f"`x` is a data set with labels of its own, so `y` cannot be given beside it. "
                f"Received: y={shorten(y)}. Leave `y` out."
            )
        return feeder.read_dataset(x, True, sample_weight)
    if y is None:
        raise InvalidDataError(
            "`y` is missing. Pass the labels of the texts, a data set that has them, or a stream "
            "of (texts, labels)."
        )
    return feeder.read(x, y, sample_weight)


def adopt_names(labels: LabelSet, x: Any, y: Any) -> LabelSet:
    """Take the names in the data if none were given and their number fits.

    Args:
        labels: `LabelSet` of the classifier.
        x: texts of any kind; a data set has names.
        y: labels of any kind, or `None`.

    Returns:
        A `LabelSet`: in place of numbered placeholders the names of the data
        set in its order, or those in `y` in sorted order; otherwise `labels`.

    Raises:
        InvalidDataError: the number of names is not that of the outputs.
    """
    is_dataset = isinstance(x, LabelledTexts)
    names = (x.labels if is_dataset else names_in(y)) if labels.is_numbered else None
    if names is None or set(names) <= set(labels):
        return labels
    if len(names) != len(labels):
        holder = "`x`" if is_dataset else "`y`"
        raise InvalidDataError(
            f"{holder} holds {len(names)} different label names ({', '.join(names[:6])}), but the "
            f"classifier has num_classes={len(labels)} and no names of its own. Create it "
            "with labels=[...] instead of num_classes."
        )
    return names


def unpack_validation_data(validation_data: Any) -> tuple[Any, Any, Any]:
    """Return `(x, y, sample_weight)` of the argument `validation_data`.

    Args:
        validation_data: `(x, y)`, `(x, y, sample_weight)`, a data set or a
            stream.

    Returns:
        A tuple of three, with `None` for what is not there.

    Raises:
        ArgumentError: it is none of those.
    """
    if isinstance(validation_data, LabelledTexts) or open_stream(validation_data) is not None:
        return validation_data, None, None
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
        raise ArgumentError(
            "`validation_data` must be (x, y), (x, y, sample_weight), a data set with labels or a "
            f"stream of batches. Received {shorten(validation_data)}."
        )
    x, y, *weight = validation_data
    return x, y, weight[0] if weight else None


def _refuse_beside_stream(**arguments: Any) -> None:
    for name, value in arguments.items():
        if value is not None and not (isinstance(value, float) and value == 0.0):
            raise ArgumentError(
                f"`x` is a stream of batches, so `{name}` cannot be given beside it. Let the "
                "stream yield (texts, labels, weights), and pass `validation_data`."
            )
