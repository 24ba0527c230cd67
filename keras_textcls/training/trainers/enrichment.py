"""Neutral sentences as further negatives, for small multi-label sets.

A handful of texts says what has a label, and little of what has none: one-vs-rest
on five texts a label gives unrelated texts high scores. Everyday sentences that
ship with the library stand for everything else. Where labels exclude each other
they do not apply: every text has one of them there.
"""

from __future__ import annotations

import functools
import importlib.resources

import numpy as np

from keras_textcls.errors import ArgumentError, shorten

_FILE = "neutral_sentences.txt"
# Texts a label from which on a set brings enough negatives of its own.
ENOUGH_TEXTS = 50
# Of what the texts weigh. Ten times as much lowers unrelated texts little further, and takes many
# related ones below a probability of 0.5.
_SHARE = 0.1


@functools.cache
def neutral_texts() -> tuple[str, ...]:
    """Read the neutral sentences: everyday life, facts, news, technology, greetings, scraps.

    Returns:
        A tuple of some 300 English strings.

    Example:
    >>> neutral_texts()[0]
    'The kettle takes about four minutes to boil.'
    """
    file = importlib.resources.files("keras_textcls.training.trainers").joinpath(_FILE)
    return tuple(file.read_text(encoding="utf-8").splitlines())


def wants_neutral_texts(enrich: str, targets: np.ndarray, multi_label: bool) -> bool:
    """Say whether neutral sentences should train too.

    Args:
        enrich: `"auto"`, for multi-label sets of fewer than 50 texts a label on
            average, or `"disabled"`.
        targets: array, as of `solve_linear_head`.
        multi_label: bool.

    Returns:
        A bool.

    Raises:
        ArgumentError: `enrich` is neither.
    """
    if enrich not in ("auto", "disabled"):
        raise ArgumentError(
            f'`enrich` must be "auto" or "disabled". Received: enrich={shorten(enrich)}.'
        )
    if enrich == "disabled" or not multi_label:
        return False
    return float((targets == 1).sum(axis=0).mean()) < ENOUGH_TEXTS


def add_neutral(
    features: np.ndarray,
    targets: np.ndarray,
    neutral_features: np.ndarray,
    sample_weight: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Append neutral sentences as texts without any label.

    Together they weigh a tenth of the texts, or less where there are fewer.

    Args:
        features: float array of shape `(num_texts, hidden_dim)`.
        targets: float array of shape `(num_texts, num_classes)`.
        neutral_features: float array of shape `(num_neutral, hidden_dim)`.
        sample_weight: array of shape `(num_texts,)`, or `None`. Defaults to
            `None`, 1 each.

    Returns:
        A tuple of features, targets and weights, as `solve_linear_head` takes
        them.
    """
    weights = np.ones(len(features)) if sample_weight is None else np.asarray(sample_weight)
    each = min(1.0, _SHARE * float(weights.sum()) / len(neutral_features))
    return (
        np.concatenate([features, neutral_features]).astype("float32"),
        np.concatenate([targets, np.zeros((len(neutral_features), targets.shape[1]))]),
        np.concatenate([weights, np.full(len(neutral_features), each)]).astype("float32"),
    )
