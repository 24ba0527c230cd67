"""From the features of chunks to the scores of whole texts.

The backbone turns a text into features, and the head turns features into scores.
The features of a text in chunks are an average over its chunks, so the head runs on
them alone, as a small Keras model that shares the layers of the classifier. Its
`predict` and `evaluate` are those of the classifier, without the backbone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from keras_textcls.batching.batch_source import BatchSource
from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.execution.backend_policy import keeping_state
from keras_textcls.execution.predict import predict_source

# Rows of features that the head reads at a time.
_ROWS = 4096


def build_scorer(layers: Iterable[keras.layers.Layer], dim: int) -> keras.Model:
    """Make the model from features to scores, which shares the layers of a head.

    Args:
        layers: iterable of layers, in the order in which they are applied.
        dim: int, size of the features.

    Returns:
        A `keras.Model` from `(batch, dim)` to `(batch, num_classes)`.
    """
    # In float32 whatever the layers compute in, so that an average is not rounded twice.
    features = outputs = keras.Input((dim,), dtype="float32", name="features")
    for layer in layers:
        outputs = layer(outputs)
    return keras.Model(features, outputs, name="scorer")


def average_features(
    embedder: keras.Model, source: BatchSource, verbose: str | int, **kwargs: Any
) -> np.ndarray:
    """Return the features of whole texts.

    Args:
        embedder: `keras.Model` from the inputs of the backbone to features.
        source: `BatchSource` whose rows are chunks.
        verbose: as in `keras.Model.predict`.
        **kwargs: further arguments of it.

    Returns:
        A float32 array of shape `(num_texts, dim)`.

    Raises:
        ArgumentError: `steps` is given.
    """
    if kwargs.get("steps") is not None:
        raise ArgumentError(
            '`steps` counts batches, and with `long_texts="chunk"` the chunks of a text lie in '
            f"several of them. Received: steps={shorten(kwargs['steps'])}. Pass fewer texts, or "
            'set long_texts = "truncate".'
        )
    return predict_source(embedder, source, verbose=verbose, **kwargs)


def predict_whole(
    embedder: keras.Model,
    scorer: keras.Model,
    source: BatchSource,
    verbose: str | int,
    **kwargs: Any,
) -> np.ndarray:
    """Return the scores of whole texts.

    Args:
        embedder: `keras.Model` from the inputs of the backbone to features.
        scorer: `keras.Model` from features to scores.
        source: `BatchSource` whose rows are chunks.
        verbose: as in `keras.Model.predict`.
        **kwargs: further arguments of it.

    Returns:
        A float32 array of shape `(num_texts, num_classes)`.
    """
    features = average_features(embedder, source, verbose, **kwargs)
    return score_features(scorer, features)


def score_features(scorer: keras.Model, features: np.ndarray) -> np.ndarray:
    """Return the scores of texts whose features are known.

    Args:
        scorer: `keras.Model` from features to scores.
        features: float32 array of shape `(num_texts, dim)`.

    Returns:
        A float32 array of shape `(num_texts, num_classes)`.
    """
    with keeping_state(scorer):
        scores = scorer.predict(features, _ROWS, verbose=0)
    return np.asarray(scores).astype("float32")


def evaluate_whole(
    embedder: keras.Model,
    scorer: keras.Model,
    source: BatchSource,
    verbose: str | int,
    steps: int | None = None,
    **kwargs: Any,
) -> Any:
    """Return the loss and the metrics of whole texts.

    Args:
        embedder: `keras.Model` from the inputs of the backbone to features.
        scorer: `keras.Model` from features to scores, compiled.
        source: `BatchSource` whose rows are chunks, with labels.
        verbose: as in `keras.Model.evaluate`, for both models.
        steps: must be `None`. Defaults to `None`.
        **kwargs: further arguments of `keras.Model.evaluate`.

    Returns:
        A list of the loss and the metrics, or a dict if `return_dict=True`.
    """
    features = average_features(embedder, source, verbose, steps=steps)
    y, sample_weight = source.targets()
    with keeping_state(scorer):
        return scorer.evaluate(features, y, _ROWS, verbose, sample_weight, **kwargs)
