"""From outputs to answers in label names."""

import keras
import numpy as np
import pytest

from keras_textcls import ArgumentError, LabelSet
from keras_textcls.predictions.decisions import read_thresholds
from keras_textcls.predictions.prediction import (
    AnswerOptions,
    to_predictions,
    to_probabilities,
)

LABELS = LabelSet(["a", "b", "c"])
LOGITS = np.array([[2.0, 1.0, -1.0], [0.0, 0.0, 3.0]], "float32")


def test_probabilities_are_softmax_or_sigmoid_of_logits():
    soft = to_probabilities(LOGITS, keras.activations.linear, False)
    np.testing.assert_allclose(soft, np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True), 1e-6)
    sigmoid = to_probabilities(LOGITS, keras.activations.linear, True)
    np.testing.assert_allclose(sigmoid, 1 / (1 + np.exp(-LOGITS)), 1e-6)


@pytest.mark.parametrize("multi_label", [False, True])
def test_probabilities_as_outputs_are_taken_as_they_are_and_calibrated_alike(multi_label):
    final = keras.activations.sigmoid if multi_label else keras.activations.softmax
    outputs = to_probabilities(LOGITS, keras.activations.linear, multi_label)
    np.testing.assert_array_equal(to_probabilities(outputs, final, multi_label), outputs)
    np.testing.assert_allclose(
        to_probabilities(outputs, final, multi_label, temperature=2.0),
        to_probabilities(LOGITS, keras.activations.linear, multi_label, temperature=2.0),
        rtol=1e-5,
    )


def test_extreme_logits_stay_finite():
    extreme = np.array([[1e4, -1e4, 0.0]], "float32")
    for multi_label in (False, True):
        p = to_probabilities(extreme, keras.activations.linear, multi_label)
        assert np.isfinite(p).all()
        assert p[0, 0] == 1.0


def test_other_activations_have_no_probabilities():
    with pytest.raises(ArgumentError, match="activation='relu'"):
        to_probabilities(LOGITS, keras.activations.relu, False)


def test_single_label_ranks_all_labels():
    first, second = to_predictions(
        np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]), LABELS, False, None
    )
    assert (first.label, first.labels, first.scores) == ("b", ("b", "c", "a"), (0.5, 0.3, 0.2))
    # Equal scores keep the order of the labels.
    assert second.labels == ("c", "a", "b")


def test_top_k_and_threshold():
    scores = np.array([[0.2, 0.5, 0.3]])
    assert to_predictions(scores, LABELS, False, None, AnswerOptions(max_labels=2))[0].labels == (
        "b",
        "c",
    )
    below = to_predictions(scores, LABELS, False, np.full(3, 0.6))[0]
    assert (below.label, below.score) == (None, 0.5)
    multi = to_predictions(scores, LABELS, True, np.array([0.1, 0.6, 0.3]))[0]
    assert (multi.label, multi.labels) == (None, ("c", "a"))
    assert to_predictions(np.array([[0.1, 0.2, 0.3]]), LABELS, True, None)[0].labels == ()


@pytest.mark.parametrize("threshold", [-0.1, 1.5, [0.1, 0.2], float("nan")])
def test_bad_thresholds(threshold):
    with pytest.raises(ArgumentError, match=r"number in \[0, 1\], or 3 of them, one a label"):
        read_thresholds(threshold, LABELS)


def test_thresholds_by_name():
    assert read_thresholds({"b": 0.9}, LABELS).tolist() == [0.5, 0.9, 0.5]


def test_bad_top_k():
    with pytest.raises(ArgumentError, match="`top_k` in classify"):
        AnswerOptions(max_labels=0)
