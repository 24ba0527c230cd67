"""Actual labels and probabilities of texts that no model has seen, for tests of reports."""

import numpy as np

from keras_textcls import Report


def names(classes):
    return [f"label {chr(97 + i)}" for i in range(classes)]


def single(texts=120, classes=3, seed=0, absent=(), never=(), sharp=1.5, dtype="float32"):
    """Ints and softmax probabilities; labels that do not occur, or are never most probable."""
    rng = np.random.default_rng(seed)
    occurring = [i for i in range(classes) if i not in absent]
    y_true = rng.choice(occurring, texts)
    logits = rng.normal(size=(texts, classes))
    logits[np.arange(texts), y_true] += sharp
    logits[:, list(never)] -= 50
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return y_true, (exponents / exponents.sum(axis=1, keepdims=True)).astype(dtype)


def multi(texts=120, classes=4, seed=0, absent=(), unknown=0.0, sharp=1.5, ties=False):
    """A matrix of 1, 0 and -1, and sigmoid probabilities."""
    rng = np.random.default_rng(seed)
    y_true = (rng.random((texts, classes)) < 0.4).astype(int)
    y_true[:, list(absent)] = 0
    logits = rng.normal(size=(texts, classes)) + sharp * (2 * y_true - 1)
    y_score = (1 / (1 + np.exp(-logits))).astype("float32")
    y_true[rng.random((texts, classes)) < unknown] = -1
    return y_true, np.round(y_score, 1) if ties else y_score


def report_of(data, **kwargs):
    """The `Report` of what `single` or `multi` returned."""
    y_true, y_score = data
    kwargs.setdefault("labels", names(y_score.shape[1]))
    return Report.from_predictions(y_true, y_score, **kwargs)


CASES = {
    "2 labels": lambda seed=0: single(classes=2, seed=seed),
    "3 labels": lambda seed=0: single(classes=3, seed=seed),
    "20 labels": lambda seed=0: single(texts=200, classes=20, seed=seed),
    "float64": lambda seed=0: single(dtype="float64", seed=seed),
    "labels that never occur": lambda seed=0: single(classes=5, absent=(1, 3), seed=seed),
    "labels never predicted": lambda seed=0: single(classes=5, never=(0, 2), seed=seed),
    "multi-label": lambda seed=0: multi(seed=seed),
    "multi-label with ties": lambda seed=0: multi(ties=True, seed=seed),
    "multi-label, a label absent": lambda seed=0: multi(absent=(2,), seed=seed),
    "multi-label, partly unknown": lambda seed=0: multi(unknown=0.1, seed=seed),
}
