"""Adds neutral sentences as negative examples to small multi-label data.

A few texts show what has a label, but little of what has none: a one-vs-rest head on five
texts for each label gives high scores to unrelated texts. Everyday sentences that ship with
the library represent unrelated texts. They are not used if labels are mutually exclusive,
since every text has a label then.
"""

from __future__ import annotations

import functools
import importlib.resources

import numpy as np

from keras_textcls.errors import ArgumentError, shorten

_FILE = "neutral_sentences.txt"
# With this many texts for each label, the data have enough negatives of their own.
ENOUGH_TEXTS = 50
# Share of the total weight of the texts. Ten times as much hardly lowers the scores of unrelated
# texts further, and brings many related texts below a probability of 0.5.
_SHARE = 0.1


@functools.cache
def neutral_texts() -> tuple[str, ...]:
    """Read the neutral sentences: everyday life, facts, news, technology, greetings, fragments.

    Returns:
        A tuple of some 300 English strings.

    Example:
    >>> neutral_texts()[0]
    'The kettle takes about four minutes to boil.'
    """
    file = importlib.resources.files("keras_textcls.training.trainers").joinpath(_FILE)
    return tuple(file.read_text(encoding="utf-8").splitlines())


def wants_neutral_texts(enrich: str, targets: np.ndarray, multi_label: bool) -> bool:
    """Return whether neutral sentences are added to the training data.

    Args:
        enrich: `"auto"`, to add them to multi-label data with fewer than 50
            texts for each label on average, or `"disabled"`.
        targets: array, as for `solve_linear_head`.
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

    Together they have at most a tenth of the weight of the texts.

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
